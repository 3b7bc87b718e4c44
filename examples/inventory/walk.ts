import { readdir } from "node:fs/promises"
import type { Dirent } from "node:fs"
import { nameOf } from "./fileName.ts"
import type { FileName } from "./fileName.ts"

/** Something the walk met: a file to measure, or something that cannot be and why. */
export type Found =
  | { readonly kind: "file"; readonly name: FileName }
  | { readonly kind: "skipped"; readonly name: FileName; readonly reason: string }

const SLASH = Buffer.from("/")

/**
 * Lists everything below a folder, in the order of the names' bytes. Symlinks are never followed, so a
 * loop of them is a few lines in the report and not an endless walk.
 * @param skip names of folders not to enter.
 */
export async function* walk(root: Buffer, skip: ReadonlySet<string>): AsyncGenerator<Found> {
  // A stack, not recursion: folders can be nested deeper than a call stack is.
  const folders: Buffer[] = [Buffer.alloc(0)]
  while (folders.length > 0) {
    const below = folders.pop()!
    const entries = await entriesOf(root, below)
    if (!Array.isArray(entries)) {
      yield entries
      continue
    }
    const inner: Buffer[] = []
    for (const entry of entries) {
      const path = below.length === 0 ? entry.name : Buffer.concat([below, SLASH, entry.name])
      if (entry.isDirectory()) {
        if (!skip.has(entry.name.toString())) inner.push(path)
      } else if (entry.isFile()) yield { kind: "file", name: nameOf(path) }
      else yield { kind: "skipped", name: nameOf(path), reason: whatIsIt(entry) }
    }
    folders.push(...inner.reverse())
  }
}

async function entriesOf(root: Buffer, below: Buffer): Promise<Dirent<Buffer>[] | Found> {
  try {
    const folder = below.length === 0 ? root : Buffer.concat([root, SLASH, below])
    const entries = await readdir(folder, { withFileTypes: true, encoding: "buffer" })
    return entries.sort((a, b) => Buffer.compare(a.name, b.name))
  } catch (error) {
    // The root itself must be readable; anything below may vanish or be closed to us.
    if (below.length === 0) throw error
    return { kind: "skipped", name: nameOf(below), reason: `folder not readable: ${codeOf(error)}` }
  }
}

function whatIsIt(entry: Dirent<Buffer>): string {
  if (entry.isSymbolicLink()) return "symlink, not followed"
  if (entry.isFIFO()) return "named pipe"
  if (entry.isSocket()) return "socket"
  return "device or other special file"
}

/** The system's short name of an error, such as EACCES. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === "string" ? code : String(error)
}
