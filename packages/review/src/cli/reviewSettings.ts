/** What a review was asked to do: the options, each checked and with its meaning. */
import type { Severity, Tier } from "../findings/finding.ts"
import { hint } from "../config/nearest.ts"
import { FORMAT_NAMES } from "./options.ts"
import { countOf, refuseTogether, textOf, type Parsed } from "./parse.ts"
import { UsageError } from "./usage.ts"

export type FormatName = (typeof FORMAT_NAMES)[number]

/** What is looked at: all files, or what is new in a change. */
export type Scope =
  | { readonly kind: "tree" }
  | { readonly kind: "range"; readonly range: string }
  | { readonly kind: "staged" }
  | { readonly kind: "piped" }

export interface ReviewSettings {
  /** As typed. */
  readonly paths: readonly string[]
  readonly scope: Scope
  /** Only these rules; null for all. */
  readonly rules: readonly string[] | null
  readonly tier: Tier | undefined
  readonly severity: Severity | undefined
  readonly failOn: Severity | "never" | undefined
  readonly maxWarnings: number | undefined
  readonly format: FormatName
  readonly outputs: readonly { readonly format: FormatName; readonly file: string }[]
  readonly statistics: boolean
  readonly timing: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly baseline: string | undefined
  readonly updateBaseline: boolean
  readonly fix: "apply" | "print" | null
  readonly unsafeFixes: boolean
  readonly threads: number | undefined
  /** Null keeps nothing; undefined is the engine's own place. */
  readonly cacheDir: string | null | undefined
  readonly watch: boolean
}

/**
 * Reads the options of a review.
 * @throws UsageError
 */
export function reviewSettings(parsed: Parsed, ruleNames: readonly string[]): ReviewSettings {
  const { flags } = parsed
  const scope = scopeOf(parsed)
  refuseTogether(parsed, ["quiet", "verbose"], "one asks for less and the other for more")
  refuseTogether(parsed, ["fix", "diff-fixes"], "one changes files and the other only prints")
  refuseTogether(parsed, ["cache-dir", "no-cache"], "one keeps and the other does not")
  refuseTogether(
    parsed,
    ["update-baseline", "fix"],
    "what is fixed need not be accepted; fix first",
  )
  const fix = flags.has("fix") ? "apply" : flags.has("diff-fixes") ? "print" : null
  if (flags.has("unsafe-fixes") && fix === null) {
    throw new UsageError("--unsafe-fixes adds to --fix or --diff-fixes, and neither is given")
  }
  if (fix !== null && scope.kind !== "tree") {
    throw new UsageError(
      "--fix and --diff-fixes work on the files on disk, without --diff, --staged or --stdin-diff",
    )
  }
  if (flags.has("update-baseline") && scope.kind !== "tree") {
    throw new UsageError(
      "--update-baseline needs a look at all files, without --diff, --staged or --stdin-diff",
    )
  }
  if (flags.has("update-baseline") && parsed.positionals.length > 0) {
    throw new UsageError("--update-baseline needs a look at all files; leave the paths out")
  }
  if (flags.has("watch") && scope.kind !== "tree") {
    throw new UsageError(
      "--watch follows the files on disk, without --diff, --staged or --stdin-diff",
    )
  }
  return {
    paths: parsed.positionals,
    scope,
    rules: rulesOf(parsed, ruleNames),
    tier: textOf(parsed, "tier") as Tier | undefined,
    severity: textOf(parsed, "severity") as Severity | undefined,
    failOn: textOf(parsed, "fail-on") as Severity | "never" | undefined,
    maxWarnings: countOf(parsed, "max-warnings", 0, 1_000_000),
    format: (textOf(parsed, "format") as FormatName | undefined) ?? "pretty",
    outputs: outputsOf(parsed),
    statistics: flags.has("statistics"),
    timing: flags.has("timing"),
    quiet: flags.has("quiet"),
    verbose: flags.has("verbose"),
    baseline: textOf(parsed, "baseline"),
    updateBaseline: flags.has("update-baseline"),
    fix,
    unsafeFixes: flags.has("unsafe-fixes"),
    threads: threadsOf(parsed),
    cacheDir: cacheDirOf(parsed),
    watch: flags.has("watch"),
  }
}

/** @throws UsageError */
export function threadsOf(parsed: Parsed): number | undefined {
  return countOf(parsed, "threads", 1, 64)
}

export function cacheDirOf(parsed: Parsed): string | null | undefined {
  return parsed.flags.has("no-cache") ? null : textOf(parsed, "cache-dir")
}

function scopeOf(parsed: Parsed): Scope {
  refuseTogether(parsed, ["diff", "staged", "stdin-diff"], "a review looks at one change")
  const range = textOf(parsed, "diff")
  if (range !== undefined) return { kind: "range", range }
  if (parsed.flags.has("staged")) return { kind: "staged" }
  return parsed.flags.has("stdin-diff") ? { kind: "piped" } : { kind: "tree" }
}

function rulesOf(parsed: Parsed, names: readonly string[]): string[] | null {
  const given = parsed.texts.get("rule")
  if (!given) return null
  for (const name of given) {
    if (!names.includes(name))
      throw new UsageError(`--rule "${name}": there is no such rule; ${hint(name, names)}`)
  }
  return [...new Set(given)]
}

function outputsOf(parsed: Parsed): { format: FormatName; file: string }[] {
  const outputs = (parsed.texts.get("output") ?? []).map((text) => {
    const [, name = "", file = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? []
    if (file === "")
      throw new UsageError(`--output "${text}" is not FORMAT=FILE, such as sarif=review.sarif`)
    const format = FORMAT_NAMES.find((one) => one === name)
    if (!format)
      throw new UsageError(
        `--output "${text}": "${name}" is no format; ${hint(name, FORMAT_NAMES)}`,
      )
    return { format, file }
  })
  const twice = outputs.find(
    ({ file }, at) => outputs.findIndex((other) => other.file === file) < at,
  )
  if (twice) throw new UsageError(`--output names the file "${twice.file}" twice`)
  return outputs
}
