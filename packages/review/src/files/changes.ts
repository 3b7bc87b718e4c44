/** What a review compares: the tree as it is now with the tree as it was. */
import { InputError } from "./inputError.ts"
import { commitTree, indexTree } from "./git/gitTree.ts"
import { mergeBase, resolveCommit } from "./git/objects.ts"
import type { Loaded, LoadOptions, TextFile, Tree } from "./tree.ts"
import { parseUnifiedDiff, revertPatch, type Patch } from "./unifiedDiff.ts"
import { workTree } from "./workTree.ts"

export interface Changes {
  readonly base: Tree
  readonly head: Tree
}

/** The empty tree: before the first commit everything is new. */
const EMPTY: Tree = { load: () => Promise.resolve({ files: [], notices: [] }) }

/**
 * What `--diff` means: `base..head` compares two revisions, `base...head` what `head` brought since it left `base`, and
 * `base` alone (or `base..`) the folder on disk with the point where it left `base`.
 * @throws InputError when Git does not know a revision, or the two share no history
 */
export async function changesBetween(
  root: string,
  range: string,
  signal?: AbortSignal,
): Promise<Changes> {
  const match = /^(.*?)(\.{2,3})(.*)$/s.exec(range)
  const headName = match?.[3] ?? ""
  // Both at once; where both are unknown, the base is what is told.
  const finding = headName === "" ? null : resolveCommit(root, headName, { signal })
  finding?.catch(() => undefined)
  const base = await resolveCommit(root, match ? match[1] || "HEAD" : range, { signal })
  const head = await finding
  if (head !== null && match?.[2] === "..") {
    return { base: commitTree(root, base), head: commitTree(root, head) }
  }
  const tip = head ?? (await resolveCommit(root, "HEAD", { signal }))
  const parted = await mergeBase(root, base, tip, { signal })
  if (parted === null)
    throw new InputError(`${range}: the two share no history, or the clone is too shallow`)
  return {
    base: commitTree(root, parted),
    head: head === null ? workTree(root) : commitTree(root, head),
  }
}

/**
 * What the next commit would change.
 * @param indexFile - an index other than the repository's, as `git commit` gives it to its hooks in GIT_INDEX_FILE
 */
export async function stagedChanges(
  root: string,
  indexFile?: string,
  signal?: AbortSignal,
): Promise<Changes> {
  const head = indexTree(root, indexFile)
  try {
    return { base: commitTree(root, await resolveCommit(root, "HEAD", { signal })), head }
  } catch (error) {
    if (error instanceof InputError && error.message.startsWith("Git knows no commit")) {
      return { base: EMPTY, head }
    }
    throw error
  }
}

/**
 * What a unified diff changed, when the folder on disk is as it was left by it: the tree before is made by taking the
 * patches back.
 * @throws InputError for a text that is no diff
 */
export function diffChanges(root: string, diff: string): Changes {
  const patches = parseUnifiedDiff(diff)
  // A command that failed may print anything, and no findings in that would look like a clean change.
  if (patches.length === 0 && diff.trim() !== "" && !/^(?:diff |--- |Index: )/m.test(diff)) {
    const start = diff.trim().split("\n", 1)[0]!.slice(0, 60)
    throw new InputError(
      `what was piped in is no unified diff; it begins with "${start}". Pipe in what "git diff" prints`,
    )
  }
  const head = workTree(root)
  return {
    head,
    base: { load: async (options) => revert(await head.load(options), patches, options) },
  }
}

function revert(loaded: Loaded, patches: readonly Patch[], options: LoadOptions): Loaded {
  const files = new Map(loaded.files.map((file) => [file.path, file]))
  const notices = [...loaded.notices]
  const before = new Map<string, TextFile>()
  for (const patch of patches) {
    const file = patch.headPath === null ? undefined : files.get(patch.headPath)
    const text = file || patch.headPath === null ? revertPatch(patch, file?.text ?? "") : null
    if (patch.basePath !== null && options.wants(patch.basePath)) {
      if (text !== null) before.set(patch.basePath, { path: patch.basePath, text, blob: null })
      else {
        const message = "is not as the diff left it; all of it counts as new"
        notices.push({ code: "diff-does-not-fit", path: patch.headPath ?? patch.basePath, message })
      }
    }
  }
  for (const { headPath } of patches) if (headPath !== null) files.delete(headPath)
  for (const [path, file] of before) files.set(path, file)
  return { files: [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), notices }
}
