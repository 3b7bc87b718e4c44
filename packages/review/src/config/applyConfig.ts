/**
 * From what the engine found to what a reader sees: levels of rules, ignore comments and the baseline, in this order.
 * What an ignore or the baseline holds back is kept apart and never lost. `hideBelow` comes last, because a language
 * model that was asked may have moved a tier in between.
 */
import type { Finding, Notice, Report, Severity, Tier } from "../findings/finding.ts"
import { isExpired, type Baseline } from "./baseline.ts"
import { isSeverityAtLeast, isTierAtLeast } from "./config.ts"
import type { Ignore } from "./ignores.ts"
import { hint } from "./nearest.ts"
import { settingOf, type Settings } from "./settings.ts"

export interface ApplyOptions {
  /** What `settingsOf` made of the configuration. */
  readonly settings: Settings
  /** The ignore comments of each file that was read, by its path. */
  readonly ignores: ReadonlyMap<string, readonly Ignore[]>
  readonly baseline: Baseline | null
  /** In ISO form, `2026-11-30`. */
  readonly today: string
  /** Every rule that there is. */
  readonly knownRules: readonly string[]
  /** The rules that ran; what they could not find is not missing. Absent: all of them. */
  readonly ranRules?: ReadonlySet<string>
  /** Whether all files were reviewed, so that an ignore or an entry without a finding is one too many. */
  readonly isComplete: boolean
}

/** Applies a configuration. Findings keep their order. */
export function applyConfig(report: Report, options: ApplyOptions): Report {
  const notices: Notice[] = [...report.notices]
  const heard = report.findings.flatMap((finding) => hear(finding, options.settings))
  const ignored = new IgnoreUse(options)
  const entries = new Map(
    (options.baseline?.entries ?? []).map((entry) => [entry.fingerprint, entry]),
  )
  const needed = new Set<string>()
  const findings: Finding[] = []
  const suppressed = [...report.suppressed]
  for (const finding of heard) {
    const reason = ignored.reasonFor(finding)
    const entry = entries.get(finding.fingerprint)
    if (entry) needed.add(entry.fingerprint)
    if (reason !== null) suppressed.push({ finding, by: "comment", reason })
    else if (entry && !isExpired(entry, options.today)) {
      suppressed.push({ finding, by: "baseline", reason: entry.reason })
    } else findings.push(finding)
  }
  notices.push(...ignored.notices(), ...baselineNotices(options, needed))
  return { ...report, findings, suppressed, notices }
}

function hear(finding: Finding, settings: Settings): Finding[] {
  const { level } = settingOf(settings, finding.rule, finding.path)
  if (level === "off") return []
  return level === undefined || level === finding.severity
    ? [finding]
    : [{ ...finding, severity: level }]
}

/** What is less certain or less grave than this is neither shown nor counted, except what a model confirmed. */
export function hideBelow(report: Report, tier: Tier, severity: Severity): Report {
  const isShown = (finding: Finding): boolean =>
    (isTierAtLeast(finding.tier, tier) || finding.adjudication?.verdict === "confirm") &&
    isSeverityAtLeast(finding.severity, severity)
  return {
    ...report,
    findings: report.findings.filter(isShown),
    suppressed: report.suppressed.filter(({ finding }) => isShown(finding)),
  }
}

/** The ignore comments of all files, and which of them were needed. */
class IgnoreUse {
  readonly #options: ApplyOptions
  readonly #used = new Set<string>()

  constructor(options: ApplyOptions) {
    this.#options = options
  }

  /** The reason of an ignore that means this finding, or null. */
  reasonFor(finding: Finding): string | null {
    let reason: string | null = null
    for (const ignore of this.#options.ignores.get(finding.path) ?? []) {
      if (ignore.problem !== null || !ignore.rules.includes(finding.rule)) continue
      if (!means(ignore, finding)) continue
      this.#used.add(key(finding.path, ignore, finding.rule))
      reason ??= ignore.reason
    }
    return reason
  }

  notices(): Notice[] {
    const notices: Notice[] = []
    for (const [path, ignores] of this.#options.ignores) {
      for (const ignore of ignores) notices.push(...this.#noticesOf(path, ignore))
    }
    return notices
  }

  #noticesOf(path: string, ignore: Ignore): Notice[] {
    const say = (code: string, message: string): Notice => ({
      code,
      message,
      path,
      line: ignore.line,
    })
    const { knownRules, ranRules, isComplete, settings } = this.#options
    if (ignore.problem === "no-rule") {
      return [
        say(
          "ignore-without-rule",
          "names no rule and holds nothing back; write drover-ignore[rule]: reason",
        ),
      ]
    }
    const list = ignore.rules.join(", ")
    if (ignore.problem === "no-reason") {
      return [
        say(
          "ignore-without-reason",
          `has no reason and holds nothing back; write drover-ignore[${list}]: reason`,
        ),
      ]
    }
    return ignore.rules.flatMap((rule) => {
      if (!knownRules.includes(rule)) {
        return [say("ignore-unknown-rule", `there is no rule "${rule}"; ${hint(rule, knownRules)}`)]
      }
      const couldBeNeeded =
        !isComplete ||
        (ranRules !== undefined && !ranRules.has(rule)) ||
        settingOf(settings, rule, path).level === "off"
      if (couldBeNeeded || this.#used.has(key(path, ignore, rule))) return []
      return [say("ignore-unused", `drover-ignore[${rule}] holds nothing back; remove it`)]
    })
  }
}

function key(path: string, ignore: Ignore, rule: string): string {
  return `${path}\0${ignore.line}\0${rule}`
}

/** An ignore means what begins on its line; behind the last line of a statement, what ends there. */
function means(ignore: Ignore, finding: Finding): boolean {
  if (ignore.target === null || ignore.target === finding.line) return true
  return ignore.trailing && ignore.target === finding.endLine
}

function baselineNotices(options: ApplyOptions, needed: ReadonlySet<string>): Notice[] {
  const { baseline, today, isComplete, ranRules } = options
  if (!baseline) return []
  return baseline.entries.flatMap((entry): Notice[] => {
    const at = { path: baseline.file, ...(entry.line !== undefined && { line: entry.line }) }
    const what = `${entry.rule} in ${entry.path} (${entry.fingerprint})`
    if (isExpired(entry, today) && needed.has(entry.fingerprint)) {
      return [
        {
          code: "baseline-expired",
          message: `the entry for ${what} expired on ${entry.expires}`,
          ...at,
        },
      ]
    }
    const ran = ranRules === undefined || ranRules.has(entry.rule)
    if (!isComplete || !ran || needed.has(entry.fingerprint)) return []
    const message = `nothing is found any more for ${what}; --update-baseline removes it`
    return [{ code: "baseline-stale", message, ...at }]
  })
}
