/** Reviews what a pull or merge request changes and posts it. The exit status is about the code, not about the host. */
import { existsSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { BASELINE_FILE } from "../config/baseline.ts"
import { changesBetween } from "../files/changes.ts"
import type { Report } from "../findings/finding.ts"
import type { ReviewOutcome } from "../hosts/outcome.ts"
import type { PlacingOptions } from "../hosts/placing.ts"
import { count, summaryLine } from "../reports/report.ts"
import { visible } from "../reports/visible.ts"
import { rules } from "../rules/rules.ts"
import { runSession } from "../session/session.ts"
import type { Call } from "./command.ts"
import { writeOutputs } from "./outputs.ts"
import { reviewSettings } from "./reviewSettings.ts"
import { rootOf } from "./root.ts"
import type { ExitCode, Terminal } from "./terminal.ts"
import { UsageError } from "./usage.ts"
import { verdictOf } from "./verdict.ts"
import { version } from "./version.ts"

/** @param range - what the request changes, unless `--diff` says it */
export async function postReview(
  { parsed, terminal }: Call,
  range: string | null,
  post: (report: Report, options: PlacingOptions) => Promise<ReviewOutcome>,
): Promise<ExitCode> {
  const settings = reviewSettings(
    parsed,
    rules.map(({ id }) => id),
  )
  const wanted = settings.scope.kind === "range" ? settings.scope.range : range
  if (wanted === null) throw new UsageError("what does the request change? Give --diff BASE...HEAD")
  const root = rootOf(parsed, terminal)
  const { baseline, cacheDir, tier, severity, threads } = settings
  const session = await runSession({
    root,
    changes: await changesBetween(root, wanted),
    only: settings.rules,
    tier,
    severity,
    threads,
    cacheDir: typeof cacheDir === "string" ? resolve(terminal.cwd, cacheDir) : cacheDir,
    today: terminal.today,
    baseline: {
      path: baseline === undefined ? join(root, BASELINE_FILE) : resolve(terminal.cwd, baseline),
      shown: baseline ?? BASELINE_FILE,
    },
  })
  const { report, found, config } = session
  const options = { textOf: (path: string) => found.textOf(path), rules, version: version() }
  writeOutputs(settings.outputs, report, options, terminal)
  const outcome = await post(report, { ...options, prefix: prefixOf(root) })
  if (outcome.kind === "printed") terminal.out(outcome.output)
  if (!settings.quiet || outcome.kind === "printed") tell(outcome, report, terminal)
  return verdictOf(session.unjudged, settings.failOn ?? config.failOn, settings.maxWarnings)
}

/** Where the root lies in its repository, as hosts name paths. */
function prefixOf(root: string): string {
  for (let folder = root; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) {
      const inside = relative(folder, root).replaceAll("\\", "/")
      return inside === "" ? "" : `${inside}/`
    }
    if (dirname(folder) === folder) return ""
  }
}

function tell(outcome: ReviewOutcome, report: Report, terminal: Terminal): void {
  if (outcome.kind === "printed") {
    terminal.err(
      `drover-review: no review could be posted, so the findings are printed. ${outcome.reason}\n`,
    )
    return
  }
  const { added, resolved, reopened, summary, notices } = outcome
  terminal.err(
    `${summaryLine(report)}\nreview ${summary === "none" ? "not needed" : summary}: ${count(added, "comment")} added, ${resolved} resolved, ${reopened} opened again\n`,
  )
  for (const notice of notices) terminal.err(`drover-review: ${visible(notice)}\n`)
}
