/** The cases of a seed: which text is damaged how, and as which language it is read. */
import type { TextAt } from "../src/analysis/program/programOf.ts"
import { kindOf } from "../src/frontends/parse.ts"
import { Chance } from "./chance.ts"
import { damages, MAX_LENGTH } from "./damage.ts"
import type { Seed } from "./seeds.ts"

export interface Case {
  /** How it was made, such as `nested as kotlin`. */
  readonly kind: string
  readonly texts: readonly TextAt[]
}

const NAMES: readonly string[] = Object.keys(damages)
const EXTENSIONS = ["go", "py", "js", "jsx", "ts", "tsx", "java", "kt", "kts", "sql"]
/** Rules about tests see only these. */
const TEST_NAMES: Readonly<Record<string, string>> = {
  go: "fuzz_test.go",
  py: "test_fuzz.py",
  java: "src/test/java/FuzzTest.java",
  kt: "src/test/kotlin/FuzzTest.kt",
}

/** The case of this number. */
export function caseOf(seed: number, index: number, seeds: readonly Seed[]): Case {
  const chance = new Chance(seed, index)
  const { texts } = chance.pick(seeds)
  const sources = texts.filter(({ path }) => kindOf(path) !== null)
  const damaged = chance.once(8) ? chance.pick(texts) : chance.pick(sources)
  const other = chance.pick(chance.pick(seeds).texts)
  const name = chance.pick(NAMES)
  // Mostly as the language that it is, because what nothing understands reaches no rule.
  const path = chance.once(4) ? pathAs(damaged.path, chance) : damaged.path
  const text = damages[name]!(damaged.text, chance, other.text).slice(0, MAX_LENGTH)
  return {
    kind: `${name} as ${kindOf(path)?.language ?? "evidence"}`,
    texts: [...texts.filter((one) => one !== damaged && one.path !== path), { path, text }],
  }
}

function pathAs(path: string, chance: Chance): string {
  const extension = chance.pick(EXTENSIONS)
  if (chance.once(3)) return TEST_NAMES[extension] ?? `fuzz.test.${extension}`
  return `${path.replace(/\.\w+$/, "")}.${extension}`
}
