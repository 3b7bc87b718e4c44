/** What the commands that talk to a code host share: which change is meant, and the platform that they are handed. */
import { existsSync, readFileSync } from "node:fs"
import { dirname, join, relative, sep } from "node:path"
import { HostError, TargetError } from "../hosts/hostError.ts"
import type { ReviewOutcome } from "../hosts/outcome.ts"
import type { Outside } from "../hosts/outside.ts"
import type { PlacingOptions } from "../hosts/placing.ts"
import type { Report } from "../findings/finding.ts"
import { visible } from "../reports/visible.ts"
import { rules } from "../rules/rules.ts"
import { wantsColour } from "./colour.ts"
import type { Call } from "./command.ts"
import { reviewOptions, type OptionSpecs } from "./options.ts"
import { renderOptions, sessionOptions, show, withSession, type ReviewRun } from "./reviewing.ts"
import { reviewSettings } from "./reviewSettings.ts"
import { rootOf } from "./root.ts"
import { exitCodes, type ExitCode, type Terminal } from "./terminal.ts"
import { UsageError } from "./usage.ts"

/** A review's options without those that change files or go on for ever. */
export function hostOptions(more: OptionSpecs): OptionSpecs {
  const without = [
    "staged",
    "stdin-diff",
    "update-baseline",
    "fix",
    "unsafe-fixes",
    "diff-fixes",
    "watch",
  ]
  const kept = Object.entries(reviewOptions).filter(([name]) => !without.includes(name))
  return { ...Object.fromEntries(kept), ...more }
}

/** The platform, as hosts/ asks for it. */
export function outsideOf(terminal: Terminal): Outside {
  return {
    fetch: globalThis.fetch,
    sleep: (ms) => new Promise((resolve) => terminal.after(ms, resolve)),
    random: () => terminal.random(),
    deadline: (ms) => {
      const abort = new AbortController()
      return { signal: abort.signal, clear: terminal.after(ms, () => abort.abort()) }
    },
  }
}

/** Reads a file that the host's runner wrote, not the repository. */
export function readText(path: string): string {
  return readFileSync(path, "utf8")
}

/** Turns what is missing for a host into a mistake of the command line. */
export function asUsage<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw error instanceof TargetError ? new UsageError(error.message) : error
  }
}

/**
 * Reviews a change and hands the report to a host.
 * @param defaultRange - what is compared unless `--diff` says it; null when it is not known
 */
export async function reviewAndPost(
  call: Call,
  defaultRange: string | null,
  post: (report: Report, options: PlacingOptions) => Promise<ReviewOutcome>,
): Promise<ExitCode> {
  const { parsed, terminal } = call
  const names = rules.map(({ id }) => id)
  const read = reviewSettings(parsed, names)
  const range = read.scope.kind === "range" ? read.scope.range : defaultRange
  if (range === null) throw new UsageError("which commits? Give --diff BASE...HEAD")
  const settings = { ...read, scope: { kind: "range", range } as const }
  const root = rootOf(parsed, terminal)
  const options = await sessionOptions(root, settings, call)
  const run: ReviewRun = {
    root,
    options,
    settings,
    colour: wantsColour(parsed, terminal),
    terminal,
  }
  return withSession(run, async (session) => {
    const placing = { ...renderOptions(run, session), prefix: prefixOf(root) }
    try {
      const outcome = await post(session.report, placing)
      tell(outcome, terminal)
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      terminal.err(`drover-review: ${visible(error.message)}\n`)
      show(run, session)
      return exitCodes.internal
    }
    return show(run, session)
  })
}

function tell(outcome: ReviewOutcome, terminal: Terminal): void {
  if (outcome.kind === "printed") {
    terminal.err(`drover-review: not posted: ${visible(outcome.reason)}\n`)
    terminal.out(outcome.output)
    return
  }
  const { added, resolved, reopened, summary, notices } = outcome
  terminal.err(
    `posted: ${added} new, ${resolved} resolved, ${reopened} reopened; summary ${summary}\n`,
  )
  for (const notice of notices) terminal.err(`${visible(notice)}\n`)
}

/** Where the root lies in its Git repository, with a slash at the end; "" where it is all of it. */
function prefixOf(root: string): string {
  for (let folder = root; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) {
      const inside = relative(folder, root).split(sep).join("/")
      return inside === "" ? "" : `${inside}/`
    }
    if (dirname(folder) === folder) return ""
  }
}
