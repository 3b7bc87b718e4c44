/**
 * Writes a file of somebody's repository in place of what was read there: only inside the root, never through a link,
 * never over what changed since, and never half.
 */
import { createHash } from "node:crypto"
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { readRegular } from "../files/openRegular.ts"

export type WriteResult =
  | { readonly kind: "written" }
  | { readonly kind: "refused"; readonly reason: string }

/**
 * Replaces the text of a file under `root` if it still is `before`. The new text goes to a file beside it, which then
 * takes its name, so that a reader sees the old text or the new. The mode is kept.
 */
export function replaceFile(
  root: string,
  path: string,
  before: string,
  after: string,
): WriteResult {
  const parts = path.split("/")
  if (
    parts.some(
      (part) =>
        part === "" || part === "." || part === ".." || part.includes("\\") || part.includes("\0"),
    )
  ) {
    return refused("its path does not stay inside the root")
  }
  if (parts.some((part) => part.toLowerCase() === ".git")) return refused("it belongs to Git")
  try {
    return replaceChecked(realpathSync(root), parts, Buffer.from(before), Buffer.from(after))
  } catch (error) {
    return refused((error as NodeJS.ErrnoException).code ?? "it could not be written")
  }
}

function replaceChecked(
  root: string,
  parts: readonly string[],
  before: Buffer,
  after: Buffer,
): WriteResult {
  const file = join(root, ...parts)
  const folder = dirname(file)
  if (!isPlainPath(root, parts)) return refused("a part of its path is a link")
  const read = readRegular(file, before.length)
  // Bytes that are no UTF-8 came out as replacement characters, and would be lost.
  if (read.kind !== "bytes" || !read.bytes.equals(before))
    return refused("it changed since it was read")
  const { mode } = lstatSync(file)
  const temporary = join(
    folder,
    `.drover-review-${createHash("sha256").update(file).digest("hex").slice(0, 12)}.tmp`,
  )
  try {
    writeWhole(temporary, after, mode & 0o7777)
    // Looked at again as late as can be: Node has no way to rename inside a folder that is held open.
    if (!isPlainPath(root, parts)) throw new Error("a part of its path became a link")
    renameSync(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") rmSync(temporary, { force: true })
    throw error
  }
  return { kind: "written" }
}

/** Whether each folder on the way is a folder, and the file a regular file. */
function isPlainPath(root: string, parts: readonly string[]): boolean {
  return parts.every((_, i) => {
    const stat = lstatSync(join(root, ...parts.slice(0, i + 1)))
    return i === parts.length - 1 ? stat.isFile() : stat.isDirectory()
  })
}

function writeWhole(path: string, bytes: Buffer, mode: number): void {
  const fd = openSync(path, "wx", mode)
  try {
    // The process's own mask took bits away.
    fchmodSync(fd, mode)
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function refused(reason: string): WriteResult {
  return { kind: "refused", reason }
}
