/**
 * All source files of a repository, to look names up in. Trees are loaded when asked for and forgotten again when
 * many others were asked for since: the summaries answer where a name is defined and who calls it.
 */
import type { Func, Language } from "../../ir/nodes.ts"
import { Evidence, WITNESS, type EvidenceText, type Services } from "./evidence.ts"
import { File } from "./file.ts"
import { NOTHING_KNOWN, type KnownNames } from "./known.ts"
import { questionNamed, type Answer, type Question } from "./question.ts"
import { Trace, type Lookup } from "./trace.ts"
import type { ClassEntry, FunctionEntry, Summary } from "./summary.ts"
import type { SourceUnit } from "../../ir/nodes.ts"

/** A source file that was read and summarised, and whose tree can be had. */
export interface Source {
  readonly path: string
  readonly language: Language
  readonly isTest: boolean
  readonly text: string
  readonly summary: Summary
  /** Names its path and text; its text where there is none. */
  readonly key?: string
  load(): SourceUnit
}

/** A function with the file that holds it. */
export interface Located {
  readonly file: File
  readonly fn: Func
}

export interface FunctionRef extends FunctionEntry {
  /** Of its file. */
  readonly package: string | null
  readonly source: Source
}

export interface ClassRef extends ClassEntry {
  readonly source: Source
}

/** Trees kept at once. Files that refer to each other are near each other; with 200 no fewer had to be made again. */
const MAX_LOADED = 80
/**
 * Trees let go before all that is known is forgotten. What is known of one file's nodes names nodes of others, so that
 * nearly every tree that was ever made lives on; most of them are asked for by most files, so that forgetting often would
 * make them again and again.
 */
const MAX_LET_GO = 2_000

/** A value that is known, with what it hangs on. */
interface Memo {
  readonly value: unknown
  readonly trace: Trace
}

/** A computation that is going on. */
interface Frame {
  readonly trace: Trace
  readonly depth: number
  /** The outermost computation whose unfinished value it saw, as its depth. */
  lowest: number
}

export class Program {
  readonly evidence: Evidence
  /** What the configuration says of functions by their names. */
  readonly known: KnownNames
  readonly #sources: readonly Source[]
  readonly #mentioning: (word: string) => readonly Source[]
  readonly #byPath: ReadonlyMap<string, Source>
  /** What is handed out: who reads a text or a summary is known to have done so. */
  readonly #views: ReadonlyMap<string, Source>
  readonly #functions = new Map<string, FunctionRef[]>()
  readonly #classes = new Map<string, ClassRef[]>()
  readonly #callers = new Map<string, Source[]>()
  readonly #subclasses = new Map<string, ClassRef[]>()
  readonly #loaded = new Map<string, File>()
  /** What was let go and lives on because something known of its nodes does: a second tree of it would only add to it. */
  readonly #letGo = new Map<string, WeakRef<File>>()
  readonly #memos = new Map<symbol, WeakMap<object, Memo | Frame>>()
  readonly #answers = new Map<Question, Map<string, Answer>>()
  readonly #numbers = new Map<string, Map<string, number>>()
  readonly #lookups: Lookup[] = []
  #frame: Frame = { trace: new Trace(), depth: 0, lowest: 0 }
  /** Values that were made with the unfinished value of a computation around them: they end with it. */
  #passing: { readonly table: WeakMap<object, Memo | Frame>; readonly key: object }[] = []

  /**
   * @param options.evidence - configuration, SQL and documents that say how the program runs
   * @param options.isFleet - whether several instances run; found out from the evidence when it is not given
   * @param options.mentioning - the sources whose text has a word in it, where that is told faster than by having all texts
   * @param options.services - folders that are modules of their own, beside those that are by their names
   */
  constructor(options: {
    sources: readonly Source[]
    evidence: readonly EvidenceText[]
    isFleet?: boolean
    known?: KnownNames
    mentioning?: ((word: string) => readonly Source[]) | undefined
    services?: Services | undefined
  }) {
    this.known = options.known ?? NOTHING_KNOWN
    this.#sources = [...options.sources].sort((a, b) => (a.path < b.path ? -1 : 1))
    this.#mentioning =
      options.mentioning ?? ((word) => this.#sources.filter(({ text }) => text.includes(word)))
    this.#byPath = new Map(this.#sources.map((source) => [source.path, source]))
    const note = (path: string): void => this.#note("file", path)
    this.#views = new Map(this.#sources.map((one) => [one.path, new SourceView(one, note)]))
    for (const source of this.#sources) this.#index(source)
    const { isFleet, services } = options
    const ask = (about: string): ReturnType<typeof WITNESS.answer> => this.ask(WITNESS, about)
    this.evidence = new Evidence(this.#sources, options.evidence, { isFleet, services, ask })
  }

  /** All of them, in the order of paths. Who looks at all hangs on all: prefer a question (see question.ts). */
  get sources(): readonly Source[] {
    this.#note("all", "")
    return this.#sources
  }

  /** Paths of all sources whose text has a word in it, sorted. Who asks hangs on all: prefer `sourcesMentioning`. */
  pathsMentioning(word: string): string[] {
    this.#note("all", "")
    return this.#mentioning(word)
      .map(({ path }) => path)
      .sort()
  }

  /** A file by its path, with its tree; null for what is no source. */
  file(path: string): File | null {
    this.#note("file", path)
    const kept = this.#loaded.get(path) ?? this.#letGo.get(path)?.deref()
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
    if (this.#loaded.size > MAX_LOADED) this.#letGoOldest()
    return file
  }

  /** All of it is found again when it is asked for. */
  #forget(): void {
    this.#memos.clear()
    this.#loaded.clear()
    this.#letGo.clear()
  }

  #letGoOldest(): void {
    const [path, file] = this.#loaded.entries().next().value!
    this.#loaded.delete(path)
    this.#letGo.set(path, new WeakRef(file))
  }

  source(path: string): Source | null {
    this.#note("file", path)
    return this.#views.get(path) ?? null
  }

  /** Every function of a name outside tests, in the order of paths. */
  functionsNamed(name: string): readonly FunctionRef[] {
    this.#note("functions", name)
    return this.#functions.get(name) ?? []
  }

  classesNamed(name: string): readonly ClassRef[] {
    this.#note("classes", name)
    return this.#classes.get(name) ?? []
  }

  /** Classes that name this one as a base. */
  subclassesOf(name: string): readonly ClassRef[] {
    this.#note("subclasses", name)
    return this.#subclasses.get(name) ?? []
  }

  /** Files outside tests with a call of that last name. */
  sourcesCalling(name: string): readonly Source[] {
    this.#note("callers", name)
    return this.#callers.get(name) ?? []
  }

  /** The function that a reference tells of; null when its tree has it no more. */
  locate(ref: FunctionRef): Located | null {
    const file = this.file(ref.source.path)
    const fn = file?.functions.find((one) => one.start === ref.start && one.name === ref.name)
    return file && fn ? { file, fn } : null
  }

  /** The answer to a question about the whole program, found once. */
  ask<Given extends Answer>(asked: Question<Given>, about: string): Given {
    this.#note(asked.name, about)
    let answers = this.#answers.get(asked)
    if (!answers) this.#answers.set(asked, (answers = new Map()))
    const known = answers.get(about)
    if (known !== undefined) return known as Given
    const around = this.#frame
    // What it looks at is of no account: who asks hangs on the answer.
    this.#frame = { trace: new Trace(), depth: around.depth, lowest: around.depth }
    try {
      const given = asked.answer(this, about)
      answers.set(about, given)
      return given
    } finally {
      this.#frame = around
    }
  }

  /**
   * What was computed once for a key stays known: analyses ask the same functions again and again. The value must
   * hang on the key and on look-ups within `compute` alone; a table that is filled later would hide look-ups.
   * @param whileComputing - what `compute` gets when it comes back to its own key
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- Calls read better with what the key is.
  memo<Key extends object, Value>(
    kind: symbol,
    key: Key,
    whileComputing: Value,
    compute: () => Value,
  ): Value {
    let table = this.#memos.get(kind)
    if (!table) this.#memos.set(kind, (table = new WeakMap()))
    const around = this.#frame
    const known = table.get(key)
    if (known !== undefined) {
      around.trace.use(known.trace)
      if ("value" in known) return known.value as Value
      around.lowest = Math.min(around.lowest, known.depth)
      return whileComputing
    }
    const depth = around.depth + 1
    const frame: Frame = { trace: new Trace(), depth, lowest: depth }
    const passing = this.#passing.length
    table.set(key, frame)
    this.#frame = frame
    try {
      const value = compute()
      table.set(key, { value, trace: frame.trace.close() })
      return value
    } catch (error) {
      table.delete(key)
      throw error
    } finally {
      this.#frame = around
      around.trace.use(frame.trace.close())
      around.lowest = Math.min(around.lowest, frame.lowest)
      if (frame.lowest < depth) this.#passing.push({ table, key })
      else for (const one of this.#passing.splice(passing)) one.table.delete(one.key)
    }
  }

  /** Runs something and tells what it looked up, as texts that `answerTo` takes in any program. */
  traced<Value>(run: () => Value): { readonly value: Value; readonly lookups: readonly Lookup[] } {
    const around = this.#frame
    if (around.depth === 0 && this.#letGo.size > MAX_LET_GO) this.#forget()
    const trace = new Trace()
    this.#frame = { trace, depth: around.depth, lowest: around.depth }
    try {
      const value = run()
      return { value, lookups: trace.all().map((number) => this.#lookups[number]!) }
    } finally {
      this.#frame = around
    }
  }

  /** What a look-up gives here, as a text to compare; null for a question that nobody asks any more. */
  answerTo(lookup: Lookup): string | null {
    const cut = lookup.indexOf("\n")
    const name = lookup.slice(0, cut)
    const about = lookup.slice(cut + 1)
    switch (name) {
      case "functions":
        return told(this.#functions.get(about), (ref) => [
          ref.source.path,
          ref.owner,
          ref.arity,
          ref.package,
        ])
      case "classes":
        return told(this.#classes.get(about), classAnswer)
      case "subclasses":
        return told(this.#subclasses.get(about), classAnswer)
      case "callers":
        return told(this.#callers.get(about), ({ path }) => path)
      case "file":
        return told(this.#byPath.has(about) ? [this.#byPath.get(about)!] : [], keyOf)
      case "all":
        return told(this.#sources, keyOf)
    }
    const asked = questionNamed(name)
    return asked ? JSON.stringify(this.ask(asked, about)) : null
  }

  #note(name: string, about: string): void {
    let numbers = this.#numbers.get(name)
    if (!numbers) this.#numbers.set(name, (numbers = new Map()))
    let number = numbers.get(about)
    if (number === undefined) {
      number = this.#lookups.push(`${name}\n${about}`) - 1
      numbers.set(about, number)
    }
    this.#frame.trace.note(number)
  }

  #index({ path, isTest, summary }: Source): void {
    if (isTest) return
    const source = this.#views.get(path)!
    const { functions, classes, calls, package: name } = summary
    for (const entry of functions)
      push(this.#functions, entry.name, { ...entry, package: name, source })
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

/** A source that tells when its content is looked at. */
class SourceView implements Source {
  readonly path: string
  readonly language: Language
  readonly isTest: boolean
  readonly #source: Source
  readonly #note: (path: string) => void

  constructor(source: Source, note: (path: string) => void) {
    this.path = source.path
    this.language = source.language
    this.isTest = source.isTest
    this.#source = source
    this.#note = note
  }

  get text(): string {
    this.#note(this.path)
    return this.#source.text
  }

  get summary(): Summary {
    this.#note(this.path)
    return this.#source.summary
  }

  load(): SourceUnit {
    this.#note(this.path)
    return this.#source.load()
  }
}

function told<Item>(items: readonly Item[] | undefined, tell: (item: Item) => Answer): string {
  return items === undefined || items.length === 0 ? "" : JSON.stringify(items.map(tell))
}

function keyOf(source: Source): string {
  return source.key ?? `${source.path}\n${source.text}`
}

/** All of it but where it stands: who goes there looks the file up. */
function classAnswer({ source, name, form, bases, fields }: ClassRef): Answer {
  return [source.path, name, form, bases, fields]
}
