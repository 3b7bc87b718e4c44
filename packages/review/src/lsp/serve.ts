/** The server on a pair of streams. */
import type { Readable, Writable } from "node:stream"
import { encodeMessage, readMessages } from "./framing.ts"
import { LspServer, type LspOptions } from "./server.ts"

/**
 * Serves until the editor says `exit` or goes away.
 * @returns the exit status of the process: 0 after an orderly `shutdown`, else 1
 * @throws RangeError when the input is no language server protocol
 */
export async function serveLsp(
  input: Readable,
  output: Writable,
  options: Omit<LspOptions, "send">,
): Promise<number> {
  const server = new LspServer({
    ...options,
    send: (message) => output.write(encodeMessage(message)),
  })
  try {
    for await (const text of readMessages(input)) {
      server.receive(text)
      if (server.exitCode !== null) break
    }
  } finally {
    await server.close()
  }
  return server.exitCode ?? 1
}
