/** `--watch`: reviews again whenever a file changes, and prints a line for each finding that came or went. */
import { ConfigError } from "../config/configError.ts"
import { InputError } from "../files/inputError.ts"
import type { Finding, Report } from "../findings/finding.ts"
import { render } from "../reports/render.ts"
import { summaryLine, type RenderOptions } from "../reports/report.ts"
import { visible, visibleLines } from "../reports/visible.ts"
import { runSession } from "../session/session.ts"
import { differenceOf } from "../watch/difference.ts"
import { follow } from "../watch/follow.ts"
import { Turn } from "../session/turn.ts"
import { showsTiming, type ReviewRun } from "./reviewing.ts"
import { exitCodes, type ExitCode } from "./terminal.ts"

/** Editors write a file in several steps. */
const QUIET_MS = 150

/** Runs until it is stopped. */
export async function watchReview(run: ReviewRun): Promise<ExitCode> {
  const { root, terminal } = run
  const stop = new AbortController()
  let last: Report | null = null
  const task = async (): Promise<void> => {
    try {
      const { report, found } = await runSession({ ...run.options, signal: stop.signal })
      const textOf = (path: string): string | null => found.textOf(path)
      const timing = showsTiming(run)
      terminal.out(
        last
          ? changeText(last, report, { timing })
          : render(run.settings.format, report, { textOf, colour: run.colour, timing }),
      )
      last = report
    } catch (error) {
      if (stop.signal.aborted) return
      // A configuration that is being written is wrong for a moment.
      if (!(error instanceof ConfigError || error instanceof InputError)) throw error
      terminal.err(`drover-review: ${visibleLines(error.message)}\n`)
    }
  }
  return new Promise((resolve, reject) => {
    const turn = new Turn({
      after: (ms, callback) => terminal.after(ms, callback),
      quietMs: QUIET_MS,
      task: () => task().catch((error: unknown) => end(() => reject(error as Error))),
    })
    const unfollow = follow(
      root,
      () => turn.request(),
      (error) => end(() => reject(error)),
    )
    const stopListening = terminal.onStop(() => end(() => resolve(exitCodes.clean)))
    const end = (settle: () => void): void => {
      stop.abort()
      unfollow()
      stopListening()
      void turn.stop().then(settle, settle)
    }
    turn.request()
  })
}

/** One line for each change, and the new total; nothing when nothing changed. */
export function changeText(before: Report, after: Report, options: RenderOptions = {}): string {
  const { appeared, gone } = differenceOf(before.findings, after.findings)
  if (appeared.length + gone.length === 0) return ""
  const line = (mark: string, { path, line: at, severity, rule, message }: Finding): string =>
    `${mark} ${visible(path)}:${at}: ${severity} ${visible(rule)}: ${visible(message)}\n`
  return [
    ...gone.map((finding) => line("-", finding)),
    ...appeared.map((finding) => line("+", finding)),
    `${summaryLine(after, options)}\n`,
  ].join("")
}
