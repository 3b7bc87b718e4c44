import { createServer, connect } from "node:net"
import type { AddressInfo, Server, Socket } from "node:net"
import { systemClock } from "../../packages/drover/src/time/index.ts"

/** What a proxy does to what passes. */
export type ProxyMode =
  | { readonly kind: "pass" }
  /** Everything arrives late, in both directions. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Nothing arrives, and nobody is told: the cable is cut, the connection stands. */
  | { readonly kind: "blackhole" }
  /** The next reply of a connection that ends a transaction is swallowed, and the connection with it: it was carried out. */
  | { readonly kind: "cutOnCommit" }
  /** The next reply with a row is cut in the middle of it, and the connection with it. */
  | { readonly kind: "cutMidRow" }
  /** After `skip` others, a reply that leaves a transaction open is held back, and from then on everything is. */
  | { readonly kind: "holdOpen"; readonly skip: number; readonly held: () => void }

const PASS: ProxyMode = { kind: "pass" }
// ReadyForQuery outside of a transaction: what was asked is committed.
const IDLE = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
// The same inside of one.
const OPEN = Buffer.from([0x5a, 0, 0, 0, 5, 0x54])
const DATA_ROW = 0x44
const HEADER = 5

/** Stands between one client process and the Postgres server, and does to the way what it is told. */
export class TcpProxy {
  readonly #port: number
  readonly #server: Server
  readonly #pairs: Set<Pair> = new Set()
  #mode: ProxyMode = PASS
  /** Connections that were cut by `cutOnCommit` or `cutMidRow`. */
  cuts = 0

  private constructor(serverPort: number, server: Server) {
    this.#port = serverPort
    this.#server = server
    server.on("connection", (client) => this.#join(client))
  }

  static async open(serverPort: number): Promise<TcpProxy> {
    const server = createServer({ pauseOnConnect: false })
    const proxy = new TcpProxy(serverPort, server)
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(0, "127.0.0.1", resolve)
    })
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How many it holds now: two ends of each connection. One that was lost sight of is not among them. */
  get sockets(): number {
    return 2 * this.#pairs.size
  }

  get mode(): ProxyMode {
    return this.#mode
  }

  /** Also for the connections there are. */
  set(mode: ProxyMode): void {
    const wasHole = this.#mode.kind === "blackhole"
    this.#mode = mode
    // What was held back arrives when the cable is mended.
    if (wasHole && mode.kind !== "blackhole") for (const pair of this.#pairs) pair.flush()
  }

  /** Ends every connection at once, as a router that was restarted. */
  reset(): void {
    for (const pair of this.#pairs) pair.end()
  }

  async close(): Promise<void> {
    this.reset()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #join(client: Socket): void {
    const pair = new Pair(client, connect(this.#port, "127.0.0.1"), {
      mode: () => this.#mode,
      cut: () => {
        this.cuts++
        this.#mode = PASS
      },
      open: () => {
        const mode = this.#mode
        if (mode.kind !== "holdOpen") return
        if (mode.skip > 0) {
          this.#mode = { ...mode, skip: mode.skip - 1 }
          return
        }
        this.#mode = { kind: "blackhole" }
        mode.held()
      },
      ended: () => this.#pairs.delete(pair),
    })
    this.#pairs.add(pair)
  }
}

interface PairHost {
  mode(): ProxyMode
  /** A reply was cut: once is enough. */
  cut(): void
  /** A reply says that a transaction is open. */
  open(): void
  ended(): void
}

/** One connection of a client and its counterpart at the server. */
class Pair {
  readonly #client: Socket
  readonly #server: Socket
  readonly #host: PairHost
  /** What waits, in order; each with its end. */
  #held: (readonly [Socket, Buffer])[] = []
  #late: Promise<void> = Promise.resolve()
  #over = false

  constructor(client: Socket, server: Socket, host: PairHost) {
    this.#client = client
    this.#server = server
    this.#host = host
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on("error", () => this.end())
      socket.on("close", () => this.end())
    }
    client.on("data", (chunk: Buffer) => this.#pass(server, chunk))
    server.on("data", (chunk: Buffer) => this.#reply(chunk))
  }

  flush(): void {
    const held = this.#held
    this.#held = []
    for (const [to, chunk] of held) to.write(chunk)
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.#held = []
    cutOff(this.#client)
    this.#server.destroy()
    this.#host.ended()
  }

  #reply(chunk: Buffer): void {
    if (chunk.subarray(-OPEN.length).equals(OPEN)) this.#host.open()
    const { kind } = this.#host.mode()
    if (kind === "cutOnCommit" && chunk.subarray(-IDLE.length).equals(IDLE)) {
      this.#host.cut()
      this.end()
    } else if (kind === "cutMidRow" && firstRow(chunk) !== undefined) {
      this.#host.cut()
      const row = firstRow(chunk) ?? 0
      // The client has the beginning of a row, and nothing more comes.
      this.#client.write(chunk.subarray(0, row + HEADER + 1), () => this.end())
    } else {
      this.#pass(this.#client, chunk)
    }
  }

  #pass(to: Socket, chunk: Buffer): void {
    const mode = this.#host.mode()
    if (mode.kind === "blackhole") {
      this.#held.push([to, chunk])
    } else if (mode.kind === "delay") {
      const until = systemClock.sleep(mode.ms)
      this.#late = this.#late.then(() => until).then(() => this.#write(to, chunk))
    } else {
      // Nothing may overtake what is still on its way.
      this.#late = this.#late.then(() => this.#write(to, chunk))
    }
  }

  #write(to: Socket, chunk: Buffer): void {
    if (!this.#over) to.write(chunk)
  }
}

/** Where the first row of a chunk of replies begins; chunks that begin in the middle of a message are not looked at. */
export function firstRow(chunk: Buffer): number | undefined {
  let place = 0
  while (place + HEADER <= chunk.length) {
    if (chunk[place] === DATA_ROW && place + HEADER + 1 < chunk.length) return place
    place += 1 + chunk.readUInt32BE(place + 1)
  }
  return undefined
}

/** Ends a connection at once, so that the other side is told of it as an error where that can be. */
export function cutOff(socket: Socket): void {
  // One that is being shut down cannot be reset: Node would keep it for ever, and itself at the program's end.
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
