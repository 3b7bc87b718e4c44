import type { RunHistory } from "../history/runHistory.ts"

const REFUSED = "DROVER_STORE_QUERY"

/**
 * No error escaped: no uncaught exception, no failed assertion, no process that ended with a code of its own, no
 * statement that the database refused for what it says. That the database could not be had is no trouble while a fault
 * says so, and is counted, not judged.
 */
export function trouble({ testimonies, deaths }: RunHistory): string[] {
  return [
    ...testimonies.flatMap((record) =>
      record.event === "trouble" || (record.event === "store" && record.what.includes(REFUSED))
        ? [`process ${record.pid}: ${record.what}`]
        : [],
    ),
    ...[...deaths.values()].flatMap(({ pid, code }) =>
      code === null || code === 0 ? [] : [`process ${pid} ended with code ${code}`],
    ),
  ]
}
