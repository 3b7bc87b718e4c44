/** Finds distributed-coordination mistakes in a repository: what `drover-review` does, as a function. */
export { review, type Progress, type Review, type ReviewOptions } from "./engine/review.ts"
export { changesBetween, diffChanges, stagedChanges, type Changes } from "./files/changes.ts"
export { InputError } from "./files/inputError.ts"
export type {
  Edit,
  Fact,
  Finding,
  Fix,
  Notice,
  Place,
  Report,
  Severity,
  Tier,
} from "./findings/finding.ts"
export { rules } from "./rules/rules.ts"
export type { Draft, Rule } from "./rules/rule.ts"
