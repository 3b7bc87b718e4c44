import { createInterface } from "node:readline"
import { createReadStream, writeSync } from "node:fs"
import { machineMs } from "../measure.ts"

/**
 * One side of the comparison: a process of its own that enqueues, works, or both, and does what it is told on
 * its standard input, one JSON object a line. Replies go to file descriptor 3, so that nothing that a library
 * prints can be taken for one. river/main.go speaks the same.
 */
export interface SideSpec {
  /** Address or path of the database. */
  readonly connection: string
  /** Which of the side's settings; each side knows its own. */
  readonly profile: string
}

/** The input of a job. */
export interface Payload {
  readonly n: number
  /** When its enqueue was called, by the machine's monotonic clock; for latencies. */
  readonly sentMs?: number
}

/** Called by the side's library for each job, as the handler. */
export type Handle = (payload: Payload) => void | Promise<void>

/** What a peer must be able to do. */
export interface Side {
  /** Makes tables, or whatever is made once. */
  prepare(): Promise<void>
  enqueue(payload: Payload): Promise<unknown>
  /** The way in bulk that the library is fastest at. Resolves when all are durable. */
  enqueueMany(payloads: readonly Payload[]): Promise<unknown>
  /** Starts to work; resolves as soon as the library says that it has. */
  work(handle: Handle): Promise<unknown>
  /** Is there as a member of the fleet that may lead it, without taking any of these jobs; where there is such a thing. */
  stand?(): Promise<unknown>
  /** Number of the term that somebody leads in now, or `null`; where there is such a thing. */
  term?(): Promise<number | null>
  /** How many jobs the database itself holds that are not finished; more than 0 may stand for any number. */
  unfinished(): Promise<number>
  /** Durations of the claims so far in ms, where the library lets itself be timed; forgets them. */
  claimMs?(): number[]
  close(): Promise<unknown>
}

interface Request {
  readonly id: number
  readonly op: string
  readonly count?: number
  readonly inFlight?: number
  readonly perSecond?: number
  readonly ms?: number
  readonly hold?: boolean
}

const REPLIES = 3
const PROBE_GAP_MS = 5
const PROBE_JITTER_MS = 20
const TICK_MS = 5
// More than this many enqueues at once only measures the queue in front of the pool.
const MOST_IN_FLIGHT = 1000

/** Serves one side until its input ends or it is told to stop. */
export async function serve(make: (spec: SideSpec) => Promise<Side> | Side): Promise<void> {
  const spec = JSON.parse(process.argv[2]!) as SideSpec
  const side = await make(spec)
  const server = new SideServer(side)
  process.once("SIGTERM", () => void side.close().finally(() => process.exit(0)))
  process.on("unhandledRejection", (error) => {
    console.error(error)
    process.exit(70)
  })
  for await (const line of createInterface({ input: createReadStream("", { fd: 0 }) })) {
    const request = JSON.parse(line) as Request
    void server.answer(request)
  }
  process.exit(0)
}

class SideServer {
  readonly #side: Side
  #started = 0
  #samples: [sentMs: number, tookMs: number][] = []

  constructor(side: Side) {
    this.#side = side
  }

  async answer(request: Request): Promise<void> {
    let reply: unknown
    try {
      reply = { id: request.id, result: (await this.#do(request)) ?? null }
    } catch (error) {
      reply = { id: request.id, error: String((error as Error).stack ?? error) }
    }
    writeAll(`${JSON.stringify(reply)}\n`)
    if (request.op === "stop") process.exit(0)
  }

  async #do(request: Request): Promise<unknown> {
    const { op, count = 0 } = request
    switch (op) {
      case "prepare":
        return this.#side.prepare()
      case "bulk":
        return this.#bulk(count)
      case "concurrent":
        return this.#concurrent(count, request.inFlight ?? 100)
      case "probe":
        return this.#probe(count)
      case "paced":
        return this.#paced(request.perSecond ?? 1, request.ms ?? 1000)
      case "work":
        return this.#work(request.hold ?? false)
      case "stand":
        await this.#side.stand?.()
        return null
      case "term":
        return this.#side.term?.() ?? null
      case "started":
        return this.#started
      case "unfinished":
        return this.#side.unfinished()
      case "samples":
        return this.#samples.splice(0)
      case "claims":
        return this.#side.claimMs?.() ?? null
      case "stop":
        return this.#side.close()
      default:
        throw new Error(`no such operation: ${op}`)
    }
  }

  async #work(hold: boolean): Promise<void> {
    const never = new Promise<void>(() => undefined)
    await this.#side.work((payload): void | Promise<void> => {
      this.#started++
      if (hold) return never
      if (payload.sentMs !== undefined) {
        this.#samples.push([payload.sentMs, machineMs() - payload.sentMs])
      }
      return undefined
    })
  }

  async #bulk(count: number): Promise<number> {
    const payloads = Array.from({ length: count }, (_, n) => ({ n }))
    const start = machineMs()
    await this.#side.enqueueMany(payloads)
    return machineMs() - start
  }

  async #concurrent(count: number, inFlight: number): Promise<number> {
    let next = 0
    const caller = async (): Promise<void> => {
      while (next < count) await this.#side.enqueue({ n: next++ })
    }
    const start = machineMs()
    await Promise.all(Array.from({ length: inFlight }, caller))
    return machineMs() - start
  }

  /** One job at a time, out of step with any poll. */
  async #probe(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      await this.#side.enqueue({ n, sentMs: machineMs() })
      await pause(PROBE_GAP_MS + Math.random() * PROBE_JITTER_MS)
    }
  }

  /** Enqueues one by one at an even rate, whether or not the earlier ones are through. @returns how many it sent. */
  async #paced(perSecond: number, ms: number): Promise<number> {
    let sent = 0
    let inFlight = 0
    let failure: unknown
    const start = machineMs()
    for (let elapsed = 0; elapsed < ms; elapsed = machineMs() - start) {
      const due = Math.floor((elapsed / 1000) * perSecond)
      while (sent < due && inFlight < MOST_IN_FLIGHT) {
        inFlight++
        this.#side
          .enqueue({ n: sent++, sentMs: machineMs() })
          .catch((error: unknown) => (failure = error))
          .finally(() => inFlight--)
      }
      await pause(TICK_MS)
    }
    while (inFlight > 0) await pause(TICK_MS)
    if (failure !== undefined) throw failure
    return sent
  }
}

function writeAll(text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(REPLIES, bytes, at)
    } catch (error) {
      // The pipe is full for a moment.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
