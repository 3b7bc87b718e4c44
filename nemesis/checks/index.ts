import { budget } from "../../packages/drover/crash/checks/budget.ts"
import { overlap } from "../../packages/drover/crash/checks/overlap.ts"
import { settleOnce } from "../../packages/drover/crash/checks/settleOnce.ts"
import { features } from "../features/index.ts"
import type { RunHistory } from "../history/runHistory.ts"
import { noLoss } from "./noLoss.ts"
import { owner } from "./owner.ts"
import { recovered } from "./recovered.ts"
import { resources } from "./resources.ts"
import { robbed } from "./robbed.ts"
import { terms } from "./terms.ts"
import { trouble } from "./trouble.ts"
import { witnesses } from "./witnesses.ts"

/** A promise that did not hold. */
export interface Violation {
  readonly checker: string
  readonly what: string
}

type Check = (history: RunHistory) => readonly string[]

/** What must hold of any run; the first seven by the numbers of the brief, the others beside them. */
const general: Readonly<Record<string, Check>> = {
  loss: noLoss,
  overlap: overlap,
  settle: settleOnce,
  owner: owner,
  budget: budget,
  robbed: robbed,
  terms: terms,
  recovery: (history) => recovered(history).violations,
  resources: resources,
  trouble: trouble,
  witness: witnesses,
  unheard: ({ unheard }) => unheard,
  run: ({ failures }) => failures,
}

/** All checkers by name: those of any run, and that of each feature. */
export const checkers: Readonly<Record<string, Check>> = {
  ...general,
  ...Object.fromEntries(features.map(({ name, check }) => [`feature ${name}`, check])),
}

/** What is wrong with a run. */
export function judge(history: RunHistory): readonly Violation[] {
  return Object.entries(checkers).flatMap(([checker, check]) =>
    check(history).map((what) => ({ checker, what })),
  )
}
