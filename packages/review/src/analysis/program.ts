/**
 * All source files of a repository, to look names up in. Trees are loaded when asked for and forgotten again when
 * many others were asked for since: the summaries answer where a name is defined and who calls it.
 */
import type { Func, Language } from "../ir/nodes.ts"
import { Evidence, type EvidenceText, type Services } from "./evidence.ts"
import { File } from "./file.ts"
import { NOTHING_KNOWN, type KnownNames } from "./known.ts"
import type { ClassEntry, FunctionEntry, Summary } from "./summary.ts"
import type { SourceUnit } from "../ir/nodes.ts"

/** A source file that was read and summarised, and whose tree can be had. */
export interface Source {
  readonly path: string
  readonly language: Language
  readonly isTest: boolean
  readonly text: string
  readonly summary: Summary
  load(): SourceUnit
}

/** A function with the file that holds it. */
export interface Located {
  readonly file: File
  readonly fn: Func
}

export interface FunctionRef extends FunctionEntry {
  readonly source: Source
}

export interface ClassRef extends ClassEntry {
  readonly source: Source
}

/** Trees kept at once. A repository's largest rooms have fewer files that refer to each other. */
const MAX_LOADED = 600

export class Program {
  readonly sources: readonly Source[]
  readonly evidence: Evidence
  /** What the configuration says of functions by their names. */
  readonly known: KnownNames
  readonly #byPath: ReadonlyMap<string, Source>
  readonly #functions = new Map<string, FunctionRef[]>()
  readonly #classes = new Map<string, ClassRef[]>()
  readonly #callers = new Map<string, Source[]>()
  readonly #subclasses = new Map<string, ClassRef[]>()
  readonly #loaded = new Map<string, File>()
  readonly #memos = new Map<symbol, WeakMap<object, unknown>>()

  /**
   * @param options.evidence - configuration, SQL and documents that say how the program runs
   * @param options.isFleet - whether several instances run; found out from the evidence when it is not given
   * @param options.services - folders that are modules of their own, beside those that are by their names
   */
  constructor(options: {
    sources: readonly Source[]
    evidence: readonly EvidenceText[]
    isFleet?: boolean
    known?: KnownNames
    services?: Services | undefined
  }) {
    this.known = options.known ?? NOTHING_KNOWN
    this.sources = [...options.sources].sort((a, b) => (a.path < b.path ? -1 : 1))
    this.#byPath = new Map(this.sources.map((source) => [source.path, source]))
    for (const source of this.sources) this.#index(source)
    this.evidence = new Evidence(this.sources, options.evidence, options)
  }

  /** A file by its path, with its tree; null for what is no source. */
  file(path: string): File | null {
    const kept = this.#loaded.get(path)
    const source = this.#byPath.get(path)
    if (!source) return null
    const file =
      kept ??
      new File({
        path,
        language: source.language,
        text: source.text,
        unit: source.load(),
        known: this.known,
        isTest: source.isTest,
      })
    // The one asked for last is the last to go.
    this.#loaded.delete(path)
    this.#loaded.set(path, file)
    if (this.#loaded.size > MAX_LOADED) this.#loaded.delete(this.#loaded.keys().next().value!)
    return file
  }

  source(path: string): Source | null {
    return this.#byPath.get(path) ?? null
  }

  /** Every function of a name outside tests, in the order of paths. */
  functionsNamed(name: string): readonly FunctionRef[] {
    return this.#functions.get(name) ?? []
  }

  classesNamed(name: string): readonly ClassRef[] {
    return this.#classes.get(name) ?? []
  }

  /** Classes that name this one as a base. */
  subclassesOf(name: string): readonly ClassRef[] {
    return this.#subclasses.get(name) ?? []
  }

  /** Files outside tests with a call of that last name. */
  sourcesCalling(name: string): readonly Source[] {
    return this.#callers.get(name) ?? []
  }

  /** The function that a reference tells of; null when its tree has it no more. */
  locate(ref: FunctionRef): Located | null {
    const file = this.file(ref.source.path)
    const fn = file?.functions.find((one) => one.start === ref.start && one.name === ref.name)
    return file && fn ? { file, fn } : null
  }

  /** What was computed once for a key stays known: analyses ask the same functions again and again. */
  memo<Key extends object, Value>(
    kind: symbol,
    key: Key,
    whileComputing: Value,
    compute: () => Value,
  ): Value {
    let table = this.#memos.get(kind)
    if (!table) this.#memos.set(kind, (table = new WeakMap()))
    if (table.has(key)) return table.get(key) as Value
    // Recursion finds this and ends.
    table.set(key, whileComputing)
    const value = compute()
    table.set(key, value)
    return value
  }

  #index(source: Source): void {
    if (source.isTest) return
    const { functions, classes, calls } = source.summary
    for (const entry of functions) push(this.#functions, entry.name, { ...entry, source })
    for (const entry of classes) {
      const ref = { ...entry, source }
      push(this.#classes, entry.name, ref)
      for (const base of entry.bases) push(this.#subclasses, base, ref)
    }
    for (const name of calls) push(this.#callers, name, source)
  }
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}
