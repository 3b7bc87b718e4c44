/** What every command that reviews shares: from its options to a session, and from a session to what is printed. */
import { isAbsolute, join, relative, resolve } from "node:path"
import { BASELINE_FILE } from "../config/baseline.ts"
import type { ReviewOptions } from "../engine/review.ts"
import { changesBetween, diffChanges, stagedChanges, type Changes } from "../files/changes.ts"
import type { Notice } from "../findings/finding.ts"
import { render } from "../reports/render.ts"
import type { RenderOptions } from "../reports/report.ts"
import { visible } from "../reports/visible.ts"
import { rules } from "../rules/rules.ts"
import { runSession, type Session, type SessionOptions } from "../session/session.ts"
import type { Call } from "./command.ts"
import { judgeFor } from "./judge.ts"
import { writeOutputs } from "./outputs.ts"
import { progressOn } from "./progress.ts"
import type { ReviewSettings } from "./reviewSettings.ts"
import { pathsInRoot } from "./root.ts"
import type { ExitCode, Terminal } from "./terminal.ts"
import { UsageError } from "./usage.ts"
import { verdictOf } from "./verdict.ts"
import { version } from "./version.ts"

/** Notices that matter to whoever wrote a comment, a baseline or a configuration, or asked a model; others are for `--verbose`. */
const TOLD =
  /^(ignore|baseline|adjudication|deadline|rule-failed|limit|file-slow|file-not-understood)/

/** One review with all that it needs. */
export interface ReviewRun {
  readonly root: string
  readonly options: SessionOptions
  readonly settings: ReviewSettings
  readonly colour: boolean
  readonly terminal: Terminal
}

/** Runs sessions with progress on the terminal and an ear for requests to stop, as long as `use` runs. */
export async function withSession<Result>(
  { options, settings, terminal }: ReviewRun,
  use: (session: Session, again: () => Promise<Session>) => Promise<Result> | Result,
): Promise<Result> {
  const progress = progressOn(terminal, !settings.quiet)
  const stop = new AbortController()
  const stopListening = terminal.onStop(() => stop.abort(new UsageError("stopped")))
  const run = async (): Promise<Session> => {
    const session = await runSession({
      ...options,
      signal: stop.signal,
      onProgress: ({ step, done, total }) => progress.update(step, done, total),
    })
    progress.wipe()
    return session
  }
  try {
    return await use(await run(), run)
  } finally {
    progress.wipe()
    stopListening()
  }
}

/**
 * What the session of these settings is asked.
 * @throws UsageError, InputError
 */
export async function sessionOptions(
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

/** Where the baseline is, and what messages call it. */
export function baselineOf(
  root: string,
  settings: ReviewSettings,
  terminal: Terminal,
): { path: string; shown: string } {
  const { baseline } = settings
  if (baseline === undefined) return { path: join(root, BASELINE_FILE), shown: BASELINE_FILE }
  return { path: resolve(terminal.cwd, baseline), shown: baseline }
}

/** Prints a session as it was asked for, and says how it ended. */
export function show(run: ReviewRun, session: Session): ExitCode {
  const { settings, terminal } = run
  const { config, report } = session
  const options = renderOptions(run, session)
  writeOutputs(settings.outputs, report, { ...options, timing: settings.timing }, terminal)
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

/** A person who looks wants to know how long it took; a file or a pipe is compared with others. JSON is never for looks. */
export function showsTiming({
  settings,
  terminal,
}: Pick<ReviewRun, "settings" | "terminal">): boolean {
  return settings.timing || (terminal.outIsTerminal && !/^jsonl?$/.test(settings.format))
}

/** What formats are handed beside a session's report. */
export function renderOptions(
  { colour, settings, terminal }: ReviewRun,
  { found }: Session,
): RenderOptions {
  return {
    textOf: (path) => found.textOf(path),
    colour,
    rules,
    version: version(),
    timing: showsTiming({ settings, terminal }),
    summary: !settings.quiet,
    // Where nobody looks, lines are not cut to somebody's window.
    ...(terminal.outIsTerminal && { width: terminal.columns }),
  }
}
