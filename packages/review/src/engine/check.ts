/** Runs the rules over the files of a program and makes findings of what they report. */
import type { File } from "../analysis/program/file.ts"
import type { Program } from "../analysis/program/program.ts"
import type { Fact, Finding, Notice, Tier } from "../findings/finding.ts"
import { fingerprintsOf } from "../findings/fingerprint.ts"
import { compareFindings } from "../findings/order.ts"
import { Lines, placeOf } from "../findings/place.ts"
import { isAsidePath } from "../files/testPath.ts"
import type { Draft, Rule } from "../rules/rule.ts"
import type { SievedSource } from "./analyse.ts"
import type { Kept } from "./kept.ts"
import { computedMs } from "./clock.ts"
import { patternOf, type PatternSource } from "./patterns.ts"
import type { Stop } from "./stop.ts"

/** One rule on one file, in time of this thread's own: what takes longer is said. */
const SLOW_MS = 5_000
/** All rules on one file: after this the rest of them is passed over. */
const MAX_FILE_MS = 10_000
/** More of one rule in one file tell nothing more. */
const MAX_OF_A_RULE = 100

/** What the check of one file needs. */
export interface CheckerOptions {
  readonly program: Program
  readonly rules: readonly Rule[]
  /** The path under which a file's findings are named: a renamed file keeps them. */
  readonly namedAs?: ((path: string) => string) | undefined
  /** What earlier checks found, and where this one is kept. */
  readonly kept?: Kept | undefined
}

export interface CheckOptions extends CheckerOptions {
  readonly sources: readonly SievedSource[]
  readonly stop: Stop
  /** Whether findings in a file are asked for; all by default. */
  readonly isReviewed?: ((path: string) => boolean) | undefined
  /** Has many files checked by others, and gives what they found of each by its path. */
  readonly ahead?:
    | ((sources: readonly SievedSource[]) => Promise<ReadonlyMap<string, Checked>>)
    | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

export interface Checked {
  readonly findings: readonly Finding[]
  readonly notices: readonly Notice[]
}

/** @throws the stop's signal's reason */
export async function check(options: CheckOptions): Promise<Checked> {
  const checker = checkerOf(options)
  const sources = options.sources.filter(
    (source) => (options.isReviewed?.(source.path) ?? true) && checker.isDue(source),
  )
  options.onProgress?.(0, sources.length)
  const ready = await options.ahead?.(sources)
  const findings: Finding[] = []
  const notices: Notice[] = []
  for (const [done, source] of sources.entries()) {
    const known = ready?.get(source.path)
    if (!known && !(await options.stop.goesOn())) continue
    const one = known ?? checker.check(source)
    findings.push(...one.findings)
    notices.push(...one.notices)
    options.onProgress?.(done + 1, sources.length)
  }
  return { findings: findings.sort(compareFindings), notices }
}

/** Checks files one by one, in any order. */
export interface Checker {
  /** Whether a file can hold anything. */
  isDue(source: SievedSource): boolean
  check(source: SievedSource): Checked
}

export function checkerOf(options: CheckerOptions): Checker {
  const rules = [...options.rules]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((rule) => ({ rule, pattern: patternOf(rule.mentions) }))
  const texts = new Texts()
  const dueOf = (source: SievedSource): Rule[] =>
    rules.flatMap(({ rule, pattern }) => (isDue(rule, pattern, source) ? [rule] : []))
  return {
    isDue: (source) => rules.some(({ rule, pattern }) => isDue(rule, pattern, source)),
    check: (source) => checkOnce(source, dueOf(source), options, texts),
  }
}

/** Notices of what would not be so the next time. */
const PASSING_NOTICES: ReadonlySet<string> = new Set([
  "rule-slow",
  "file-slow",
  "file-not-understood",
])

/** Whether a check would say the same the next time. */
export function isLasting({ notices }: Checked): boolean {
  return !notices.some(({ code }) => PASSING_NOTICES.has(code))
}

/** What is known of the file, or a check of it. */
function checkOnce(
  source: SievedSource,
  rules: readonly Rule[],
  options: CheckerOptions,
  texts: Texts,
): Checked {
  const { program, kept } = options
  const name = options.namedAs?.(source.path) ?? source.path
  const known = kept?.find(program, source, name)
  if (known) return known
  const { value, lookups } = program.traced(() => checkFile(source, rules, options, texts))
  if (isLasting(value)) kept?.keep(program, source, name, lookups, value)
  return value
}

function isDue(rule: Rule, pattern: PatternSource, source: SievedSource): boolean {
  if (!rule.languages.includes(source.language)) return false
  if (rule.scope !== "everything" && (rule.scope === "tests") !== source.isTest) return false
  return source.isMatchedBy(pattern)
}

interface Reported {
  readonly rule: Rule
  readonly draft: Draft
}

function checkFile(
  source: SievedSource,
  rules: readonly Rule[],
  options: CheckerOptions,
  texts: Texts,
): Checked {
  const { path } = source
  const notices: Notice[] = []
  const reported: Reported[] = []
  const startMs = computedMs()
  const file = loadFile(options.program, path, notices)
  if (!file) return { findings: [], notices }
  for (const rule of rules) {
    const beganMs = computedMs()
    if (beganMs - startMs > MAX_FILE_MS) {
      notices.push({
        code: "file-slow",
        message: `took too long; ${rule.id} and what follows was passed over`,
        path,
      })
      break
    }
    try {
      rule.check(file, options.program, (draft) =>
        reported.push({ rule, draft: weighed(path, draft) }),
      )
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      notices.push({ code: "rule-failed", message: `${rule.id} failed here: ${reason}`, path })
    }
    if (computedMs() - beganMs > SLOW_MS) {
      notices.push({
        code: "rule-slow",
        message: `${rule.id} took longer than ${SLOW_MS} ms here`,
        path,
      })
    }
  }
  return {
    findings: findingsOf(file, bounded(once(reported), path, notices), options, texts),
    notices,
  }
}

/** What is an example, a benchmark or a script runs once and by hand: a mistake there waits until it is asked for. */
function weighed(path: string, draft: Draft): Draft {
  return isAsidePath(path) ? { ...draft, tier: "context" } : draft
}

function loadFile(program: Program, path: string, notices: Notice[]): File | null {
  try {
    return program.file(path)
  } catch (error) {
    notices.push({
      code: "file-not-understood",
      message: `was passed over: ${(error as Error).message}`,
      path,
    })
    return null
  }
}

const TIER_RANK: Readonly<Record<Tier, number>> = { certain: 0, likely: 1, context: 2 }

/** In the order of the text; a rule's second word on one place is dropped, the more certain one stays. */
function once(reported: readonly Reported[]): Reported[] {
  const sorted = [...reported].sort(
    (a, b) =>
      a.draft.at.start - b.draft.at.start ||
      (a.rule.id === b.rule.id ? 0 : a.rule.id < b.rule.id ? -1 : 1) ||
      TIER_RANK[a.draft.tier] - TIER_RANK[b.draft.tier] ||
      a.draft.at.end - b.draft.at.end,
  )
  return sorted.filter(({ rule, draft }, i) => {
    const before = sorted[i - 1]
    return before?.rule !== rule || before.draft.at.start !== draft.at.start
  })
}

function bounded(reported: readonly Reported[], path: string, notices: Notice[]): Reported[] {
  const counts = new Map<string, number>()
  const kept = reported.filter(({ rule }) => {
    const count = (counts.get(rule.id) ?? 0) + 1
    counts.set(rule.id, count)
    return count <= MAX_OF_A_RULE
  })
  for (const [id, count] of counts) {
    if (count <= MAX_OF_A_RULE) continue
    const message = `${id}: the first ${MAX_OF_A_RULE} of ${count} findings are shown`
    notices.push({ code: "limit-findings", message, path })
  }
  return kept
}

function findingsOf(
  file: File,
  reported: readonly Reported[],
  options: CheckerOptions,
  texts: Texts,
): Finding[] {
  if (reported.length === 0) return []
  const path = options.namedAs?.(file.path) ?? file.path
  const lines = texts.linesOf(file)
  const identities = reported.map(({ rule, draft }) => ({
    rule: rule.id,
    path,
    symbol: symbolAt(file, draft.at.start),
    lineText: lines.textOf(lines.positionOf(draft.at.start).line),
  }))
  const fingerprints = fingerprintsOf(identities)
  return reported.map(({ rule, draft }, i): Finding => {
    const fix = draft.fix ?? { text: rule.docs.fix }
    return {
      ...placeOf(file.path, lines, draft.at),
      rule: rule.id,
      tier: draft.tier,
      severity: draft.severity,
      message: draft.message,
      because: (draft.because ?? []).map((fact): Fact => {
        const of = fact.file ?? file
        return fact.at
          ? { text: fact.text, place: placeOf(of.path, texts.linesOf(of), fact.at) }
          : { text: fact.text }
      }),
      checked: draft.checked ?? [],
      fix: {
        text: fix.text,
        ...("safety" in fix ? { safety: fix.safety } : {}),
        ...("edits" in fix
          ? { edits: fix.edits.map((edit) => ({ path: file.path, ...edit })) }
          : {}),
      },
      reference: rule.docs.reference,
      symbol: identities[i]!.symbol,
      fingerprint: fingerprints[i]!,
    }
  })
}

/** The innermost function with a name around an offset, with its class; "" at top level. */
function symbolAt(file: File, offset: number): string {
  let found: File["functions"][number] | null = null
  for (const fn of file.functions) {
    if (fn.start > offset) break
    if (fn.end > offset && fn.name !== "") found = fn
  }
  if (!found) return ""
  const owner = found.receiver?.type ?? file.classOf(found)?.name ?? ""
  return owner === "" ? found.name : `${owner}.${found.name}`
}

/** The lines of each text, found once in a run. */
class Texts {
  readonly #lines = new WeakMap<File, Lines>()

  linesOf(file: File): Lines {
    let lines = this.#lines.get(file)
    if (!lines) this.#lines.set(file, (lines = new Lines(file.text)))
    return lines
  }
}
