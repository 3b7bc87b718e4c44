/**
 * What the repository says outside of code about how it runs: replicas, dead-letter queues, outbox tables, unique
 * indexes. Evidence near a file counts first: a monorepo's other service proves nothing about this one.
 */
import type { Source } from "./program.ts"
import { question } from "./question.ts"

export interface EvidenceText {
  readonly path: string
  readonly text: string
}

/** A text that speaks for or against something, with the place where it does. */
export interface Witness {
  readonly path: string
  readonly line: number
  readonly text: string
}

/** Folders that a configuration names as services of their own. */
export interface Services {
  /** As they are written, which is all that tells two of them apart. */
  readonly patterns: readonly string[]
  has(folder: string): boolean
}

const REPLICAS =
  /\b(?:replicas|min_?replicas|max_?replicas|min_?instances|desired_?count|scale)\s*[:=]\s*"?([2-9]|\d{2,})\b|kind:\s*HorizontalPodAutoscaler|\bexec_mode\s*[:=]\s*['"]?cluster|docker[- ]compose.{0,40}--scale/i

/** Folders that hold services of a monorepo; below them the next folder is a module of its own. */
const MODULE_PARENTS = /^(?:apps|services|packages|cmd|modules|libs|projects)$/

type WitnessAnswer = readonly [path: string, line: number, text: string] | null

type Asked = readonly [
  key: string,
  module: string,
  where: "texts" | "sources" | "everywhere",
  within: "module" | "repository",
  source: string,
  flags: string,
]

export const WITNESS = question("evidence", (program, about): WitnessAnswer =>
  program.evidence.answer(about),
)

export class Evidence {
  readonly #texts: readonly EvidenceText[]
  /** Without tests. */
  readonly #sources: readonly Source[]
  readonly #isFleet: boolean | undefined
  readonly #services: Services | undefined
  readonly #ask: (about: string) => WitnessAnswer
  /** What is near is asked of every module: where a file belongs, and what it says, is found out once. */
  readonly #modules = new Map<string, string>()
  readonly #matches = new Map<string, Matches>()

  constructor(
    sources: readonly Source[],
    texts: readonly EvidenceText[],
    options: {
      readonly isFleet?: boolean | undefined
      readonly services?: Services | undefined
      /** Asks the program for a witness; without it every question is answered anew. */
      readonly ask?: (about: string) => WitnessAnswer
    } = {},
  ) {
    this.#ask = options.ask ?? ((about) => this.answer(about))
    this.#sources = sources.filter((source) => !source.isTest)
    this.#texts = [...texts].sort((a, b) => (a.path < b.path ? -1 : 1))
    this.#isFleet = options.isFleet
    this.#services = options.services
  }

  /** Where it is said that several instances of this file's service run; null where nothing says so. */
  fleet(path: string): Witness | null {
    if (this.#isFleet === false) return null
    if (this.#isFleet) return { path, line: 1, text: "the configuration says fleet: true" }
    return this.find(path, REPLICAS, "texts", "replicas")
  }

  /**
   * The first place that matches an expression, in the file's own module before the whole repository.
   * @param where - configuration and documents (`texts`), source files outside tests (`sources`), or both
   * @param key - names the question, so that it is asked once per module
   * @param within - `module` asks only the file's own module
   */
  find(
    path: string,
    pattern: RegExp,
    where: "texts" | "sources" | "everywhere",
    key: string,
    within: "module" | "repository" = "repository",
  ): Witness | null {
    const module = moduleOf(path, this.#services)
    const { source, flags } = pattern
    const about: Asked = [key, module, where, within, source, flags]
    const found = this.#ask(JSON.stringify(about))
    return found && { path: found[0], line: found[1], text: found[2] }
  }

  /** The texts whose path ends so, in the order of paths; for answers to questions, which are compared as a whole. */
  textsNamed(end: string): string[] {
    return this.#texts.filter(({ path }) => path.endsWith(end)).map(({ text }) => text)
  }

  /** The answer to `find`, as plain data. */
  answer(about: string): WitnessAnswer {
    const [, module, where, within, source, flags] = JSON.parse(about) as Asked
    const key = `${flags}/${source}`
    let matches = this.#matches.get(key)
    if (!matches) this.#matches.set(key, (matches = new Matches({ source, flags })))
    const all = this.#candidates(where)
    const near = all.filter(({ path }) => this.#moduleOf(path) === module)
    return matches.firstOf(near) ?? (within === "repository" ? matches.firstOf(all) : null)
  }

  #moduleOf(path: string): string {
    let module = this.#modules.get(path)
    if (module === undefined) this.#modules.set(path, (module = moduleOf(path, this.#services)))
    return module
  }

  #candidates(where: "texts" | "sources" | "everywhere"): readonly EvidenceText[] {
    if (where === "texts") return this.#texts
    return where === "sources" ? this.#sources : [...this.#texts, ...this.#sources]
  }
}

/** The folder of the service or package that a path belongs to; "" is the repository itself. */
export function moduleOf(path: string, services?: Services): string {
  const folders = path.split("/").slice(0, -1)
  if (services) {
    for (let i = 1; i <= folders.length; i++) {
      const folder = folders.slice(0, i).join("/")
      if (services.has(folder)) return folder
    }
  }
  for (let i = 0; i < folders.length - 1 && i < 3; i++) {
    if (MODULE_PARENTS.test(folders[i]!)) return folders.slice(0, i + 2).join("/")
  }
  return ""
}

const SOURCE = /\.(?:go|py|[cm]?[jt]sx?|java|kt|kts)$/
/** A line that is nothing but a comment: what it says is not what runs. */
const COMMENT = /^\s*(?:\/\/|\/?\*|#(?!\s*pragma))/

/** What one expression finds in each text that was asked. */
class Matches {
  readonly #pattern: RegExp
  readonly #found = new Map<EvidenceText, WitnessAnswer>()

  constructor({ source, flags }: { readonly source: string; readonly flags: string }) {
    // No answer may hang on the one before.
    this.#pattern = new RegExp(source, `${flags.replace(/[gy]/g, "")}g`)
  }

  firstOf(texts: readonly EvidenceText[]): WitnessAnswer {
    for (const one of texts) {
      let found = this.#found.get(one)
      if (found === undefined) this.#found.set(one, (found = matchIn(one, this.#pattern)))
      if (found) return found
    }
    return null
  }
}

function matchIn({ path, text }: EvidenceText, pattern: RegExp): WitnessAnswer {
  for (const match of text.matchAll(pattern)) {
    const end = text.indexOf("\n", match.index)
    const shown = text.slice(text.lastIndexOf("\n", match.index) + 1, end < 0 ? undefined : end)
    if (COMMENT.test(shown) && (SOURCE.test(path) || /\.ya?ml$/.test(path))) continue
    const line = text.slice(0, match.index).split("\n").length
    return [path, line, shown.trim().slice(0, 200)]
  }
  return null
}
