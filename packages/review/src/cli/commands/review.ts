/** `drover-review [PATHS]`: the review itself. */
import { writeFileSync } from "node:fs"
import { baselineText, updateBaseline } from "../../config/baseline.ts"
import type { Report } from "../../findings/finding.ts"
import { visible } from "../../reports/visible.ts"
import { rules } from "../../rules/rules.ts"
import type { Session } from "../../session/session.ts"
import { wantsColour } from "../colour.ts"
import type { Command } from "../command.ts"
import { reviewOptions } from "../options.ts"
import { baselineOf, sessionOptions, show, withSession, type ReviewRun } from "../reviewing.ts"
import { reviewSettings } from "../reviewSettings.ts"
import { rootOf } from "../root.ts"
import { exitCodes, type ExitCode } from "../terminal.ts"
import { UsageError } from "../usage.ts"

export const reviewCommand: Command = {
  name: "",
  summary: "find coordination mistakes in files, folders or a diff",
  usage: ["[PATHS] [OPTIONS]"],
  options: reviewOptions,
  async run(call) {
    const { parsed, terminal } = call
    const settings = reviewSettings(
      parsed,
      rules.map(({ id }) => id),
    )
    const colour = wantsColour(parsed, terminal)
    const root = rootOf(parsed, terminal)
    const options = await sessionOptions(root, settings, call)
    if (settings.watch) {
      const { watchReview } = await import("../watching.ts")
      return watchReview({ root, options, settings, colour, terminal })
    }
    return reviewOnce({ root, options, settings, colour, terminal })
  },
}

function reviewOnce(run: ReviewRun): Promise<ExitCode> {
  const { settings } = run
  return withSession(run, async (session, again) => {
    if (settings.updateBaseline) return writeBaseline(run, session)
    if (settings.fix === "print") return printFixes(run, session)
    return show(run, settings.fix === "apply" ? await applyFixes(run, session, again) : session)
  })
}

function writeBaseline(run: ReviewRun, session: Session): ExitCode {
  const { settings, terminal, root } = run
  const { path, shown } = baselineOf(root, settings, terminal)
  const accepted = [
    ...session.report.findings,
    ...session.report.suppressed
      .filter(({ by }) => by === "baseline")
      .map(({ finding }) => finding),
  ]
  const entries = updateBaseline(session.baseline, accepted, terminal.today)
  try {
    writeFileSync(path, baselineText(entries))
  } catch (error) {
    throw new UsageError(
      `${shown} cannot be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
    )
  }
  terminal.err(`${shown}: ${entries.length} accepted\n`)
  return exitCodes.clean
}

async function printFixes({ settings, terminal }: ReviewRun, session: Session): Promise<ExitCode> {
  const { diffFixes } = await import("../../fix/fix.ts")
  const { report, found } = session
  const level = settings.unsafeFixes ? "unsafe" : "safe"
  terminal.out(diffFixes({ report, textOf: (path) => found.textOf(path) }, level))
  return exitCodes.clean
}

async function applyFixes(
  run: ReviewRun,
  first: Session,
  again: () => Promise<Session>,
): Promise<Session> {
  const { fixFiles } = await import("../../fix/fix.ts")
  const { settings, terminal, root } = run
  let session = first
  const analysed = (): { report: Report; textOf: (path: string) => string | null } => {
    const { report, found } = session
    return { report, textOf: (path) => found.textOf(path) }
  }
  const outcome = await fixFiles({
    root,
    level: settings.unsafeFixes ? "unsafe" : "safe",
    first: analysed(),
    again: async () => {
      session = await again()
      return analysed()
    },
  })
  if (!settings.quiet && outcome.fixed > 0) {
    terminal.err(`fixed ${outcome.fixed} in ${outcome.files.length} files\n`)
  }
  for (const { path, reason } of outcome.refused) {
    terminal.err(`${visible(path)}: not fixed: ${visible(reason)}\n`)
  }
  return session
}
