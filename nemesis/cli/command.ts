import { randomToken, systemRng } from "../../packages/drover/src/time/index.ts"
import { nemesisRun } from "../run/nemesisRun.ts"
import { huntedNamed } from "../mutants/index.ts"
import { caughtBy } from "../mutants/planted.ts"
import type { RunReport } from "../run/runOptions.ts"
import type { Arguments } from "./arguments.ts"
import { killTable, runMutants } from "./mutantRuns.ts"
import { StatusLine } from "./statusLine.ts"

const MINUTES = 2
const MOST_SHOWN = 20

/** Does what the command line asks for. @returns the exit code. */
export async function runCommand(given: Arguments, signal: AbortSignal): Promise<number> {
  if (given.mutants) return runHunt(given, signal)
  const line = new StatusLine(given.json ? undefined : process.stderr)
  const report = await nemesisRun({
    store: given.store,
    minutes: given.minutes ?? MINUTES,
    seed: given.seed ?? String(randomToken(systemRng)),
    mutant: given.mutant,
    signal,
    onStatus: (status) => line.show(status),
  })
  line.clear()
  process.stdout.write(`${JSON.stringify(report, null, given.json ? undefined : 2)}\n`)
  if (!given.json) describe(report)
  if (given.mutant === null) return report.violations.length === 0 ? 0 : 1
  return caughtBy(report.violations, huntedNamed(given.mutant, given.store)).length > 0 ? 0 : 1
}

async function runHunt(given: Arguments, signal: AbortSignal): Promise<number> {
  const kills = await runMutants(given, signal, (kill) => {
    const caught = `caught by ${kill.checkers.join(", ")} in run ${kill.run}: ${kill.complaint}`
    const survived = kill.error ?? `SURVIVED ${kill.runs} runs`
    process.stderr.write(`${kill.mutant}: ${kill.run === null ? survived : caught}\n`)
  })
  process.stdout.write(given.json ? `${JSON.stringify(kills)}\n` : `${killTable(kills)}\n`)
  return kills.every(({ run }) => run !== null) ? 0 : 1
}

function describe({ violations, kept, mutant, store, seed, minutes }: RunReport): void {
  for (const { checker, what } of violations.slice(0, MOST_SHOWN))
    process.stderr.write(`${mutant === null ? "VIOLATION" : "caught"} ${checker}: ${what}\n`)
  if (violations.length > MOST_SHOWN)
    process.stderr.write(`… and ${violations.length - MOST_SHOWN} more\n`)
  if (kept !== null) {
    process.stderr.write(
      `kept in ${kept}: witness-*.jsonl and .db, history-*.jsonl, worker-*.log, store.jsonl, on SQLite the database\n` +
        `the same faults and work again: npm run nemesis -- --store ${store} --minutes ${minutes} --seed ${seed}\n`,
    )
  }
  if (violations.length === 0)
    process.stderr.write(mutant === null ? "ok\n" : `${mutant} was not caught\n`)
}
