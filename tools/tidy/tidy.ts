import type { Repository } from "./repository.ts"
import type { Allowance, Finding, Rule } from "./rule.ts"

export interface Verdict extends Finding {
  readonly rule: string
  readonly mend: string
}

/** The rule by which an exception that nothing needs is itself a finding. It has no exceptions. */
export const STALE_ALLOWANCE = "stale-allowance"
const ALLOWANCES = "tools/tidy/allowances.ts"

/** Judges the repository by the rules, less what is allowed, in order of paths and lines. */
export function tidy(
  repository: Repository,
  rules: readonly Rule[],
  allowances: readonly Allowance[],
): Verdict[] {
  const used = new Set<Allowance>()
  const verdicts = rules.flatMap(({ name: rule, mend, check }) =>
    check(repository).flatMap((finding): Verdict[] => {
      const allowing = allowances.filter((allowance) => allows(allowance, rule, finding))
      for (const allowance of allowing) used.add(allowance)
      return allowing.length > 0 ? [] : [{ ...finding, rule, mend }]
    }),
  )
  const stale = allowances.filter((allowance) => !used.has(allowance)).map(staleVerdict)
  return [...verdicts, ...stale].toSorted(
    (a, b) => a.path.localeCompare(b.path) || a.line - b.line || a.rule.localeCompare(b.rule),
  )
}

function allows(allowance: Allowance, rule: string, { path, item, size }: Finding): boolean {
  if (allowance.rule !== rule) return false
  const isHere = allowance.path.endsWith("/")
    ? path.startsWith(allowance.path)
    : path === allowance.path
  if (!isHere || (allowance.item !== undefined && allowance.item !== item)) return false
  return allowance.upTo === undefined || (size !== undefined && size <= allowance.upTo)
}

function staleVerdict({ rule, path, item }: Allowance): Verdict {
  return {
    rule: STALE_ALLOWANCE,
    path: ALLOWANCES,
    line: 1,
    message: `nothing needs the allowance of ${rule}${item === undefined ? "" : ` (${item})`} for ${path}`,
    mend: "Take the allowance out, or give it the bound that is now true.",
  }
}
