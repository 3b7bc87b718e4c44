import { createHash } from "node:crypto"
import { open } from "node:fs/promises"
import type { FileHandle } from "node:fs/promises"
import { constants } from "node:fs"
import { pipeline } from "node:stream/promises"
import { promisify } from "node:util"
import { createGzip, gzip, gzipSync } from "node:zlib"
import { fileTypeFromBuffer } from "file-type"

/** What the inventory knows of a file's content. */
export interface Measure {
  readonly bytes: number
  readonly sha256: string
  /** Newline characters, as `wc -l` counts them. */
  readonly lines: number
  /** Size after gzip at its usual level. */
  readonly gzipBytes: number
  /** Told from the content, never from the name. */
  readonly mediaType: string
}

const gzipInThread = promisify(gzip)
// Below this a trip to the thread pool costs more than the compression.
const SMALL_BYTES = 16 * 1024
// Above this a file is read in pieces, so that memory stays small however large files are.
const WHOLE_BYTES = 1024 * 1024
const CHUNK_BYTES = 256 * 1024
const SNIFF_BYTES = 4_100
const NEWLINE = 10

/**
 * Reads a file once and measures it.
 * @throws the system's error (ENOENT, EACCES, ELOOP…) when it cannot be read; `EISDIR`-like when it is no longer a regular file.
 */
export async function measureFile(path: Buffer, signal: AbortSignal): Promise<Measure> {
  // O_NOFOLLOW: a file that became a symlink since the walk is not the file we listed.
  await using file = await open(
    path,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  )
  const stat = await file.stat()
  if (!stat.isFile())
    throw Object.assign(new Error("not a regular file any more"), { code: "ENOTREG" })
  // Awaited here, for the file closes when this function ends.
  return stat.size <= WHOLE_BYTES
    ? await measureWhole(await file.readFile())
    : await measureStream(file, signal)
}

async function measureWhole(content: Buffer): Promise<Measure> {
  const packed = content.length <= SMALL_BYTES ? gzipSync(content) : await gzipInThread(content)
  return {
    bytes: content.length,
    sha256: createHash("sha256").update(content).digest("hex"),
    lines: countNewlines(content),
    gzipBytes: packed.length,
    mediaType: await mediaTypeOf(content.subarray(0, SNIFF_BYTES)),
  }
}

async function measureStream(file: FileHandle, signal: AbortSignal): Promise<Measure> {
  const hash = createHash("sha256")
  let bytes = 0
  let lines = 0
  let gzipBytes = 0
  let head: Buffer = Buffer.alloc(0)
  await pipeline(
    file.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        if (bytes === 0) head = Buffer.from(chunk.subarray(0, SNIFF_BYTES))
        bytes += chunk.length
        lines += countNewlines(chunk)
        hash.update(chunk)
        yield chunk
      }
    },
    createGzip(),
    async (packed: AsyncIterable<Buffer>) => {
      for await (const chunk of packed) gzipBytes += chunk.length
    },
    { signal },
  )
  const mediaType = await mediaTypeOf(head)
  return { bytes, sha256: hash.digest("hex"), lines, gzipBytes, mediaType }
}

function countNewlines(content: Buffer): number {
  let count = 0
  for (let at = content.indexOf(NEWLINE); at !== -1; at = content.indexOf(NEWLINE, at + 1)) count++
  return count
}

/** The media type of a file that starts like this. */
async function mediaTypeOf(head: Buffer): Promise<string> {
  if (head.length === 0) return "application/x-empty"
  const known = await fileTypeFromBuffer(head)
  if (known !== undefined) return known.mime
  return looksLikeText(head) ? "text/plain" : "application/octet-stream"
}

function looksLikeText(head: Buffer): boolean {
  if (head.includes(0)) return false
  // The cut may go through a character, so the last three bytes may be an unfinished one.
  for (let cut = 0; cut <= 3 && cut < head.length; cut++) {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(head.subarray(0, head.length - cut))
      return true
    } catch {
      // Try again with one byte less.
    }
  }
  return false
}
