/** Reads what a commit or the index holds: names and blobs, as objects. */
import { InputError } from "../inputError.ts"
import { MAX_ENTRIES } from "../limits.ts"
import { GitOutputError, runGit } from "./run.ts"

/** A file of a tree, not yet read. */
export interface GitEntry {
  /** Relative to the root of the review. */
  readonly path: string
  readonly blob: string
}

export interface GitOptions {
  readonly signal?: AbortSignal | undefined
}

const HASH = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
const REGULAR_FILE = /^100/
/** A tree that holds itself many times over has more names than a disk could. */
const MAX_LISTING_BYTES = 128 * 1024 * 1024

/**
 * The commit that a revision means.
 * @throws InputError when Git does not know it
 */
export async function resolveCommit(
  root: string,
  revision: string,
  options: GitOptions = {},
): Promise<string> {
  if (revision === "" || revision.includes("\0"))
    throw new InputError(`"${revision}" is no revision`)
  try {
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`]
    const printed = (await runGit(root, { args, ...options })).toString("utf8").trim()
    if (HASH.test(printed)) return printed
  } catch (error) {
    if (!(error instanceof InputError) || error.message.includes("started")) throw error
    const reason = error.message.replace(/^git rev-parse: ?/, "")
    if (reason !== "") throw error
  }
  throw new InputError(
    `Git knows no commit "${revision}"; in a shallow clone it may have to be fetched first`,
  )
}

/**
 * The commit at which two histories parted; null where they share none.
 * @param base - a full hash, as resolveCommit gives it
 */
export async function mergeBase(
  root: string,
  base: string,
  head: string,
  options: GitOptions = {},
): Promise<string | null> {
  try {
    const args = ["merge-base", "--end-of-options", base, head]
    const printed = (await runGit(root, { args, ...options })).toString("utf8").trim()
    return HASH.test(printed) ? printed : null
  } catch (error) {
    if (error instanceof InputError && /^git merge-base: ?$/.test(error.message)) return null
    throw error
  }
}

/**
 * The regular files of a commit below the root; links and submodules are no files.
 * @throws GitOutputError when there are too many names
 */
export async function listCommit(
  root: string,
  commit: string,
  options: GitOptions = {},
): Promise<GitEntry[]> {
  const args = ["ls-tree", "-r", "-z", "--end-of-options", commit]
  // <mode> SP <type> SP <object> TAB <path>
  return parseEntries(await list(root, args, options), ([mode, type, blob]) =>
    type === "blob" && REGULAR_FILE.test(mode ?? "") ? blob : undefined,
  )
}

/** The regular files of the index below the root, in the state in which they would be committed. */
export async function listIndex(
  root: string,
  options: GitOptions & { readonly indexFile?: string | undefined } = {},
): Promise<GitEntry[]> {
  const args = ["ls-files", "--stage", "-z"]
  // <mode> SP <object> SP <stage> TAB <path>; stages above 0 are conflicts, which have no one content.
  return parseEntries(await list(root, args, options), ([mode, blob, stage]) =>
    stage === "0" && REGULAR_FILE.test(mode ?? "") ? blob : undefined,
  )
}

async function list(root: string, args: readonly string[], options: GitOptions): Promise<string> {
  const printed = await runGit(root, { args, maxBytes: MAX_LISTING_BYTES, ...options })
  return printed.toString("utf8")
}

function parseEntries(
  listing: string,
  blobOf: (fields: readonly string[]) => string | undefined,
): GitEntry[] {
  const lines = listing.split("\0")
  if (lines.length > MAX_ENTRIES)
    throw new GitOutputError(`the tree has more than ${MAX_ENTRIES} names`)
  return lines.flatMap((line) => {
    const tab = line.indexOf("\t")
    const blob = tab < 0 ? undefined : blobOf(line.slice(0, tab).split(" "))
    return blob === undefined || !HASH.test(blob) ? [] : [{ path: line.slice(tab + 1), blob }]
  })
}

/** The sizes of blobs; what is missing or no blob is not in it. */
export async function sizesOf(
  root: string,
  blobs: readonly string[],
  options: GitOptions = {},
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  if (blobs.length === 0) return sizes
  const input = `${blobs.join("\n")}\n`
  const printed = await runGit(root, { args: ["cat-file", "--batch-check"], input, ...options })
  for (const line of printed.toString("utf8").split("\n")) {
    const [blob, type, size] = line.split(" ")
    if (blob !== undefined && type === "blob") sizes.set(blob, Number(size))
  }
  return sizes
}

/**
 * The bytes of blobs. Ask sizesOf first: everything is held in memory.
 * @param bytes - the sum of their sizes, which bounds what is read
 */
export async function readBlobs(
  root: string,
  blobs: readonly string[],
  bytes: number,
  options: GitOptions = {},
): Promise<ReadonlyMap<string, Buffer>> {
  const contents = new Map<string, Buffer>()
  if (blobs.length === 0) return contents
  const input = `${blobs.join("\n")}\n`
  const maxBytes = bytes + blobs.length * 128
  const printed = await runGit(root, { args: ["cat-file", "--batch"], input, maxBytes, ...options })
  // <object> SP <type> SP <size> LF <contents> LF, or <object> SP missing LF
  for (let at = 0; at < printed.length;) {
    const end = printed.indexOf(10, at)
    if (end < 0) break
    const [blob, type, size] = printed.toString("utf8", at, end).split(" ")
    at = end + 1
    if (blob === undefined || size === undefined) continue
    const length = Number(size)
    if (type === "blob") contents.set(blob, printed.subarray(at, at + length))
    at += length + 1
  }
  return contents
}
