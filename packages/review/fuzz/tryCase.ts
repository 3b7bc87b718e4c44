/** One case through all that reads a repository's bytes: parse, lower, summarise, keep, check, place, print. */
import { Program, type Source } from "../src/analysis/program/program.ts"
import { File } from "../src/analysis/program/file.ts"
import { summarise } from "../src/analysis/program/summary.ts"
import { readIgnores } from "../src/config/ignores.ts"
import { decodeUnit, encodeUnit } from "../src/engine/codec.ts"
import { isTestPath } from "../src/files/testPath.ts"
import { kindOf, parseSource } from "../src/frontends/parse.ts"
import type { SourceUnit } from "../src/ir/nodes.ts"
import type { Draft, Rule } from "../src/rules/rule.ts"
import { rules as allRules } from "../src/rules/rules.ts"
import type { Case } from "./cases.ts"

export interface Step {
  /** `parse`, or a rule's name. */
  readonly name: string
  /** Of this thread's processor time: others on the machine do not count. */
  readonly ms: number
}

export interface Failure {
  readonly step: string
  readonly reason: string
}

export interface Trial {
  readonly steps: readonly Step[]
  readonly failures: readonly Failure[]
  /** Findings of any tier. */
  readonly findings: number
}

/** What parsing says when it was stopped in time: the file is passed over, and nothing is wrong. */
const STOPPED = /did not end within/

/**
 * Tries a case; whatever throws is a failure of the step that threw.
 * @param clock - processor time in milliseconds; tests hand one that stands still
 */
export async function tryCase(
  { texts }: Case,
  clock: () => number,
  rules: readonly Rule[] = allRules,
): Promise<Trial> {
  const steps: Step[] = []
  const failures: Failure[] = []
  let findings = 0
  const timed = <Value>(name: string, run: () => Value): Value | undefined => {
    const began = clock()
    try {
      return run()
    } catch (error) {
      failures.push({ step: name, reason: reasonOf(error) })
      return undefined
    } finally {
      steps.push({ name, ms: clock() - began })
    }
  }
  const sources: Source[] = []
  for (const { path, text } of texts) {
    const kind = kindOf(path)
    if (!kind) continue
    const began = clock()
    let unit: SourceUnit | undefined
    try {
      unit = await parseSource(path, text)
    } catch (error) {
      if (!STOPPED.test(reasonOf(error))) failures.push({ step: "parse", reason: reasonOf(error) })
    }
    steps.push({ name: "parse", ms: clock() - began })
    const source = unit && timed("keep", () => sourceOf(path, text, unit))
    if (source) sources.push(source)
  }
  const evidence = texts.filter(({ path }) => (kindOf(path)?.language ?? "sql") === "sql")
  const program = timed("index", () => new Program({ sources, evidence }))
  for (const { path, text } of program?.sources ?? []) {
    const file = timed("load", () => program!.file(path))
    if (!file) continue
    timed("ignores", () => readIgnores(text, file.unit.comments))
    for (const rule of rules) {
      if (!isSpoken(rule, file)) continue
      timed(`${rule.id} (mentions)`, () => rule.mentions.test(text))
      timed(rule.id, () => {
        rule.check(file, program!, (draft) => {
          findings++
          checkDraft(draft, file)
        })
      })
    }
  }
  return { steps, failures, findings }
}

/** All that speak the language, also those that the text's words would not wake. */
function isSpoken(rule: Rule, { language, isTest }: File): boolean {
  if (!rule.languages.includes(language)) return false
  return rule.scope === "everything" || (rule.scope === "tests") === isTest
}

/** As the engine does it: the tree goes through the cache's form, and the summary through JSON. */
function sourceOf(path: string, text: string, unit: SourceUnit): Source {
  const { language } = kindOf(path)!
  const isTest = isTestPath(path, language)
  const kept = encodeUnit(unit)
  const summary = JSON.stringify(summarise(new File({ path, language, text, unit, isTest })))
  return {
    path,
    language,
    isTest,
    text,
    summary: JSON.parse(summary) as Source["summary"],
    load: () => decodeUnit(kept),
  }
}

/** @throws where a finding points outside of the text or says nothing */
function checkDraft(draft: Draft, file: File): void {
  const facts = (draft.because ?? []).flatMap(({ at, file: of }) =>
    at ? [{ at, of: of ?? file }] : [],
  )
  for (const { at, of } of [
    { at: draft.at, of: file },
    ...facts,
    ...(draft.fix?.edits ?? []).map((edit) => ({ at: edit, of: file })),
  ]) {
    const isInside = 0 <= at.start && at.start <= at.end && at.end <= of.text.length
    if (!isInside)
      throw new Error(`points at ${at.start}-${at.end} of ${of.text.length} characters`)
  }
  if (draft.message.trim() === "") throw new Error("says nothing")
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const [, ...frames] = (error.stack ?? "").split("\n    at ")
  return [error.message, ...frames.slice(0, 4).map((frame) => frame.trim())].join("\n    at ")
}
