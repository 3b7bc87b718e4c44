/**
 * The review of a repository: discover, read, sieve, parse, look up, check, compare. The result hangs on the bytes of
 * the files alone, whatever their order on disk and the number of threads.
 */
import { availableParallelism } from "node:os"
import type { Worker } from "node:worker_threads"
import type { Services } from "../analysis/program/evidence.ts"
import type { KnownNames } from "../analysis/program/known.ts"
import type { Program } from "../analysis/program/program.ts"
import type { Finding, Notice, Report } from "../findings/finding.ts"
import type { Changes } from "../files/changes.ts"
import type { LoadOptions } from "../files/tree.ts"
import { pathInRoot, realRoot, workTree } from "../files/workTree.ts"
import type { SourceUnit } from "../ir/nodes.ts"
import type { Rule } from "../rules/rule.ts"
import { rules as allRules } from "../rules/rules.ts"
import { analyse, type SievedSource } from "./analyse.ts"
import { Cache } from "./cache.ts"
import { check, type Checked } from "./check.ts"
import { checkInThreads } from "./checkPool.ts"
import { filesOfTask } from "./checkTask.ts"
import { monotonicMs } from "./clock.ts"
import { compareFindingsOf, findRenames, type Compared } from "./compare.ts"
import { EVIDENCE_WORDS, patternOf } from "./patterns.ts"
import { Mentions } from "./mentions.ts"
import { Kept } from "./kept.ts"
import { remembered, settingsKey } from "./remembered.ts"
import { Side } from "./side.ts"
import { Stop } from "./stop.ts"
import { TightHeap } from "./tightHeap.ts"
import { isWanted } from "./wanted.ts"

const MAX_THREADS = 4
/** Fewer characters than this are checked faster than they are told to threads. */
const THREADS_LENGTH = 1_000_000
/**
 * With fewer, this thread checks alone. Two were no faster and took a quarter more memory: what the second core gives,
 * the compiler and the collector of one thread take, and each of two compiles all rules and makes most trees for itself.
 */
const CHECKING_THREADS = 3
/**
 * Trees with more characters than this are checked by this thread alone. Nearly every file of a large tree leads to
 * nearly all others: a second thread has all their trees once more and gains next to nothing.
 */
const ALONE_LENGTH = 10_000_000

/** What a review is doing. `total` is 0 where it is not known. */
export interface Progress {
  readonly step: "listing" | "reading" | "checking"
  readonly done: number
  readonly total: number
}

export interface ReviewOptions {
  /** The folder that is the repository: everything in it is evidence, nothing outside is read. */
  readonly root: string
  /** Files and folders, absolute or relative to the root, whose findings are asked for; everything by default. */
  readonly paths?: readonly string[] | undefined
  /** Threads that read files; default: one for each core, at most 4. */
  readonly threads?: number | undefined
  /** Where records are kept between runs; default: the person's cache folder; null: nowhere. */
  readonly cacheDir?: string | null | undefined
  /** Default: all. */
  readonly rules?: readonly Rule[] | undefined
  /** Reports what is new in the head against the base, instead of everything. */
  readonly changes?: Changes | undefined
  /** Whether several instances run; found out from the evidence when it is not given. */
  readonly isFleet?: boolean | undefined
  /** Functions of the repository's own of which the configuration says what they do. */
  readonly known?: KnownNames | undefined
  /** Folders that are services of their own: evidence of one does not clear another. */
  readonly services?: Services | undefined
  /** Paths of which findings are not asked for, such as those that a configuration excludes. */
  readonly isExcluded?: ((path: string) => boolean) | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly signal?: AbortSignal | undefined
  /** After this time the report holds what was found so far, and a notice says so. */
  readonly deadlineMs?: number | undefined
}

/** A report with what its readers look up. */
export interface Review extends Report {
  /** With `changes`: what the base had and the head has no more, at its places in the base. */
  readonly fixed: readonly Finding[]
  /** With `changes`: what both have, at its places in the head. */
  readonly existing: readonly Finding[]
  /** Source files of which findings were asked for, sorted. */
  readonly paths: readonly string[]
  /** The text that a finding's lines and offsets count in; null for what was not read. */
  textOf(path: string): string | null
  /** The tree of a source file; null for what is none. */
  unitOf(path: string): SourceUnit | null
  /** The program of the head, to look further. */
  readonly program: Program
}

/**
 * Reviews a repository.
 * @throws InputError when the root, a path or a revision cannot be read; the signal's reason when it is called off
 */
export async function review(options: ReviewOptions): Promise<Review> {
  const startMono = monotonicMs()
  const root = realRoot(options.root)
  const run = new Run(root, options)
  const heap = new TightHeap()
  try {
    const { sides, notices } = await loadTrees(root, run.scope.named, options)
    if (lengthOf(sides.head.files) <= ALONE_LENGTH) heap.loosen()
    const { head, base } = await run.read(sides)
    const checked = await run.check(head, NO_RENAMES)
    const compared = base ? await run.compare(base, head, checked) : null
    run.save([head, base])
    const late = run.stop.isLate ? [lateNotice(options.deadlineMs)] : []
    const paths = head.files.map(({ path }) => path).filter((path) => run.scope.has(path))
    return {
      findings: compared?.introduced ?? checked.findings,
      fixed: compared?.fixed ?? [],
      existing: compared?.existing ?? [],
      suppressed: [],
      notices: sortedNotices([
        ...notices,
        ...run.notices,
        ...run.cache.notices,
        ...checked.notices,
        ...late,
      ]),
      files: paths.length,
      ms: Math.round(monotonicMs() - startMono),
      paths,
      textOf: (path) => head.texts.get(path)?.text ?? null,
      unitOf: (path) => head.sources.find((source) => source.path === path)?.load() ?? null,
      get program(): Program {
        return head.program
      },
    }
  } finally {
    // What was read stays known also when the rest was called off.
    run.cache.save()
    await run.close()
    heap.loosen()
  }
}

const NO_RENAMES: ReadonlyMap<string, string> = new Map()

/** What the steps of one review share. */
class Run {
  readonly stop: Stop
  readonly scope: Scope
  readonly cache: Cache
  readonly notices: Notice[] = []
  readonly #options: ReviewOptions
  readonly #rules: readonly Rule[]
  /** Read when something has to be checked: a tree that was seen before needs none of it. */
  #kept: Kept | null = null
  /** Threads that have read and can check. */
  readonly #spare: Worker[] = []

  constructor(root: string, options: ReviewOptions) {
    this.#options = options
    this.#rules = options.rules ?? allRules
    this.stop = new Stop(options)
    this.scope = readScope(root, options)
    const patterns = [EVIDENCE_WORDS, ...this.#rules.map((rule) => patternOf(rule.mentions))]
    this.cache = new Cache({ root, cacheDir: options.cacheDir, patterns })
  }

  async read(sides: Sides): Promise<Sides> {
    const { onProgress } = this.#options
    const { head, base } = sides
    const { sources, notices } = await analyse([head.files, base?.files ?? []], {
      cache: this.cache,
      threads: this.#threads,
      spare: this.#spare,
      stop: this.stop,
      onProgress: (done, total) => onProgress?.({ step: "reading", done, total }),
    })
    this.notices.push(...notices)
    head.sources = sources[0]!
    if (base) {
      base.sources = sources[1]!
      base.mentions = head.mentions = new Mentions(head.sources, base.sources)
    }
    return sides
  }

  async check(side: Side, renames: ReadonlyMap<string, string>): Promise<Checked> {
    const namedAs = (path: string): string => renames.get(path) ?? path
    const isReviewed = (path: string): boolean => this.scope.has(namedAs(path))
    const inputs = {
      sourceKeys: side.sources.map(({ key }) => key),
      evidence: side.evidence,
      rules: this.#rules,
      isFleet: side.isFleet,
      known: side.known,
      services: side.services,
      reviewed: side.files
        .filter(({ path }) => isReviewed(path))
        .map(({ path }) => [path, namedAs(path)] as const),
    }
    return remembered(this.cache, inputs, async () => {
      const kept = (this.#kept ??= new Kept(
        this.cache,
        settingsKey({ ...this.#options, rules: this.#rules }),
      ))
      side.mentions?.expect(kept.words())
      const checked = await check({
        get program() {
          return side.program
        },
        sources: side.sources,
        rules: this.#rules,
        stop: this.stop,
        isReviewed,
        namedAs,
        kept,
        ahead: (sources) => this.#ahead(side, kept, sources, namedAs),
        onProgress: (done, total) => this.#options.onProgress?.({ step: "checking", done, total }),
      })
      return { checked, isWhole: !this.stop.isLate }
    })
  }

  save(sides: readonly (Side | null)[]): void {
    const paths = sides.flatMap((side) => side?.sources.map(({ path }) => path) ?? [])
    this.#kept?.save(new Set(paths))
    this.cache.save()
  }

  /** Has threads check what nothing is known of, where it is enough to be worth it. */
  async #ahead(
    side: Side,
    kept: Kept,
    sources: readonly SievedSource[],
    namedAs: (path: string) => string,
  ): Promise<ReadonlyMap<string, Checked>> {
    const ready = new Map<string, Checked>()
    const unknown = sources.filter(
      (source) => !kept.knows(source) || !kept.find(side.program, source, namedAs(source.path)),
    )
    const length = lengthOf(unknown)
    const isOwn = this.#rules.some((rule) => !allRules.includes(rule))
    if (length < THREADS_LENGTH || isOwn) return ready
    if (this.#threads < CHECKING_THREADS || lengthOf(side.sources) > ALONE_LENGTH) {
      // What the parsers of the others took they give back only when they end.
      await this.close()
      return ready
    }
    const task = {
      ...filesOfTask(side.sources, side.evidence),
      patterns: this.cache.patterns,
      rules: this.#rules.map(({ id }) => id),
      isFleet: side.isFleet,
      known: side.known,
      services: side.services?.patterns,
    }
    const files = unknown.map(({ path }) => [path, namedAs(path)] as const)
    await checkInThreads(task, files, {
      threads: this.#threads,
      spare: this.#spare,
      signal: this.stop.signal,
      goesOn: () => this.stop.goesOn(),
      onChecked: (path, checked) => {
        ready.set(path, checked)
        this.#options.onProgress?.({ step: "checking", done: ready.size, total: sources.length })
      },
      onStored: (stored) => kept.merge(stored),
    })
    return ready
  }

  /** Ends the threads that nobody needs any more. */
  async close(): Promise<void> {
    await Promise.all(this.#spare.splice(0).map((worker) => worker.terminate()))
  }

  get #threads(): number {
    return this.#options.threads ?? Math.min(availableParallelism(), MAX_THREADS)
  }

  async compare(base: Side, head: Side, { findings }: Checked): Promise<Compared> {
    const renames = findRenames(base.files, head.files)
    const before = await this.check(base, renames)
    const baseSide = { findings: before.findings, files: base.files }
    return compareFindingsOf(baseSide, { findings, files: head.files }, renames)
  }
}

function lengthOf(texts: readonly { readonly text: string }[]): number {
  return texts.reduce((sum, { text }) => sum + text.length, 0)
}

interface Sides {
  readonly head: Side
  readonly base: Side | null
}

async function loadTrees(
  root: string,
  named: readonly string[],
  options: ReviewOptions,
): Promise<{ sides: Sides; notices: readonly Notice[] }> {
  options.onProgress?.({ step: "listing", done: 0, total: 0 })
  const { changes, signal } = options
  const load: LoadOptions = { wants: isWanted, named, signal }
  if (!changes) {
    const { files, notices } = await workTree(root).load(load)
    return { sides: { head: new Side(files, options), base: null }, notices }
  }
  const compared = { ...load, blobs: true, ownOnly: true }
  const loading = changes.head.load(compared)
  // What did not change is one text in both trees, read once.
  const known = loading.then(
    ({ files }) =>
      new Map(files.flatMap((file) => (file.blob === null ? [] : [[file.blob, file] as const]))),
  )
  // Who does not get to ask for it does not hear of it; the load itself is awaited.
  known.catch(() => undefined)
  const [head, base] = await Promise.all([loading, changes.base.load({ ...compared, known })])
  const sides = { head: new Side(head.files, options), base: new Side(base.files, options) }
  return { sides, notices: head.notices }
}

interface Scope {
  /** Files that were named one by one. */
  readonly named: readonly string[]
  has(path: string): boolean
}

function readScope(root: string, { paths, changes, isExcluded }: ReviewOptions): Scope {
  const isAsked = (path: string): boolean => !(isExcluded?.(path) ?? false)
  if (!paths || paths.length === 0) return { named: [], has: isAsked }
  // A file that is compared may be gone from the disk, so that only its name can be looked at.
  const inside = paths.map((path) =>
    changes ? path.replace(/^\.\//, "").replace(/\/$/, "") : pathInRoot(root, path),
  )
  const named = inside.filter(isWanted)
  const isNamed = new Set(named)
  const folders = inside.map((path) => (path === "" || path === "." ? "" : `${path}/`))
  return {
    named,
    has: (path) =>
      isAsked(path) && (isNamed.has(path) || folders.some((folder) => path.startsWith(folder))),
  }
}

function lateNotice(deadlineMs: number | undefined): Notice {
  const message = `time was up after ${deadlineMs} ms; what follows is what was found until then`
  return { code: "deadline", message }
}

/** In one order, whatever the threads did first. */
function sortedNotices(notices: readonly Notice[]): Notice[] {
  const key = ({ code, path = "", message }: Notice): string => `${code}\n${path}\n${message}`
  return [...notices].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}
