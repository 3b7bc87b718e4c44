/**
 * A check of a tree hangs on its texts, the rules and what was asked, and on nothing else. When all of that was seen
 * before, what it found then is what it finds now.
 */
import { createHash } from "node:crypto"
import type { EvidenceText, Services } from "../analysis/evidence.ts"
import type { KnownNames } from "../analysis/known.ts"
import type { Rule } from "../rules/rule.ts"
import { rules as allRules } from "../rules/rules.ts"
import type { Cache } from "./cache.ts"
import type { Checked } from "./check.ts"

/** Everything that a check hangs on, beside the code of this program, which the cache's version covers. */
export interface CheckInputs {
  /** The keys of all sources, in order. */
  readonly sourceKeys: readonly string[]
  readonly evidence: readonly EvidenceText[]
  readonly rules: readonly Rule[]
  readonly isFleet: boolean | undefined
  readonly known: KnownNames
  readonly services: Services | undefined
  /** The paths that are reviewed, each with the path it is named by. */
  readonly reviewed: readonly (readonly [path: string, name: string])[]
}

/** Notices of what would not be so the next time. */
const PASSING_NOTICES: ReadonlySet<string> = new Set(["rule-slow", "file-slow"])

/** Gives what is remembered, or checks and remembers. A check that was cut short is not remembered. */
export async function remembered(
  cache: Cache,
  inputs: CheckInputs,
  check: () => Promise<{ readonly checked: Checked; readonly isWhole: boolean }>,
): Promise<Checked> {
  const key = cache.isKept ? keyOf(inputs) : null
  const known = key === null ? null : cache.findResult(key)
  if (known !== null) return JSON.parse(known) as Checked
  const { checked, isWhole } = await check()
  const isLasting = isWhole && !checked.notices.some(({ code }) => PASSING_NOTICES.has(code))
  if (key !== null && isLasting) cache.keepResult(key, JSON.stringify(checked))
  return checked
}

/** Null for rules of one's own: their code is not covered by the version. */
function keyOf({
  sourceKeys,
  evidence,
  rules,
  isFleet,
  known,
  services,
  reviewed,
}: CheckInputs): string | null {
  if (!rules.every((rule) => allRules.includes(rule))) return null
  const hash = createHash("sha256")
  const ids = rules.map(({ id }) => id).sort()
  const settings = [isFleet ?? null, known, services?.patterns ?? []]
  hash.update(JSON.stringify([sourceKeys, ids, settings, reviewed]))
  for (const { path, text } of evidence)
    hash.update(JSON.stringify([path, text.length])).update(text)
  return hash.digest("hex")
}
