import type { Mutant } from "../../sim/mutants/mutant.ts"
import type { Hunted } from "./planted.ts"
import { postgresMutants } from "./postgres.ts"
import { sqliteMutants } from "./sqlite.ts"

type Dialect = "sqlite" | "postgres"

/** The planted bugs that are tried on each store. */
export const hunted: Readonly<Record<Dialect, readonly Hunted[]>> = {
  sqlite: sqliteMutants,
  postgres: postgresMutants,
}

/** @throws Error that names all there are. */
export function huntedNamed(name: string, dialect: Dialect): Hunted {
  const found = hunted[dialect].find(({ mutant }) => mutant.name === name)
  if (found !== undefined) return found
  const names = hunted[dialect].map(({ mutant }) => mutant.name)
  throw new Error(`no mutant for ${dialect} is named "${name}"; there are ${names.join(", ")}`)
}

export function mutantNamed(name: string, dialect: Dialect): Mutant {
  return huntedNamed(name, dialect).mutant
}
