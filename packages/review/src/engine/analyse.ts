/** From texts to sources: asks the cache, reads what it does not know, and keeps it for the next run. */
import type { Worker } from "node:worker_threads"
import type { Source } from "../analysis/program/program.ts"
import type { Summary } from "../analysis/program/summary.ts"
import type { Notice } from "../findings/finding.ts"
import { isTestPath } from "../files/testPath.ts"
import type { TextFile } from "../files/tree.ts"
import { kindOf } from "../frontends/parse.ts"
import type { SourceUnit } from "../ir/nodes.ts"
import { cacheKey, type Cache } from "./cache.ts"
import { decodeUnit } from "./codec.ts"
import { PatternNumbers, Sieve, type PatternSource } from "./patterns.ts"
import { readInThreads } from "./pool.ts"
import { readRecord, type FileFailure, type FileJob, type FileRecord } from "./record.ts"
import type { Stop } from "./stop.ts"

/** Fewer characters than this are read faster than threads start. */
const INLINE_LENGTH = 400_000

/** A source with what the sieve said of it. */
export interface SievedSource extends Source {
  /** Names its path and text. */
  readonly key: string
  /** What was read of it; null when it could not be. */
  readonly record: FileRecord | null
  /** Whether its text matches an expression that was asked. */
  isMatchedBy(pattern: PatternSource): boolean
}

export interface AnalyseOptions {
  readonly cache: Cache
  readonly threads: number
  readonly stop: Stop
  /** Where threads go when all is read. */
  readonly spare?: Worker[] | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

interface Item {
  readonly file: TextFile
  readonly key: string
}

/**
 * Reads texts and gives the sources of each list of files. Lists may share files: one text under one path is read once,
 * and is one source.
 * @throws the stop's signal's reason
 */
export async function analyse(
  lists: readonly (readonly TextFile[])[],
  options: AnalyseOptions,
): Promise<{ sources: SievedSource[][]; notices: Notice[] }> {
  const sieve = new Sieve(options.cache.patterns)
  // What did not change between two trees is one object, and its text is not hashed again.
  const keys = new Map<TextFile, Item>()
  const keyed = lists.map((list) =>
    list.map((file) => {
      let item = keys.get(file)
      if (!item) keys.set(file, (item = { file, key: cacheKey(file.path, file.text) }))
      return item
    }),
  )
  const items = new Map(keyed.flat().map((item) => [item.key, item]))
  const records = new Map<string, FileRecord | FileFailure>()
  const missing: Item[] = []
  for (const item of items.values()) {
    const known = recall(item, sieve, options.cache)
    if (known) records.set(item.key, known)
    else missing.push(item)
  }
  await read(missing, sieve, records, options)
  const numbers = new PatternNumbers(sieve.patterns)
  const made = new Map<string, SievedSource>()
  for (const { file, key } of items.values()) {
    made.set(key, sourceOf({ file, key }, recordOf(records.get(key)), numbers))
  }
  const notices = missing.flatMap(({ file, key }) => noticesOf(file.path, records.get(key)))
  return {
    sources: keyed.map((list) => list.map(({ key }) => made.get(key)!)),
    notices: notices.sort((a, b) => (a.path! < b.path! ? -1 : 1)),
  }
}

/** A record of the cache, asked what it was not asked before; null when its text has to be read again. */
function recall({ file, key }: Item, sieve: Sieve, cache: Cache): FileRecord | null {
  const entry = cache.find(key)
  if (!entry) return null
  const { record, asked } = entry
  if (asked === sieve.patterns.length) return record
  const matches = [...record.matches, ...sieve.matches(file.text, asked)]
  if (record.unit === null && matches.length > 0) return null
  const grown = { ...record, matches }
  cache.keep(key, grown)
  return grown
}

async function read(
  items: readonly Item[],
  sieve: Sieve,
  records: Map<string, FileRecord | FileFailure>,
  { cache, threads, stop, spare, onProgress }: AnalyseOptions,
): Promise<void> {
  let done = 0
  const take = (index: number, result: FileRecord | FileFailure): void => {
    const { key } = items[index]!
    records.set(key, result)
    if (!("failure" in result)) cache.keep(key, result)
    onProgress?.(++done, items.length)
  }
  const jobs = items.map(({ file: { path, text } }): FileJob => ({ path, text }))
  const length = jobs.reduce((sum, { text }) => sum + text.length, 0)
  let left: readonly number[] = jobs.map((_, index) => index)
  if (threads > 1 && jobs.length > 1 && length > INLINE_LENGTH) {
    left = await readInThreads(jobs, {
      threads,
      patterns: sieve.patterns,
      signal: stop.signal,
      spare,
      onResult: take,
      goesOn: () => stop.goesOn(),
    })
  }
  for (const index of left) {
    if (!(await stop.goesOn())) return
    take(index, await readRecord(jobs[index]!, sieve))
  }
}

function noticesOf(path: string, record: FileRecord | FileFailure | undefined): Notice[] {
  if (!record || !("failure" in record)) return []
  return [{ code: "file-not-understood", message: `was passed over: ${record.failure}`, path }]
}

function recordOf(record: FileRecord | FileFailure | undefined): FileRecord | null {
  return record && !("failure" in record) ? record : null
}

/**
 * A source of what was read.
 * @param known - null for a text that could not be read
 * @param numbers - of the expressions that its matches are numbers of
 */
export function sourceOf(
  { file, key }: { file: Pick<TextFile, "path" | "text">; key: string },
  known: FileRecord | null,
  numbers: PatternNumbers,
): SievedSource {
  const { path } = file
  const { language } = kindOf(path)!
  const matches = new Set(known?.matches)
  // Who indexes a program reads it once, and hardly anybody reads it again: it may go when memory is needed.
  let summary: WeakRef<Summary> | null = null
  return {
    path,
    // A text that could not be read this time is another one than the same text understood.
    key: known || key.endsWith("!") ? key : `${key}!`,
    record: known,
    language,
    get text() {
      return file.text
    },
    isTest: isTestPath(path, language),
    get summary(): Summary {
      const kept = summary?.deref()
      if (kept) return kept
      const json = known?.summary
      const read = json ? (JSON.parse(json) as Summary) : EMPTY_SUMMARY
      summary = new WeakRef(read)
      return read
    },
    load: () => {
      const unit = known?.unit
      return unit ? decodeUnit(unit) : emptyUnit(language)
    },
    isMatchedBy: (pattern) => matches.has(numbers.of(pattern)),
  }
}

const EMPTY_SUMMARY: Summary = {
  package: null,
  imports: [],
  functions: [],
  classes: [],
  calls: [],
  errors: 0,
}

function emptyUnit(language: SourceUnit["language"]): SourceUnit {
  return { language, package: null, imports: [], body: [], comments: [], errors: 0 }
}
