import type { RunHistory } from "../history/runHistory.ts"

/**
 * No error escaped: no uncaught exception, no failed assertion, no process that ended with a code of its own. That the
 * database could not be had is no trouble while a fault says so, and is counted, not judged.
 */
export function trouble({ records, deaths }: RunHistory): string[] {
  return [
    ...records.flatMap((record) =>
      record.event === "trouble" ? [`process ${record.pid}: ${record.what}`] : [],
    ),
    ...[...deaths.values()].flatMap(({ pid, code }) =>
      code === null || code === 0 ? [] : [`process ${pid} ended with code ${code}`],
    ),
  ]
}
