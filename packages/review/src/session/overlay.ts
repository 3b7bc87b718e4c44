/** The folder on disk with some texts in place of what lies there: what an editor holds, or a piece of code to check. */
import type { Changes } from "../files/changes.ts"
import { blobOf, type TextFile, type Tree } from "../files/tree.ts"
import { workTree } from "../files/workTree.ts"

const EMPTY_TREE: Tree = { load: () => Promise.resolve({ files: [], notices: [] }) }

/** All of a root with these texts by their paths, compared with nothing, so that everything in it is new. */
export function overlaid(root: string, texts: ReadonlyMap<string, string>): Changes {
  return { head: overlayTree(workTree(root), texts), base: EMPTY_TREE }
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
