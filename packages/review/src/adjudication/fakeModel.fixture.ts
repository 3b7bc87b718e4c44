/** A local server that speaks as the three providers do, and a world in which time is moved by hand. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import type { World } from "./send.ts"

export interface Seen {
  readonly url: string
  readonly method: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

/** What the server does with one request; the text is wrapped in the provider's form. */
export type Script = (reply: (answer: string) => void, response: ServerResponse, seen: Seen) => void

export interface FakeModel extends AsyncDisposable {
  readonly url: string
  readonly seen: readonly Seen[]
}

/** Starts a server that follows the scripts one after the other; the last is repeated. */
export async function startFakeModel(...scripts: readonly Script[]): Promise<FakeModel> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { url = "", method = "", headers } = request
      const script = scripts[Math.min(seen.length, scripts.length - 1)]!
      seen.push({ url, method, headers, body })
      const reply = (answer: string): void => {
        response.setHeader("content-type", "application/json")
        response.end(JSON.stringify(wrap(url, answer)))
      }
      script(reply, response, seen.at(-1)!)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function wrap(url: string, answer: string): unknown {
  if (url.includes("/v1/messages")) return { content: [{ type: "text", text: answer }] }
  if (url.includes(":generateContent")) {
    return {
      candidates: [{ content: { parts: [{ text: "hm", thought: true }, { text: answer }] } }],
    }
  }
  return { choices: [{ message: { role: "assistant", content: answer } }] }
}

export interface TestWorld extends World {
  /** The waits between attempts, in order. */
  readonly delays: readonly number[]
  /** Lets the time limit of the request that is under way pass. */
  expire(): void
}

const TIME_LIMIT_MS = 10_000

/** Waits pass at once, time limits when the test says so, and chance is one half. */
export function testWorld(parts: Partial<World> = {}): TestWorld {
  const delays: number[] = []
  const limits = new Set<() => void>()
  return {
    fetch,
    random: () => 0.5,
    delays,
    after(delayMs, callback) {
      if (delayMs === TIME_LIMIT_MS) {
        limits.add(callback)
        return () => limits.delete(callback)
      }
      delays.push(delayMs)
      let isWanted = true
      const soon = async (): Promise<void> => {
        await Promise.resolve()
        if (isWanted) callback()
      }
      void soon()
      return () => {
        isWanted = false
      }
    },
    expire() {
      for (const callback of limits) callback()
    },
    ...parts,
  }
}
