/** What a repository, or a person, decides about its reviews. Without a file everything has the default here. */
import type { Severity, Tier } from "../findings/finding.ts"

/** How a rule is heard: not at all, or with this severity instead of its own. */
export type RuleLevel = "off" | Severity

export interface RuleSetting {
  /** Absent: as the rule says. */
  readonly level?: RuleLevel
}

/** Settings for some paths; later ones win over earlier ones. */
export interface Override {
  readonly paths: readonly string[]
  readonly rules: Readonly<Record<string, RuleSetting>>
}

export const PROVIDERS = ["openai", "anthropic", "gemini"] as const
/** Whose form of requests is spoken. `openai` is also what most local servers speak. */
export type Provider = (typeof PROVIDERS)[number]

/**
 * What a repository may say about adjudication. That it happens at all, where code is sent and with which key is never
 * read from a repository: only the command line and the environment of the person can say so.
 */
export interface AdjudicationSettings {
  readonly provider: Provider | null
  readonly model: string | null
  readonly maxCalls: number | null
  readonly maxInputTokens: number | null
}

export interface Config {
  /** The file that it was read from, relative to the root; null for the defaults. */
  readonly file: string | null
  readonly rules: Readonly<Record<string, RuleSetting>>
  readonly overrides: readonly Override[]
  /** Paths that are not reviewed; they still count as evidence. */
  readonly exclude: readonly string[]
  /** Functions of one's own that add chance to a delay, as code calls them: `backoff.next`, `NextDelay`. */
  readonly knownJitterHelpers: readonly string[]
  readonly knownLocks: readonly string[]
  readonly knownRetries: readonly string[]
  readonly knownHandlers: readonly string[]
  /** Whether several processes run this code; null: as the repository's files tell. */
  readonly fleet: boolean | null
  /** Folders that are services of their own: evidence of one does not clear another. */
  readonly services: readonly string[]
  /** The least certain tier that is shown. */
  readonly tier: Tier
  /** The least severity that is shown. */
  readonly severity: Severity
  /** The least severity that makes a review fail. */
  readonly failOn: Severity | "never"
  readonly adjudication: AdjudicationSettings
}

export const TIERS = ["certain", "likely", "context"] as const satisfies readonly Tier[]
/** From the gravest. */
export const SEVERITIES = ["high", "medium", "low", "info"] as const satisfies readonly Severity[]

export const defaultConfig: Config = {
  file: null,
  rules: {},
  overrides: [],
  exclude: [],
  knownJitterHelpers: [],
  knownLocks: [],
  knownRetries: [],
  knownHandlers: [],
  fleet: null,
  services: [],
  tier: "likely",
  severity: "info",
  failOn: "low",
  adjudication: { provider: null, model: null, maxCalls: null, maxInputTokens: null },
}

/** Whether a tier is at least as certain as another. */
export function isTierAtLeast(tier: Tier, least: Tier): boolean {
  return TIERS.indexOf(tier) <= TIERS.indexOf(least)
}

/** Whether a severity is at least as grave as another. */
export function isSeverityAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(least)
}
