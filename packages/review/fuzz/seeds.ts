/** The code that is damaged: every fixture, as the small repository that it is. */
import { readdirSync } from "node:fs"
import type { TextAt } from "../src/analysis/program/programOf.ts"
import { kindOf } from "../src/frontends/parse.ts"
import { FIXTURES, fixturesOf } from "../src/rules/fixtures/fixture.ts"

export interface Seed {
  /** Its texts; at least one is source. */
  readonly texts: readonly TextAt[]
}

/** In a fixed order. */
export function readSeeds(): Seed[] {
  return readdirSync(FIXTURES)
    .sort()
    .flatMap((rule) => fixturesOf(rule))
    .map(({ texts }) => ({ texts }))
    .filter(({ texts }) => texts.some(({ path }) => kindOf(path) !== null))
}
