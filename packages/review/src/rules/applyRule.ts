/** One rule over one file: what the engine, editors and tests share. */
import type { File } from "../analysis/program/file.ts"
import type { Program, Source } from "../analysis/program/program.ts"
import type { Draft, Rule } from "./rule.ts"

/** Whether a rule wants to see a file at all; asked of the text alone, before anything is parsed. */
export function isFor(rule: Rule, source: Pick<Source, "language" | "isTest" | "text">): boolean {
  if (!rule.languages.includes(source.language)) return false
  if (rule.scope === "code" && source.isTest) return false
  if (rule.scope === "tests" && !source.isTest) return false
  return rule.mentions.test(source.text)
}

/** The findings of a rule in a file, in the order of the text. */
export function applyRule(rule: Rule, file: File, program: Program): Draft[] {
  const drafts: Draft[] = []
  rule.check(file, program, (draft) => drafts.push(draft))
  return drafts.sort((a, b) => a.at.start - b.at.start || a.at.end - b.at.end)
}
