/** A commit, or the index, as a tree. It has the same files as the folder on disk would: the same rules are applied. */
import { PassedOver } from "../passedOver.ts"
import { isInSkippedFolder } from "../paths.ts"
import { Budget, isLeftOut, limitsOf, textOf } from "../tree.ts"
import type { Loaded, LoadOptions, TextFile, Tree } from "../tree.ts"
import { folderOf, RULE_FILES, TreeRules } from "../treeRules.ts"
import { listCommit, listIndex, readBlobs, sizesOf, type GitEntry } from "./objects.ts"

const MAX_RULE_FILE_BYTES = 256 * 1024
const MAX_RULE_FILES = 1_000
const NOTHING: ReadonlyMap<string, TextFile> = new Map()

/** @param commit - a full hash, as resolveCommit gives it */
export function commitTree(root: string, commit: string): Tree {
  return { load: async (options) => load(root, await listCommit(root, commit, options), options) }
}

/** @param indexFile - what GIT_INDEX_FILE says in a hook of `git commit` */
export function indexTree(root: string, indexFile?: string): Tree {
  return {
    load: async (options) => {
      const entries = await listIndex(root, { signal: options.signal, indexFile })
      return load(root, entries, options)
    },
  }
}

async function load(
  root: string,
  entries: readonly GitEntry[],
  options: LoadOptions,
): Promise<Loaded> {
  const passedOver = new PassedOver()
  const rules = await readRules(root, entries, passedOver, options)
  const named = new Set(options.named)
  const wanted = entries
    .filter(({ path }) => isSafe(path) && options.wants(path))
    .filter(({ path }) => named.has(path) || !(isInSkippedFolder(path) || isLeftOut(path, rules)))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  const known = (await options.known) ?? NOTHING
  const unknown = wanted.filter(({ blob }) => !known.has(blob))
  const contents = await read(root, unknown, passedOver, options)
  const files = wanted.flatMap(({ path, blob }): TextFile[] => {
    const same = known.get(blob)
    if (same) return [same.path === path ? same : { path, text: same.text, blob }]
    const bytes = contents.get(blob)
    const text = bytes ? textOf(path, bytes, passedOver, named.has(path)) : null
    return text === null ? [] : [{ path, text, blob }]
  })
  return { files, notices: passedOver.notices() }
}

/** Reads what fits the limits. */
async function read(
  root: string,
  unknown: readonly GitEntry[],
  passedOver: PassedOver,
  options: LoadOptions,
): Promise<ReadonlyMap<string, Buffer>> {
  const sizes = await sizesOf(root, unique(unknown), options)
  const budget = new Budget(limitsOf(options), passedOver)
  const taken = unknown.filter(({ path, blob }) => {
    const size = sizes.get(blob)
    if (size !== undefined) return budget.takes(path, size)
    passedOver.add("file-unreadable", path, "is not in this clone")
    return false
  })
  const blobs = unique(taken)
  const bytes = blobs.reduce((sum, blob) => sum + sizes.get(blob)!, 0)
  return readBlobs(root, blobs, bytes, options)
}

async function readRules(
  root: string,
  entries: readonly GitEntry[],
  passedOver: PassedOver,
  options: LoadOptions,
): Promise<TreeRules> {
  const rules = new TreeRules()
  const files = entries
    .filter(({ path }) => RULE_FILES.has(nameOf(path)) && !isInSkippedFolder(path))
    .slice(0, MAX_RULE_FILES)
  const sizes = await sizesOf(root, unique(files), options)
  const readable = files.filter(({ blob }) => (sizes.get(blob) ?? Infinity) <= MAX_RULE_FILE_BYTES)
  const bytes = unique(readable).reduce((sum, blob) => sum + sizes.get(blob)!, 0)
  const contents = await readBlobs(root, unique(readable), bytes, options)
  for (const { path, blob } of files) {
    const text = contents.get(blob)?.toString("utf8")
    const isWhole = text !== undefined && rules.add(folderOf(path), nameOf(path), text)
    if (!isWhole) passedOver.add("limit-patterns", path, "has more patterns than are read")
  }
  return rules
}

function unique(entries: readonly GitEntry[]): string[] {
  return [...new Set(entries.map(({ blob }) => blob))]
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1)
}

/** A tree object may hold names that no disk would: they are never opened, and not shown either. */
function isSafe(path: string): boolean {
  return !path
    .split("/")
    .some((name) => name === "" || name === "." || name === ".." || name === ".git")
}
