/** `drover-review [PATHS]`: the review itself. */
import { isAbsolute, join, relative, resolve } from "node:path"
import { BASELINE_FILE, baselineText, updateBaseline } from "../../config/baseline.ts"
import type { ReviewOptions } from "../../engine/review.ts"
import { changesBetween, diffChanges, stagedChanges, type Changes } from "../../files/changes.ts"
import type { Notice, Report } from "../../findings/finding.ts"
import { render } from "../../reports/render.ts"
import type { RenderOptions } from "../../reports/report.ts"
import { visible } from "../../reports/visible.ts"
import { rules } from "../../rules/rules.ts"
import { runSession, type Session, type SessionOptions } from "../../session/session.ts"
import { wantsColour } from "../colour.ts"
import type { Call, Command } from "../command.ts"
import { judgeFor } from "../judge.ts"
import { reviewOptions } from "../options.ts"
import { writeOutputs } from "../outputs.ts"
import { progressOn } from "../progress.ts"
import { reviewSettings, type ReviewSettings } from "../reviewSettings.ts"
import { pathsInRoot, rootOf } from "../root.ts"
import { exitCodes, type ExitCode, type Terminal } from "../terminal.ts"
import { UsageError } from "../usage.ts"
import { verdictOf } from "../verdict.ts"
import { version } from "../version.ts"

/** Notices that matter to whoever wrote a comment, a baseline or a configuration, or asked a model; others are for `--verbose`. */
const TOLD = /^(ignore|baseline|adjudication|deadline|rule-failed|limit)/

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

/** One review with all that it needs. */
export interface ReviewRun {
  readonly root: string
  readonly options: SessionOptions
  readonly settings: ReviewSettings
  readonly colour: boolean
  readonly terminal: Terminal
}

async function reviewOnce(run: ReviewRun): Promise<ExitCode> {
  const { settings, terminal } = run
  const progress = progressOn(terminal, !settings.quiet)
  const stop = new AbortController()
  const stopListening = terminal.onStop(() => stop.abort(new UsageError("stopped")))
  const options: SessionOptions = {
    ...run.options,
    signal: stop.signal,
    onProgress: ({ step, done, total }) => progress.update(step, done, total),
  }
  try {
    let session = await runSession(options)
    if (settings.updateBaseline) return writeBaseline(run, session)
    if (settings.fix === "print") return await printFixes(run, session)
    if (settings.fix === "apply") session = await applyFixes(run, options, session)
    progress.end()
    return show(run, session)
  } finally {
    progress.end()
    stopListening()
  }
}

async function sessionOptions(
  root: string,
  settings: ReviewSettings,
  call: Call,
): Promise<SessionOptions> {
  const { terminal } = call
  const { rules: only, tier, severity, threads, cacheDir } = settings
  return {
    root,
    paths: pathsOf(root, settings, terminal),
    changes: await changesOf(root, settings, terminal),
    only,
    tier,
    severity,
    threads,
    cacheDir: typeof cacheDir === "string" ? resolve(terminal.cwd, cacheDir) : cacheDir,
    today: terminal.today,
    baseline: baselineOf(root, settings, terminal),
    judge: await judgeFor(call),
  }
}

function pathsOf(
  root: string,
  settings: ReviewSettings,
  terminal: Terminal,
): ReviewOptions["paths"] {
  if (settings.scope.kind === "tree") return pathsInRoot(root, terminal.cwd, settings.paths)
  // What a change removed is no longer there to be looked for.
  return settings.paths.map((path) => {
    const inside = relative(root, resolve(terminal.cwd, path))
    if (inside.startsWith("..") || isAbsolute(inside)) {
      throw new UsageError(`${path} lies outside of ${root}`)
    }
    return inside.replaceAll("\\", "/")
  })
}

async function changesOf(
  root: string,
  { scope }: ReviewSettings,
  terminal: Terminal,
): Promise<Changes | undefined> {
  switch (scope.kind) {
    case "tree":
      return undefined
    case "range":
      return changesBetween(root, scope.range)
    case "staged":
      return stagedChanges(root, terminal.env["GIT_INDEX_FILE"])
    case "piped":
      return diffChanges(root, await terminal.readInput())
  }
}

function baselineOf(
  root: string,
  settings: ReviewSettings,
  terminal: Terminal,
): { path: string; shown: string } {
  const { baseline } = settings
  if (baseline === undefined) return { path: join(root, BASELINE_FILE), shown: BASELINE_FILE }
  return { path: resolve(terminal.cwd, baseline), shown: baseline }
}

async function writeBaseline(run: ReviewRun, session: Session): Promise<ExitCode> {
  const { settings, terminal, root } = run
  const { path, shown } = baselineOf(root, settings, terminal)
  const accepted = [
    ...session.report.findings,
    ...session.report.suppressed
      .filter(({ by }) => by === "baseline")
      .map(({ finding }) => finding),
  ]
  const entries = updateBaseline(session.baseline, accepted, terminal.today)
  const { writeFileSync } = await import("node:fs")
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
  options: SessionOptions,
  first: Session,
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
      session = await runSession(options)
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

/** Prints a session as it was asked for, and says how it ended. */
function show(run: ReviewRun, session: Session): ExitCode {
  const { settings, colour, terminal } = run
  const { config, report, found } = session
  const options: RenderOptions = {
    textOf: (path) => found.textOf(path),
    colour,
    rules,
    version: version(),
    // Where nobody looks, lines are not cut to somebody's window.
    ...(terminal.outIsTerminal && { width: terminal.columns }),
  }
  writeOutputs(settings.outputs, report, options, terminal)
  const notices = settings.quiet ? [] : told(report.notices, settings.verbose)
  terminal.out(render(settings.format, { ...report, notices }, options))
  if (settings.statistics) terminal.out(render("statistics", report, options))
  // The form for people has them in it.
  if (settings.format !== "pretty")
    for (const notice of notices) terminal.err(`${noticeText(notice)}\n`)
  return verdictOf(session.unjudged, settings.failOn ?? config.failOn, settings.maxWarnings)
}

function told(notices: readonly Notice[], verbose: boolean): readonly Notice[] {
  return verbose ? notices : notices.filter(({ code }) => TOLD.test(code))
}

function noticeText({ path, line, message, code }: Notice): string {
  const where =
    path === undefined ? "" : `${visible(path)}${line === undefined ? "" : `:${line}`}: `
  return `${where}${visible(message)} [${code}]`
}
