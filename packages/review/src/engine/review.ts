/**
 * The review of a repository: discover, read, sieve, parse, look up, check, compare. The result hangs on the bytes of
 * the files alone, whatever their order on disk and the number of threads.
 */
import { availableParallelism } from "node:os"
import { Program } from "../analysis/program.ts"
import type { Finding, Notice, Report } from "../findings/finding.ts"
import type { Changes } from "../files/changes.ts"
import type { Loaded, LoadOptions, TextFile } from "../files/tree.ts"
import { pathInRoot, realRoot, workTree } from "../files/workTree.ts"
import type { SourceUnit } from "../ir/nodes.ts"
import type { Rule } from "../rules/rule.ts"
import { rules as allRules } from "../rules/rules.ts"
import { analyse, type SievedSource } from "./analyse.ts"
import { Cache } from "./cache.ts"
import { check, type Checked } from "./check.ts"
import { monotonicMs } from "./clock.ts"
import { compareFindingsOf, findRenames } from "./compare.ts"
import { EVIDENCE_WORDS, patternOf } from "./patterns.ts"
import { Stop } from "./stop.ts"
import { isEvidence, isSourcePath, isWanted } from "./wanted.ts"

const MAX_THREADS = 4

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
  const stop = new Stop(options)
  const scope = readScope(root, options)
  const trees = await loadTrees(root, scope.named, options)
  const rules = options.rules ?? allRules
  const patterns = [EVIDENCE_WORDS, ...rules.map((rule) => patternOf(rule.mentions))]
  const cache = new Cache({ root, cacheDir: options.cacheDir, patterns })
  const lists = [trees.head, trees.base].map((tree) =>
    (tree?.files ?? []).filter(({ path }) => isSourcePath(path)),
  )
  const { sources, notices: readNotices } = await analyse(lists, {
    cache,
    threads: options.threads ?? Math.min(availableParallelism(), MAX_THREADS),
    stop,
    onProgress: (done, total) => options.onProgress?.({ step: "reading", done, total }),
  })
  cache.save()
  const head = programOf(sources[0]!, trees.head, options)
  const checkSide = (
    side: Side,
    tree: SievedSource[],
    renames?: ReadonlyMap<string, string>,
  ): Promise<Checked> =>
    check({
      program: side.program,
      sources: tree,
      rules,
      stop,
      isReviewed: (path) => scope.has(renames?.get(path) ?? path),
      namedAs: (path) => renames?.get(path) ?? path,
      onProgress: (done, total) => options.onProgress?.({ step: "checking", done, total }),
    })
  const checked = await checkSide(head, sources[0]!)
  const notices = [...trees.head.notices, ...cache.notices, ...readNotices, ...checked.notices]
  let compared = {
    introduced: checked.findings,
    fixed: [] as readonly Finding[],
    existing: [] as readonly Finding[],
  }
  if (trees.base) {
    const renames = findRenames(lists[1]!, lists[0]!)
    const before = await checkSide(
      programOf(sources[1]!, trees.base, options),
      sources[1]!,
      renames,
    )
    const base = { findings: before.findings, files: lists[1]! }
    compared = compareFindingsOf(base, { findings: checked.findings, files: lists[0]! }, renames)
  }
  if (stop.isLate) notices.push(lateNotice(options.deadlineMs))
  const paths = sources[0]!.map(({ path }) => path).filter((path) => scope.has(path))
  return {
    findings: compared.introduced,
    fixed: compared.fixed,
    existing: compared.existing,
    suppressed: [],
    notices: sortedNotices(notices),
    files: paths.length,
    ms: Math.round(monotonicMs() - startMono),
    paths,
    textOf: (path) => head.texts.get(path)?.text ?? null,
    unitOf: (path) => head.program.source(path)?.load() ?? null,
    program: head.program,
  }
}

interface Side {
  readonly program: Program
  readonly texts: ReadonlyMap<string, TextFile>
}

function programOf(sources: readonly SievedSource[], tree: Loaded, options: ReviewOptions): Side {
  const evidence = tree.files.filter(({ path, text }) => isEvidence(path, text))
  const program = new Program({
    sources,
    evidence,
    ...(options.isFleet === undefined ? {} : { isFleet: options.isFleet }),
  })
  return { program, texts: new Map(tree.files.map((file) => [file.path, file])) }
}

async function loadTrees(
  root: string,
  named: readonly string[],
  options: ReviewOptions,
): Promise<{ head: Loaded; base: Loaded | null }> {
  options.onProgress?.({ step: "listing", done: 0, total: 0 })
  const { changes, signal } = options
  const load: LoadOptions = { wants: isWanted, named, signal }
  if (!changes) return { head: await workTree(root).load(load), base: null }
  const compared = { ...load, blobs: true, ownOnly: true }
  const head = await changes.head.load(compared)
  // What did not change is one text in both trees, read once.
  const known = new Map(
    head.files.flatMap((file) => (file.blob === null ? [] : [[file.blob, file] as const])),
  )
  return { head, base: await changes.base.load({ ...compared, known }) }
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
