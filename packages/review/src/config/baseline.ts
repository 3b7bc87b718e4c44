/**
 * Findings that were accepted for now: `.drover-baseline.json`. A finding in it is held back until its entry expires;
 * an entry without a finding is reported, so that the file only ever shrinks by itself.
 */
import type { Finding } from "../findings/finding.ts"
import { ConfigError, type Problem } from "./configError.ts"
import { hint } from "./nearest.ts"
import { readPlainFile } from "./readConfig.ts"
import { readTree, type Tree } from "./tree.ts"

/** Where it is looked for in the root when no file is named. */
export const BASELINE_FILE = ".drover-baseline.json"

/** Room for tens of thousands of entries. */
const MAX_CHARS = 16 * 1024 * 1024
const KEYS = ["fingerprint", "rule", "path", "reason", "expires"] as const
const ACCEPTED = "accepted when the baseline was written"

export interface BaselineEntry {
  readonly fingerprint: string
  readonly rule: string
  readonly path: string
  readonly reason: string
  /** The last day on which it holds, `2027-01-31`; without it, for ever. */
  readonly expires?: string
  /** Where it stands in the file; absent in a new one. */
  readonly line?: number
}

export interface Baseline {
  /** What messages call it. */
  readonly file: string
  readonly entries: readonly BaselineEntry[]
}

/**
 * Reads a baseline; null where the file is not there.
 * @param shown - what messages call it
 * @throws ConfigError
 */
export async function readBaseline(path: string, shown: string): Promise<Baseline | null> {
  const text = readPlainFile(path, shown, MAX_CHARS)
  return text === null ? null : parseBaseline(shown, text)
}

/** @throws ConfigError */
export async function parseBaseline(file: string, text: string): Promise<Baseline> {
  const problems: Problem[] = []
  const wrong = (line: number, key: string, message: string): void => {
    if (problems.length < 20) problems.push({ file, line, key, message })
  }
  const tree = await readTree(file, text, MAX_CHARS)
  const entries: BaselineEntry[] = []
  const list =
    tree.kind === "map" ? tree.entries.find((entry) => entry.key === "entries") : undefined
  const version =
    tree.kind === "map" ? tree.entries.find((entry) => entry.key === "version") : undefined
  if (version?.value.kind !== "scalar" || version.value.value !== 1) {
    wrong(version?.line ?? 1, "version", "is not 1; this is no baseline that this program wrote")
  } else if (list?.value.kind !== "list") {
    wrong(list?.line ?? 1, "entries", "is not a list")
  } else {
    for (const [at, item] of list.value.items.entries()) {
      const entry = entryOf(item, `entries[${at}]`, wrong)
      if (entry) entries.push(entry)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return { file, entries }
}

function entryOf(
  tree: Tree,
  key: string,
  wrong: (line: number, key: string, message: string) => void,
): BaselineEntry | null {
  if (tree.kind !== "map") {
    wrong(tree.line, key, "is not an entry with a fingerprint")
    return null
  }
  const texts = new Map<string, string>()
  for (const entry of tree.entries) {
    const { value } = entry
    if (!(KEYS as readonly string[]).includes(entry.key)) {
      wrong(entry.line, `${key}.${entry.key}`, `is not a key; ${hint(entry.key, KEYS)}`)
    } else if (value.kind !== "scalar" || typeof value.value !== "string") {
      wrong(entry.line, `${key}.${entry.key}`, "is not a text")
    } else texts.set(entry.key, value.value)
  }
  const [fingerprint, rule, path, reason] = KEYS.slice(0, 4).map((name) => {
    const text = texts.get(name) ?? ""
    if (text.trim() === "") wrong(tree.line, key, `"${name}" is missing`)
    return text
  }) as [string, string, string, string]
  const expires = texts.get("expires")
  if (expires !== undefined && !isDate(expires)) {
    wrong(tree.line, `${key}.expires`, `"${expires}" is not a day such as 2027-01-31`)
  }
  if (fingerprint !== "" && !/^[0-9a-f]{16}$/.test(fingerprint)) {
    wrong(tree.line, `${key}.fingerprint`, `"${fingerprint}" is not 16 hexadecimal digits`)
  }
  return {
    fingerprint,
    rule,
    path,
    reason,
    ...(expires !== undefined && { expires }),
    line: tree.line,
  }
}

/** Whether a text is a day of the calendar in ISO form. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const parsed = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text)
}

/** Whether an entry no longer holds. Days in ISO form compare as texts. */
export function isExpired(entry: BaselineEntry, today: string): boolean {
  return entry.expires !== undefined && entry.expires < today
}

/**
 * The baseline that accepts these findings: reasons and days of entries that are still needed are kept, others go.
 * An entry that expired is accepted anew, without a day.
 */
export function updateBaseline(
  old: Baseline | null,
  findings: readonly Finding[],
  today: string,
): BaselineEntry[] {
  const kept = new Map((old?.entries ?? []).map((entry) => [entry.fingerprint, entry]))
  return findings
    .map((finding): BaselineEntry => {
      const { fingerprint, rule, path } = finding
      const before = kept.get(fingerprint)
      if (!before || isExpired(before, today)) {
        return { fingerprint, rule, path, reason: before?.reason ?? ACCEPTED }
      }
      const { expires, reason } = before
      return { fingerprint, rule, path, reason, ...(expires !== undefined && { expires }) }
    })
    .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
}

/** One entry a line, so that two branches that accept different findings merge. */
export function baselineText(entries: readonly BaselineEntry[]): string {
  const lines = entries.map((entry) => `    ${JSON.stringify(entry, [...KEYS])}`)
  const list = lines.length === 0 ? "[]" : `[\n${lines.join(",\n")}\n  ]`
  return `{\n  "version": 1,\n  "entries": ${list}\n}\n`
}

function orderOf(entry: BaselineEntry): string {
  return `${entry.path}\0${entry.rule}\0${entry.fingerprint}`
}
