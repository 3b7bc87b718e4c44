/** Reads one file that may lie: a link, a pipe, a device or a file without an end must cost nothing. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs"

/** What keeps an open from following a link or from waiting for the other end of a pipe. Absent on Windows. */
const FLAGS =
  constants.O_RDONLY |
  (constants.O_NOFOLLOW ?? 0) |
  (constants.O_NONBLOCK ?? 0) |
  (constants.O_NOCTTY ?? 0)

export type ReadResult =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "too-large"; readonly size: number }
  | { readonly kind: "not-regular" }
  | { readonly kind: "unreadable"; readonly reason: string }

/**
 * Reads a regular file of at most `maxBytes`. It looks at what was opened, not at what the name meant a moment before.
 */
export function readRegular(path: string, maxBytes: number): ReadResult {
  let fd: number
  try {
    fd = openSync(path, FLAGS)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown"
    // ELOOP is a link; ENXIO a socket, or a pipe that nobody reads.
    if (code === "ELOOP" || code === "ENXIO" || code === "EMLINK") return { kind: "not-regular" }
    return { kind: "unreadable", reason: code }
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) return { kind: "not-regular" }
    if (stat.size > maxBytes) return { kind: "too-large", size: stat.size }
    return readToEnd(fd, stat.size, maxBytes)
  } catch (error) {
    return { kind: "unreadable", reason: (error as NodeJS.ErrnoException).code ?? "unknown" }
  } finally {
    closeSync(fd)
  }
}

/** Files of the system say that they are empty and are not, and a file may grow while it is read. */
function readToEnd(fd: number, size: number, maxBytes: number): ReadResult {
  let bytes = Buffer.allocUnsafe(size + 1)
  let filled = 0
  for (;;) {
    const got = readSync(fd, bytes, filled, bytes.length - filled, null)
    if (got === 0) return { kind: "bytes", bytes: bytes.subarray(0, filled) }
    filled += got
    if (filled > maxBytes) return { kind: "too-large", size: filled }
    if (filled === bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(bytes.length * 2 + 4_096, maxBytes + 1))
      bytes.copy(larger, 0, 0, filled)
      bytes = larger
    }
  }
}
