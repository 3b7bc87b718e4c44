/** The folder on disk with some texts in place of what lies there: what an editor holds, or a piece of code to check. */
import type { Changes } from "../files/changes.ts"
import { blobOf } from "../files/tree.ts"
import type { Loaded, LoadOptions, TextFile, Tree } from "../files/tree.ts"
import { workTree } from "../files/workTree.ts"

const EMPTY_TREE: Tree = { load: () => Promise.resolve({ files: [], notices: [] }) }

/** All of a tree with these texts by their paths, compared with nothing, so that everything in it is new. */
export function overlaid(tree: Tree, texts: ReadonlyMap<string, string>): Changes {
  return { head: overlayTree(tree, texts), base: EMPTY_TREE }
}

/** Only these texts, without the folder around them. */
export function alone(texts: ReadonlyMap<string, string>): Changes {
  return { head: overlayTree(EMPTY_TREE, texts), base: EMPTY_TREE }
}

function overlayTree(tree: Tree, texts: ReadonlyMap<string, string>): Tree {
  return {
    async load(options) {
      const loaded = await tree.load(options)
      const files = new Map(loaded.files.map((file) => [file.path, file]))
      for (const [path, text] of texts) {
        if (options.wants(path)) files.set(path, fileOf(path, text, options.blobs ?? false))
      }
      const sorted = [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
      return { files: sorted, notices: loaded.notices }
    },
  }
}

function fileOf(path: string, text: string, blobs: boolean): TextFile {
  return { path, text, blob: blobs ? blobOf(Buffer.from(text)) : null }
}

/**
 * The folder on disk, read once and remembered until it is told to forget: an editor asks again with every pause in
 * typing, and says when files change.
 */
export class RememberedTree implements Tree {
  readonly #tree: Tree
  #key = ""
  #loaded: Promise<Loaded> | null = null

  constructor(root: string) {
    this.#tree = workTree(root)
  }

  /** The next load reads the disk again. */
  forget(): void {
    this.#loaded = null
  }

  load(options: LoadOptions): Promise<Loaded> {
    const key = JSON.stringify([
      options.named ?? [],
      options.blobs ?? false,
      options.ownOnly ?? false,
    ])
    if (this.#loaded === null || this.#key !== key) {
      this.#key = key
      // One that asked and went away must not take what others wait for with it.
      const loaded = this.#tree.load({ ...options, signal: undefined })
      this.#loaded = loaded
      loaded.catch(() => {
        if (this.#loaded === loaded) this.#loaded = null
      })
    }
    return this.#loaded
  }
}
