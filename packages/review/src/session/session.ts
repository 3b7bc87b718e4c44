/**
 * One review as a person asked for it: the configuration is read, the engine runs, and levels, ignore comments, the
 * baseline and, if it was asked for, a language model have their say. Whoever shows findings starts here.
 */
import { join } from "node:path"
import { applyConfig, hideBelow } from "../config/applyConfig.ts"
import { BASELINE_FILE, readBaseline, type Baseline } from "../config/baseline.ts"
import type { KnownRules } from "../config/checkShape.ts"
import type { Config } from "../config/config.ts"
import { MENTIONS_IGNORE, readIgnores, type Ignore } from "../config/ignores.ts"
import { readConfig } from "../config/readConfig.ts"
import { settingsOf, type Settings } from "../config/settings.ts"
import { review, type Review, type ReviewOptions } from "../engine/review.ts"
import type { Report, Severity, Tier } from "../findings/finding.ts"
import type { Rule } from "../rules/rule.ts"
import { rules as allRules } from "../rules/rules.ts"

export interface SessionOptions extends Omit<
  ReviewOptions,
  "rules" | "isFleet" | "known" | "services" | "isExcluded"
> {
  /** In ISO form: baseline entries expire by it. */
  readonly today: string
  /** Names of the only rules that are asked; null or absent: all that the configuration does not turn off. */
  readonly only?: readonly string[] | null | undefined
  /** Instead of the configuration's. */
  readonly tier?: Tier | undefined
  readonly severity?: Severity | undefined
  /** An absolute path; default: the file of the root, if it is there. Null: none. */
  readonly baseline?: { readonly path: string; readonly shown: string } | null | undefined
  /** Read already; default: that of the root. */
  readonly config?: Config | undefined
  /** Judges what was found, before less certain findings are hidden. */
  readonly judge?: ((report: Report, found: Review, config: Config) => Promise<Report>) | undefined
}

export interface Session {
  /** What the engine found, before anything was held back. */
  readonly found: Review
  readonly config: Config
  readonly settings: Settings
  readonly baseline: Baseline | null
  readonly ignores: ReadonlyMap<string, readonly Ignore[]>
  /** All tiers and severities. */
  readonly all: Report
  /** What is shown. */
  readonly report: Report
  /**
   * What would be shown if no model had been asked: the exit status goes by it. A model can be talked into its doubts
   * by a comment in the very code that is reviewed.
   */
  readonly unjudged: Report
}

/** The names of all rules, as configurations may use them. */
export const knownRules: KnownRules = new Set(allRules.map(({ id }) => id))

/**
 * Runs a review.
 * @throws ConfigError, InputError; the signal's reason when it is called off
 */
export async function runSession(options: SessionOptions): Promise<Session> {
  const config = options.config ?? (await readConfig(options.root, knownRules))
  const settings = settingsOf(config)
  const baseline = await baselineOf(options)
  const rules = rulesToRun(config, options.only ?? null)
  const found = await review({
    ...options,
    rules,
    isExcluded: settings.isExcluded,
    isFleet: config.fleet ?? undefined,
    services: settings.services,
    known: {
      jitterHelpers: config.knownJitterHelpers,
      locks: config.knownLocks,
      retries: config.knownRetries,
      handlers: config.knownHandlers,
    },
  })
  const ignores = ignoresOf(found)
  const applied = applyConfig(found, {
    settings,
    ignores,
    baseline,
    today: options.today,
    knownRules: [...knownRules],
    ranRules: new Set(rules.map(({ id }) => id)),
    isComplete: isComplete(options),
  })
  const hide = (report: Report): Report =>
    hideBelow(report, options.tier ?? config.tier, options.severity ?? config.severity)
  const unjudged = hide(applied)
  const all = options.judge ? await options.judge(applied, found, config) : applied
  const report = options.judge ? sayHidden(hide(all), unjudged) : unjudged
  return { found, config, settings, baseline, ignores, all, report, unjudged }
}

/** What a model's doubt hides still counts, and a reader has to know of it. */
function sayHidden(report: Report, unjudged: Report): Report {
  const shown = new Set(report.findings.map(({ fingerprint }) => fingerprint))
  const hidden = unjudged.findings.filter(({ fingerprint }) => !shown.has(fingerprint)).length
  if (hidden === 0) return report
  const message = `${hidden} that the model doubts are not shown and still count; --tier context shows them`
  return { ...report, notices: [...report.notices, { code: "adjudication-hidden", message }] }
}

/** Whether everything was asked, so that what holds nothing back is one too many. */
function isComplete({ paths, changes }: SessionOptions): boolean {
  return changes === undefined && (paths ?? []).every((path) => path === "" || path === ".")
}

async function baselineOf({ baseline, root }: SessionOptions): Promise<Baseline | null> {
  if (baseline === null) return null
  const { path, shown } = baseline ?? { path: join(root, BASELINE_FILE), shown: BASELINE_FILE }
  return readBaseline(path, shown)
}

/** A rule that is off everywhere need not run; overrides may turn it on again. */
function rulesToRun(config: Config, only: readonly string[] | null): Rule[] {
  const isOff = ({ id }: Rule): boolean =>
    config.rules[id]?.level === "off" &&
    !config.overrides.some(({ rules }) => (rules[id]?.level ?? "off") !== "off")
  return allRules.filter((rule) => (only === null || only.includes(rule.id)) && !isOff(rule))
}

/** Only a file that has the word is looked at, and only there the places of its comments are asked for. */
function ignoresOf(found: Review): Map<string, Ignore[]> {
  const ignores = new Map<string, Ignore[]>()
  for (const path of found.paths) {
    const text = found.textOf(path)
    if (text === null || !text.includes(MENTIONS_IGNORE)) continue
    const comments = found.unitOf(path)?.comments ?? []
    // SQL has no tree, and a broken file may have lost some.
    const read = readIgnores(text, comments.length > 0 ? comments : null)
    if (read.length > 0) ignores.set(path, read)
  }
  return ignores
}
