import { parseSync, type Comment, type ParseResult, type Program } from "oxc-parser"
import { sourceImports, type SourceImport } from "./sourceImports.ts"

/** The text files of a repository by path, each parsed at most once. */
export class Repository {
  readonly files: readonly SourceFile[]
  readonly #byPath: ReadonlyMap<string, SourceFile>
  /** Every path there is, also those of files that hold no text. */
  readonly #paths: ReadonlySet<string>

  constructor(texts: ReadonlyMap<string, string>, otherPaths: readonly string[] = []) {
    this.files = [...texts].map(([path, text]) => new SourceFile(path, text))
    this.#byPath = new Map(this.files.map((file) => [file.path, file]))
    this.#paths = new Set([...texts.keys(), ...otherPaths])
  }

  get typescript(): readonly SourceFile[] {
    return this.files.filter(({ path }) => path.endsWith(".ts"))
  }

  get(path: string): SourceFile | undefined {
    return this.#byPath.get(path)
  }

  /** Whether a file or a folder has this path; the empty path is the root. */
  has(path: string): boolean {
    if (path === "" || this.#paths.has(path)) return true
    const folder = path.endsWith("/") ? path : `${path}/`
    return [...this.#paths].some((known) => known.startsWith(folder))
  }
}

export class SourceFile {
  readonly path: string
  readonly text: string
  #parsed: ParseResult | undefined
  #imports: readonly SourceImport[] | undefined
  #lineStarts: readonly number[] | undefined

  constructor(path: string, text: string) {
    this.path = path
    this.text = text
  }

  /** Whether this is a test, by its name. */
  get isTest(): boolean {
    return this.path.endsWith(".test.ts")
  }

  /** Whether only tests load this: a test, or what tests share. It never ships. */
  get isTestCode(): boolean {
    return isTestCode(this.path)
  }

  get lines(): readonly string[] {
    return this.text.replace(/\n$/, "").split("\n")
  }

  get program(): Program {
    return this.#parse().program
  }

  get comments(): readonly Comment[] {
    return this.#parse().comments
  }

  /** What this file imports, re-exports and imports dynamically. */
  get imports(): readonly SourceImport[] {
    this.#imports ??= sourceImports(this.program)
    return this.#imports
  }

  /** The 1-based line of an offset into `text`. */
  lineAt(offset: number): number {
    this.#lineStarts ??= lineStarts(this.text)
    const after = this.#lineStarts.findIndex((start) => start > offset)
    return after === -1 ? this.#lineStarts.length : after
  }

  #parse(): ParseResult {
    if (this.#parsed !== undefined) return this.#parsed
    const parsed = parseSync(this.path, this.text, { sourceType: "module", preserveParens: false })
    const [error] = parsed.errors
    if (error !== undefined) throw new Error(`${this.path} cannot be parsed: ${error.message}`)
    this.#parsed = parsed
    return parsed
  }
}

export function isTestCode(path: string): boolean {
  return /\.(?:test|fixture)\.ts$|\/fixtures\//.test(path)
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1)
  return starts
}
