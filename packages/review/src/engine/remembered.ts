/**
 * A check of a tree hangs on its texts, the rules and what was asked, and on nothing else. When all of that was seen
 * before, what it found then is what it finds now.
 */
import { createHash } from "node:crypto"
import type { EvidenceText, Services } from "../analysis/program/evidence.ts"
import { NOTHING_KNOWN, type KnownNames } from "../analysis/program/known.ts"
import type { Rule } from "../rules/rule.ts"
import { rules as allRules } from "../rules/rules.ts"
import type { Cache } from "./cache.ts"
import { isLasting, type Checked } from "./check.ts"

/** The rules, and what the configuration says that they heed. */
export interface CheckSettings {
  readonly rules: readonly Rule[]
  readonly isFleet?: boolean | undefined
  readonly known?: KnownNames | undefined
  readonly services?: Services | undefined
}

/** Everything that a check hangs on, beside the code of this program, which the cache's version covers. */
export interface CheckInputs extends CheckSettings {
  /** The keys of all sources, in order. */
  readonly sourceKeys: readonly string[]
  readonly evidence: readonly EvidenceText[]
  /** The paths that are reviewed, each with the path it is named by. */
  readonly reviewed: readonly (readonly [path: string, name: string])[]
}

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
  if (key !== null && isWhole && isLasting(checked)) cache.keepResult(key, JSON.stringify(checked))
  return checked
}

/**
 * Names what checks hang on beside texts. Null for rules of one's own: their code is not covered by the cache's
 * version.
 */
export function settingsKey({ rules, isFleet, known, services }: CheckSettings): string | null {
  if (!rules.every((rule) => allRules.includes(rule))) return null
  const ids = rules.map(({ id }) => id).sort()
  const settings = [ids, isFleet ?? null, known ?? NOTHING_KNOWN, services?.patterns ?? []]
  return createHash("sha256").update(JSON.stringify(settings)).digest("hex")
}

function keyOf(inputs: CheckInputs): string | null {
  const settings = settingsKey(inputs)
  if (settings === null) return null
  const { sourceKeys, evidence, reviewed } = inputs
  const hash = createHash("sha256")
  hash.update(JSON.stringify([sourceKeys, settings, reviewed]))
  for (const { path, text } of evidence)
    hash.update(JSON.stringify([path, text.length])).update(text)
  return hash.digest("hex")
}
