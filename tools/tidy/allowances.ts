import type { Allowance } from "./rule.ts"

/** The exceptions to the rules, each with its reason. */
export const allowances: readonly Allowance[] = [
  {
    rule: "sql-outside-stores",
    path: "tools/sqlgen/sqlgen.test.ts",
    reason: "The generator is tested on statements, which no database runs.",
  },
]
