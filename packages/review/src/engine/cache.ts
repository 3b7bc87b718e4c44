/**
 * Keeps what was read of each text from one run to the next. It lies in the person's own cache folder, never in the
 * repository that is reviewed: whoever could write it could hide a finding.
 */
import { createHash } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { homedir } from "node:os"
import { isAbsolute, join, relative, resolve } from "node:path"
import type { Notice } from "../findings/finding.ts"
import { readRegular } from "../files/openRegular.ts"
import { decodePack, writePack, type CacheEntry, type Pack } from "./cacheFile.ts"
import { patternKey, type PatternSource } from "./patterns.ts"
import type { FileRecord } from "./record.ts"

const MAX_CACHE_BYTES = 512 * 1024 * 1024
/** What nobody needed for this many runs is forgotten. */
const MAX_AGE = 30
/** A table of expressions that grew beyond this is begun anew. */
const MAX_PATTERNS = 400
/** Checks of whole trees that are remembered: branches that a person goes back and forth between. */
const MAX_RESULTS = 8
/** The result that is of single files and not of a tree. */
export const FILES_KEY = "files"
/** The folders whose code decides what a record or a check says. */
const ANALYSER_FOLDERS = ["ir", "findings", "files", "frontends", "analysis", "rules", "engine"]

/** Where caches lie unless somebody says otherwise; null where the system has no place for them. */
export function defaultCacheDir(env: NodeJS.ProcessEnv = process.env): string | null {
  const named = env["XDG_CACHE_HOME"]
  if (named !== undefined && isAbsolute(named)) return join(named, "drover-review")
  if (process.platform === "win32") {
    const local = env["LOCALAPPDATA"]
    return local === undefined ? null : join(local, "drover-review", "cache")
  }
  const home = env["HOME"] ?? homedir()
  if (!isAbsolute(home)) return null
  const folder = process.platform === "darwin" ? "Library/Caches" : ".cache"
  return join(home, folder, "drover-review")
}

export interface CacheOptions {
  /** The real path of the root: each root has a file of its own. */
  readonly root: string
  /** The folder that a person named; undefined for the default one, null for none. */
  readonly cacheDir?: string | null | undefined
  readonly patterns: readonly PatternSource[]
  /** Instead of the hash of this program's own files; for tests. */
  readonly version?: string
}

export class Cache {
  /** The pack's expressions with those of this run behind them. */
  readonly patterns: readonly PatternSource[]
  readonly notices: Notice[] = []
  readonly #file: string | null
  readonly #version: string
  readonly #entries = new Map<string, CacheEntry>()
  readonly #used = new Set<string>()
  readonly #results = new Map<string, Uint8Array>()
  #isChanged = false

  constructor(options: CacheOptions) {
    this.#file = this.#place(options)
    this.#version = this.#file === null ? "" : (options.version ?? analyserVersion())
    const pack = this.#file === null ? null : this.#read(this.#file)
    const known = pack?.patterns ?? []
    const keys = new Set(known.map(patternKey))
    const added = options.patterns.filter((pattern) => !keys.has(patternKey(pattern)))
    if (pack && known.length + added.length <= MAX_PATTERNS) {
      this.patterns = [...known, ...added]
      for (const [key, entry] of pack.entries) this.#entries.set(key, entry)
      for (const [key, result] of pack.results) this.#results.set(key, result)
      if (added.length > 0) this.#isChanged = true
    } else this.patterns = options.patterns
  }

  /** What is known of a text, with how many of the patterns it was asked. */
  find(key: string): CacheEntry | null {
    const entry = this.#entries.get(key)
    if (!entry) return null
    this.#used.add(key)
    return entry
  }

  /** Keeps a record that was asked all patterns. */
  keep(key: string, record: FileRecord): void {
    this.#entries.set(key, { record, asked: this.patterns.length, age: 0 })
    this.#used.add(key)
    this.#isChanged = true
  }

  /** What a check found whose inputs had this key, as JSON. */
  findResult(key: string): string | null {
    const result = this.#results.get(key)
    return result === undefined ? null : Buffer.from(result).toString("utf8")
  }

  keepResult(key: string, json: string): void {
    if (this.#file === null) return
    this.#results.delete(key)
    this.#results.set(key, Buffer.from(json, "utf8"))
    const trees = [...this.#results.keys()].filter((one) => one !== FILES_KEY)
    for (const old of trees.slice(0, -MAX_RESULTS)) this.#results.delete(old)
    this.#isChanged = true
  }

  /** Whether anything is kept at all. */
  get isKept(): boolean {
    return this.#file !== null
  }

  /** Writes what changed, at once and whole: another run sees the old file or the new one. */
  save(): void {
    if (this.#file === null || !this.#isChanged) return
    this.#isChanged = false
    const temporary = `${this.#file}.${process.pid}`
    try {
      const entries = [...this.#entries]
        .map(([key, entry]): [string, CacheEntry] => [
          key,
          { ...entry, age: this.#used.has(key) ? 0 : entry.age + 1 },
        ])
        .filter(([, { age }]) => age <= MAX_AGE)
        .sort(([a], [b]) => (a < b ? -1 : 1))
      const pack = {
        version: this.#version,
        patterns: this.patterns,
        entries: new Map(entries),
        results: this.#results,
      }
      if (writePack(temporary, pack, MAX_CACHE_BYTES)) renameSync(temporary, this.#file)
    } catch (error) {
      rmSync(temporary, { force: true })
      this.#note("cache-not-written", `the cache was not written: ${(error as Error).message}`)
    }
  }

  #place({ root, cacheDir }: CacheOptions): string | null {
    if (cacheDir === null) return null
    const folder = cacheDir === undefined ? defaultCacheDir() : resolve(cacheDir)
    if (folder === null) return null
    if (cacheDir === undefined && isInside(root, folder)) {
      this.#note(
        "cache-inside-root",
        `${folder} lies in what is reviewed and was not used as a cache`,
      )
      return null
    }
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
    } catch (error) {
      this.#note("cache-not-written", `${folder} cannot be made: ${(error as Error).message}`)
      return null
    }
    return join(folder, `${createHash("sha256").update(root).digest("hex").slice(0, 24)}.pack`)
  }

  #read(file: string): Pack | null {
    const read = readRegular(file, MAX_CACHE_BYTES)
    if (read.kind === "unreadable" && read.reason === "ENOENT") return null
    let pack: Pack | null = null
    try {
      if (read.kind === "bytes") pack = decodePack(read.bytes)
    } catch {
      // Told below: whatever is wrong with it, it is no cache.
    }
    if (pack === null) this.#note("cache-ignored", `${file} is damaged or no cache of this program`)
    // Another version's records are no fault, and of no use.
    return pack?.version === this.#version ? pack : null
  }

  #note(code: string, message: string): void {
    this.notices.push({ code, message })
  }
}

/** The key of a text: its path decides its language, and whether it is a test. */
export function cacheKey(path: string, text: string): string {
  const hash = createHash("sha256").update(path).update("\0").update(text, "utf8")
  return hash.digest("hex").slice(0, 40)
}

function isInside(root: string, folder: string): boolean {
  const way = relative(root, folder)
  return way === "" || (!way.startsWith("..") && !isAbsolute(way))
}

/** The hash of the code that reads texts, so that no record outlives a change of it, also while it is written. */
function analyserVersion(): string {
  const hash = createHash("sha256")
  const source = join(import.meta.dirname, "..")
  const isSource = import.meta.url.endsWith(".ts")
  // What is built is joined, so that nothing of it can be told apart.
  for (const folder of isSource ? ANALYSER_FOLDERS : ["."]) {
    const names = readdirSync(join(source, folder), { recursive: true, encoding: "utf8" }).sort()
    for (const name of names) {
      const isCode = (isSource ? /^(?!.*\.(?:test|fixture)\.).*\.ts$/ : /\.js$/).test(name)
      if (isCode) hash.update(name).update(readFileSync(join(source, folder, name)))
    }
  }
  return hash.digest("hex")
}
