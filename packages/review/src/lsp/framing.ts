/** The base protocol of language servers: a header with the length in bytes, and as many bytes of JSON. */
import type { Readable } from "node:stream"

/** An editor's largest text, escaped. */
const MAX_BYTES = 64 * 1024 * 1024
const MAX_HEADER_BYTES = 8 * 1024
const HEADER_END = Buffer.from("\r\n\r\n")

/** Writes a message with its header. */
export function encodeMessage(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message), "utf8")
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`, "ascii"), body])
}

/**
 * The bodies in a stream, as texts.
 * @throws RangeError when a header makes no sense: from there on nobody knows where messages begin
 */
export async function* readMessages(input: Readable): AsyncGenerator<string> {
  let chunks: Buffer[] = []
  let size = 0
  /** Bytes that have to be there before it is worth looking again. */
  let needed = 0
  for await (const chunk of input as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size < needed) continue
    let bytes: Buffer = Buffer.concat(chunks)
    for (;;) {
      const next = split(bytes)
      if (typeof next === "number") {
        needed = next
        break
      }
      yield next.body
      bytes = next.rest
    }
    chunks = [bytes]
    size = bytes.length
  }
}

/** The first message and what follows it, or how many bytes are needed to go on. */
function split(bytes: Buffer): { readonly body: string; readonly rest: Buffer } | number {
  const headerEnd = bytes.indexOf(HEADER_END)
  if (headerEnd < 0) {
    if (bytes.length > MAX_HEADER_BYTES) throw new RangeError("a header has no end")
    return bytes.length + 1
  }
  const header = bytes.toString("ascii", 0, headerEnd)
  const length = Number(/^content-length:[ \t]*(\d{1,9})[ \t]*$/im.exec(header)?.[1] ?? NaN)
  if (!(length <= MAX_BYTES))
    throw new RangeError("a header has no Content-Length, or one that is too large")
  const start = headerEnd + HEADER_END.length
  if (bytes.length < start + length) return start + length
  return {
    body: bytes.toString("utf8", start, start + length),
    rest: bytes.subarray(start + length),
  }
}
