/** The server on a pair of streams: one message a line. */
import type { Readable, Writable } from "node:stream"
import { McpServer } from "./server.ts"
import type { ToolWorld } from "./tool.ts"

/** Room for a diff in a message. */
const MAX_LINE = 32 * 1024 * 1024

/**
 * Serves until the input ends; what was asked by then is still answered.
 * @throws RangeError when a line has no end
 */
export async function serveMcp(
  input: Readable,
  output: Writable,
  options: { readonly world: ToolWorld; readonly version: string },
): Promise<void> {
  const server = new McpServer({
    ...options,
    send: (message) => output.write(`${JSON.stringify(message)}\n`),
  })
  try {
    for await (const line of linesOf(input)) {
      if (line.trim() !== "") server.receive(line)
    }
    await server.idle()
  } finally {
    await server.close()
  }
}

/** Lines of a stream, without the time that `+=` of many pieces takes. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let pieces: string[] = []
  let length = 0
  for await (const chunk of input as AsyncIterable<Uint8Array>) {
    const parts = decoder.decode(chunk, { stream: true }).split("\n")
    for (const [at, part] of parts.entries()) {
      pieces.push(part)
      length += part.length
      if (length > MAX_LINE) throw new RangeError(`a message is longer than ${MAX_LINE} characters`)
      if (at === parts.length - 1) continue
      yield pieces.join("")
      pieces = []
      length = 0
    }
  }
  if (length > 0) yield pieces.join("")
}
