/** A check as plain data, so that threads can share it: each makes the program for itself and checks some of the files. */
import { compileGlobs } from "../config/glob.ts"
import type { EvidenceText } from "../analysis/program/evidence.ts"
import type { KnownNames } from "../analysis/program/known.ts"
import { Program } from "../analysis/program/program.ts"
import { rules as allRules } from "../rules/rules.ts"
import { sourceOf, type SievedSource } from "./analyse.ts"
import { checkerOf, type Checked, type Checker } from "./check.ts"
import { Kept, type Stored } from "./kept.ts"
import { PatternNumbers, type PatternSource } from "./patterns.ts"
import { share, SharedItems, type Shared } from "./sharedItems.ts"

export interface CheckTask {
  /** The texts of the sources, their trees, their summaries, then the texts of the evidence. */
  readonly shared: Shared
  readonly sources: readonly PlainSource[]
  /** What the numbers of matches mean. */
  readonly patterns: readonly PatternSource[]
  /** Paths of the evidence. */
  readonly evidence: readonly string[]
  /** Names of rules. */
  readonly rules: readonly string[]
  readonly isFleet: boolean | undefined
  readonly known: KnownNames
  /** Patterns of the folders that are services. */
  readonly services: readonly string[] | undefined
}

/** What of a source is not shared. */
interface PlainSource {
  readonly path: string
  readonly key: string
  /** Null for a text that could not be read. */
  readonly matches: readonly number[] | null
}

const ITEMS_OF_A_SOURCE = 3

/** Where what belongs to a source lies. */
function placesOf(at: number, sources: number): { text: number; unit: number; summary: number } {
  return { text: at, unit: sources + at, summary: 2 * sources + at }
}

/** What a task says of the files. */
export function filesOfTask(
  sources: readonly SievedSource[],
  evidence: readonly EvidenceText[],
): Pick<CheckTask, "shared" | "sources" | "evidence"> {
  const items = [
    ...sources.map(({ text }) => text),
    ...sources.map(({ record }) => record?.unit ?? null),
    ...sources.map(({ record }) => record?.summary ?? null),
  ]
  return {
    shared: share([...items, ...evidence.map(({ text }) => text)]),
    sources: sources.map(({ path, key, record }) => ({
      path,
      key,
      matches: record?.matches ?? null,
    })),
    evidence: evidence.map(({ path }) => path),
  }
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
    const numbers = new PatternNumbers(task.patterns)
    const items = new SharedItems(task.shared)
    const sources = task.sources.map(({ path, key, matches }, i) => {
      const at = placesOf(i, task.sources.length)
      const known = matches && {
        matches,
        get unit() {
          return items.bytesOf(at.unit)
        },
        get summary() {
          return items.textOf(at.summary)
        },
      }
      return sourceOf({ file: textAt(path, items, at.text), key }, known, numbers)
    })
    this.#sources = new Map(sources.map((source) => [source.path, source]))
    const { isFleet, known, services } = task
    const first = task.sources.length * ITEMS_OF_A_SOURCE
    const evidence = task.evidence.map((path, i) => textAt(path, items, first + i))
    const program = new Program({
      sources,
      evidence,
      known,
      mentioning: (word) => items.including(word, task.sources.length).map((at) => sources[at]!),
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

function textAt(path: string, items: SharedItems, at: number): EvidenceText {
  return {
    path,
    get text() {
      return items.textOf(at) ?? ""
    },
  }
}
