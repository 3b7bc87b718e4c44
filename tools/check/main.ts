/**
 * `npm run check`: everything that must be clean before a commit, apart from the tests. One line per step; what
 * failed shows its output and how to mend it.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { runSteps, type StepResult } from "./runSteps.ts"
import { steps } from "./steps.ts"

const ROOT = join(import.meta.dirname, "../..")
const OUTPUT_LINES = 60
const NAME_WIDTH = Math.max(...steps.map(({ name }) => name.length)) + 2

const folder = mkdtempSync(join(tmpdir(), "drover-check-"))
try {
  const results = await runSteps(
    steps.map((step) => ({
      ...step,
      command: step.command.map((word) => word.replace("{folder}", folder)),
    })),
    {
      cwd: ROOT,
      // The tools of this checkout come first, also when npm did not start this.
      env: {
        ...process.env,
        PATH: [join(ROOT, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
        FORCE_COLOR: "0",
      },
      width: Math.max(2, availableParallelism()),
      now: () => performance.now(),
      onResult: printResult,
    },
  )
  const failed = results.filter(({ outcome }) => outcome === "failed")
  for (const result of failed) printFailure(result)
  if (failed.length > 0) {
    console.log(`\nFailed: ${failed.map(({ step }) => step.name).join(", ")}.`)
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function printResult({ step, outcome, elapsedMs }: StepResult): void {
  console.log(
    `${outcome.padEnd(8)}${step.name.padEnd(NAME_WIDTH)}${(elapsedMs / 1000).toFixed(1)} s`,
  )
}

function printFailure({ step, output }: StepResult): void {
  const lines = output.trim().split("\n")
  console.log(`\n── ${step.name}: ${step.command.join(" ")}`)
  console.log(lines.slice(0, OUTPUT_LINES).join("\n"))
  if (lines.length > OUTPUT_LINES) console.log(`… ${lines.length - OUTPUT_LINES} more lines`)
  console.log(`To mend: ${step.mend}`)
}
