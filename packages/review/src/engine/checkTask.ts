/** A check as plain data, so that threads can share it: each makes the program for itself and checks some of the files. */
import { compileGlobs } from "../config/glob.ts"
import type { EvidenceText } from "../analysis/evidence.ts"
import type { KnownNames } from "../analysis/known.ts"
import { Program } from "../analysis/program.ts"
import { rules as allRules } from "../rules/rules.ts"
import { sourceOf, type SievedSource } from "./analyse.ts"
import { checkerOf, type Checked, type Checker } from "./check.ts"
import { Kept, type Stored } from "./kept.ts"
import { patternKey, type PatternSource } from "./patterns.ts"
import type { FileRecord } from "./record.ts"

/** A source without its methods. */
export interface PlainSource {
  readonly path: string
  readonly text: string
  readonly key: string
  /** Null for a text that could not be read. */
  readonly record: FileRecord | null
}

export interface CheckTask {
  readonly sources: readonly PlainSource[]
  /** What the numbers of matches mean. */
  readonly patterns: readonly PatternSource[]
  readonly evidence: readonly EvidenceText[]
  /** Names of rules. */
  readonly rules: readonly string[]
  readonly isFleet: boolean | undefined
  readonly known: KnownNames
  /** Patterns of the folders that are services. */
  readonly services: readonly string[] | undefined
}

/** A path with the path that its findings are named by. */
export type Named = readonly [path: string, name: string]

/** What a thread does with a task. */
export class TaskChecker {
  readonly #sources: ReadonlyMap<string, SievedSource>
  readonly #kept = new Kept(null, "")
  readonly #checker: Checker
  readonly #names = new Map<string, string>()

  constructor(task: CheckTask) {
    const numbers = new Map(task.patterns.map((pattern, i) => [patternKey(pattern), i]))
    const sources = task.sources.map(({ path, text, key, record }) =>
      sourceOf({ file: { path, text }, key }, record, numbers),
    )
    this.#sources = new Map(sources.map((source) => [source.path, source]))
    const { isFleet, known, evidence, services } = task
    const program = new Program({
      sources,
      evidence,
      known,
      ...(isFleet === undefined ? {} : { isFleet }),
      services: services && { patterns: services, has: compileGlobs(services) },
    })
    this.#checker = checkerOf({
      program,
      rules: allRules.filter(({ id }) => task.rules.includes(id)),
      kept: this.#kept,
      namedAs: (path) => this.#names.get(path) ?? path,
    })
  }

  check(files: readonly Named[]): (readonly [path: string, checked: Checked])[] {
    return files.flatMap(([path, name]) => {
      this.#names.set(path, name)
      const source = this.#sources.get(path)
      return source ? [[path, this.#checker.check(source)] as const] : []
    })
  }

  /** What the checks hung on. */
  get stored(): Stored {
    return this.#kept.stored(null)
  }
}
