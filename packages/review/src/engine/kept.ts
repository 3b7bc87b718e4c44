/**
 * What the check of each file found, with the look-ups that it hung on. It stands in every tree that has the same text
 * there and gives the same answers: a change of twenty files has only those checked again that could tell.
 */
import { hash } from "node:crypto"
import type { Program } from "../analysis/program/program.ts"
import { mentionedWord } from "../analysis/program/question.ts"
import type { Lookup } from "../analysis/program/trace.ts"
import { FILES_KEY, type Cache } from "./cache.ts"
import type { Checked } from "./check.ts"

/** Trees whose results for a path are kept: a branch and what it is compared with. */
const MAX_FOR_A_PATH = 2
/** A table of look-ups that grew beyond this is not written. */
const MAX_FACTS = 1_000_000

/** An answer that was given, by its hash. */
type Fact = readonly [lookup: Lookup, answer: string]

interface Entry {
  /** Of the text. */
  readonly key: string
  /** The path that findings are named by. */
  readonly name: string
  /** Numbers of facts. */
  readonly facts: readonly number[]
  readonly checked: Checked
}

/** All of it as plain data, for threads and the cache. */
export interface Stored {
  readonly settings: string
  readonly facts: readonly Fact[]
  readonly files: readonly (readonly [path: string, entries: readonly Entry[]])[]
}

/** A file of a tree, as it is checked. */
export interface Checkable {
  readonly path: string
  readonly key: string
}

export class Kept {
  readonly #cache: Cache | null
  /** Names what checks hang on beside texts: the rules and what the configuration says. Null keeps nothing for later. */
  readonly #settings: string | null
  readonly #facts: Fact[] = []
  readonly #numbers = new Map<string, number>()
  readonly #entries = new Map<string, readonly Entry[]>()
  readonly #truths = new WeakMap<Program, Truths>()
  #isChanged = false

  /** @param cache - null to keep nothing for later */
  constructor(cache: Cache | null, settings: string | null) {
    this.#cache = cache
    this.#settings = settings
    const json = settings === null ? null : (cache?.findResult(FILES_KEY) ?? null)
    const stored = json === null ? null : (JSON.parse(json) as Stored)
    if (stored === null || stored.settings !== settings) return
    for (const [lookup, answer] of stored.facts) this.#numberOf(lookup, answer)
    for (const [path, entries] of stored.files) this.#entries.set(path, entries)
  }

  /** Whether anything is known of a file with this text: without, the program need not be asked. */
  knows({ path, key }: Checkable): boolean {
    return this.#entries.get(path)?.some((one) => one.key === key) ?? false
  }

  /** Words that were looked for in all texts, and will be again to see what still holds. */
  words(): string[] {
    return this.#facts.flatMap(([lookup]) => mentionedWord(lookup) ?? [])
  }

  /** Takes what a thread found. */
  merge({ facts, files }: Stored): void {
    const numbers = facts.map(([lookup, answer]) => this.#numberOf(lookup, answer))
    for (const [path, entries] of files) {
      const renumbered = entries.map((entry) => ({
        ...entry,
        facts: entry.facts.map((number) => numbers[number]!),
      }))
      const others = this.#entries.get(path) ?? []
      this.#entries.set(path, [...renumbered, ...others].slice(0, MAX_FOR_A_PATH))
    }
    if (files.length > 0) this.#isChanged = true
  }

  /** What a check of a file would find, when all that it hung on is so in this program; else null. */
  find(program: Program, { path, key }: Checkable, name: string): Checked | null {
    const truths = this.#truthsOf(program)
    const entry = this.#entries
      .get(path)
      ?.find(
        (one) =>
          one.key === key &&
          one.name === name &&
          one.facts.every((number) => truths.holds(number, this.#facts[number]!)),
      )
    return entry?.checked ?? null
  }

  keep(
    program: Program,
    { path, key }: Checkable,
    name: string,
    lookups: readonly Lookup[],
    checked: Checked,
  ): void {
    const truths = this.#truthsOf(program)
    const facts = lookups.map((lookup) =>
      truths.factOf(lookup, (answer) => this.#numberOf(lookup, answer)),
    )
    const others = this.#entries.get(path) ?? []
    this.#entries.set(path, [{ key, name, facts, checked }, ...others].slice(0, MAX_FOR_A_PATH))
    this.#isChanged = true
  }

  /** Hands everything about these paths to the cache. */
  save(paths: ReadonlySet<string>): void {
    if (this.#settings === null || !this.#isChanged) return
    this.#isChanged = false
    const stored = this.stored(paths)
    if (stored.facts.length <= MAX_FACTS) this.#cache?.keepResult(FILES_KEY, JSON.stringify(stored))
  }

  /** @param paths - the only ones; null for all */
  stored(paths: ReadonlySet<string> | null): Stored {
    const files = [...this.#entries].filter(([path]) => paths?.has(path) ?? true)
    const used = [...new Set(files.flatMap(([, entries]) => entries.flatMap(({ facts }) => facts)))]
    const renumbered = new Map(used.sort((a, b) => a - b).map((number, at) => [number, at]))
    return {
      settings: this.#settings ?? "",
      facts: used.map((number) => this.#facts[number]!),
      files: files
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([path, entries]) => [
          path,
          entries.map((entry) => ({
            ...entry,
            facts: entry.facts.map((number) => renumbered.get(number)!),
          })),
        ]),
    }
  }

  #numberOf(lookup: Lookup, answer: string): number {
    const name = `${answer}\n${lookup}`
    let number = this.#numbers.get(name)
    if (number === undefined) {
      number = this.#facts.push([lookup, answer]) - 1
      this.#numbers.set(name, number)
    }
    return number
  }

  #truthsOf(program: Program): Truths {
    let truths = this.#truths.get(program)
    if (!truths) this.#truths.set(program, (truths = new Truths(program)))
    return truths
  }
}

/** Which facts hold in one program, each found out once. */
class Truths {
  readonly #program: Program
  readonly #answers = new Map<Lookup, string>()
  readonly #facts = new Map<Lookup, number>()
  readonly #holds: (boolean | undefined)[] = []

  constructor(program: Program) {
    this.#program = program
  }

  holds(number: number, [lookup, answer]: Fact): boolean {
    return (this.#holds[number] ??= this.answerTo(lookup) === answer)
  }

  /** The number of a look-up with its answer here: files hang on the same names again and again. */
  factOf(lookup: Lookup, numberOf: (answer: string) => number): number {
    let number = this.#facts.get(lookup)
    if (number === undefined) this.#facts.set(lookup, (number = numberOf(this.answerTo(lookup))))
    return number
  }

  /** The hash of an answer; "" where there is nothing. */
  answerTo(lookup: Lookup): string {
    let known = this.#answers.get(lookup)
    if (known === undefined) {
      const answer = this.#program.answerTo(lookup)
      // A question that is asked no more is answered by nothing, and nothing equals what was said.
      known =
        answer === null ? "?" : answer === "" ? "" : hash("sha256", answer, "base64").slice(0, 16)
      this.#answers.set(lookup, known)
    }
    return known
  }
}
