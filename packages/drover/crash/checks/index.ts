import type { History } from "../history.ts"
import { budget } from "./budget.ts"
import { noLoss } from "./noLoss.ts"
import { noTrouble } from "./noTrouble.ts"
import { onlyTheLost } from "./onlyTheLost.ts"
import { overlap } from "./overlap.ts"
import { settleOnce } from "./settleOnce.ts"

/** Everything that must hold of any history, by what it is called in reports. */
export const checks: Readonly<Record<string, (history: History) => readonly string[]>> = {
  "no acknowledged job lost": noLoss,
  "each attempt settled once": settleOnce,
  "no run beyond its budget": budget,
  "no two attempts at once": overlap,
  "nobody alive was robbed": onlyTheLost,
  "no error escaped": noTrouble,
}

/** What is wrong with a history. */
export function violationsOf(history: History): readonly string[] {
  return Object.entries(checks).flatMap(([name, check]) =>
    check(history).map((violation) => `${name}: ${violation}`),
  )
}
