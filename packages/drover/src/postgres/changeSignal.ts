import { createHash } from "node:crypto"
import { resolveRetryPolicy, retryDelayMs } from "../retry/index.ts"
import type { Timer } from "../time/index.ts"
import { randomToken, TokenBucket } from "../time/index.ts"
import type { PostgresDatabase } from "./database.ts"
import type { PgClient } from "./driver.ts"

/** How often one process notifies. Bounds what a busy one costs all others; who enqueues now and then never waits. */
const TELL = { burst: 10, everyMs: 10 } as const
/** Time between a notification and one that only says that attempts ended. */
const TELL_END_MS = 100
/** What a notification says when attempts ended and nothing may start because of it. */
const ENDS = "ends"
/** Time between two hints while nothing can be heard. */
const DEAF_HINT_MS = 500
/** How long a notification of our own may take to come back before the connection counts as deaf. */
const PROBE_MS = 2_000
const SIGNAL_MS = 5_000
// A transaction of a user commits when it likes: most do within moments of their last enqueue.
const LATER_MS = [20, 100, 500, 2_000]
const MAX_CHANNEL = 63

const reconnect = resolveRetryPolicy({
  backoff: "exponential",
  base: 100,
  factor: 2,
  cap: 10_000,
  jitter: "full",
})

/** What others are told: "ends" is only for those who wait for results. */
type Told = "change" | "ends"

type Listener = (what?: "ends") => void

const signals: WeakMap<PostgresDatabase, ChangeSignal> = new WeakMap()

/** Calls the listener soon after another process changed something. See `Store.watch`. */
export function watch(database: PostgresDatabase, listener: Listener): () => void {
  return signalOf(database).add(listener)
}

/** Tells other processes that this one changed something. Cheap, never waits and never fails. */
export function tellChange(database: PostgresDatabase): void {
  signalOf(database).tell("change")
}

/**
 * Tells other processes that attempts ended: at once after a pause, less often when many end.
 * @param what "change" if jobs wait again because of it.
 */
export function tellEnds(database: PostgresDatabase, what: Told): void {
  signalOf(database).tell(what, TELL_END_MS)
}

/** Tells it some times in the next seconds: what changed is seen when a user's transaction commits. */
export function tellChangeLater(database: PostgresDatabase): void {
  signalOf(database).tellLater()
}

/** Whether notifications are heard: "off" when nobody asked for them. For `doctor`. */
export function hearing(database: PostgresDatabase): "off" | "listening" | "deaf" {
  return signalOf(database).hearing
}

/** The channel of a schema: its name, or a hash of it where the name is too long. */
export function channelOf(schema: string): string {
  const name = `drover_${schema}`
  if (name.length <= MAX_CHANNEL) return name
  return `drover_${createHash("sha256").update(schema).digest("hex").slice(0, 32)}`
}

function signalOf(database: PostgresDatabase): ChangeSignal {
  let signal = signals.get(database)
  if (signal === undefined) {
    signal = new ChangeSignal(database)
    signals.set(database, signal)
  }
  return signal
}

/** A notification of our own that is waited for. */
interface Probe {
  readonly nonce: string
  arrived(): void
  lost(client: PgClient): void
}

/**
 * Hints between processes by LISTEN and NOTIFY, on a connection that does nothing else. When it breaks it is made anew;
 * where a pooler swaps connections, which loses notifications, hints come at a steady pace instead.
 */
class ChangeSignal {
  readonly #database: PostgresDatabase
  readonly #channel: string
  readonly #listeners: Set<Listener> = new Set()
  readonly #heard: WeakSet<PgClient> = new WeakSet()
  readonly #ended: WeakSet<PgClient> = new WeakSet()
  readonly #later: Set<Timer> = new Set()
  #listening: PgClient | undefined
  /** One that begins to listen while no watch is left goes on for the next watch: two at once would lose each other's probe. */
  #isBeginning = false
  #timer: Timer | undefined
  #hintTimer: Timer | undefined
  #deafSinceMono: number | undefined
  #failures = 0
  #probe: Probe | undefined
  readonly #bucket: TokenBucket = new TokenBucket(TELL)
  #toldMono = Number.NEGATIVE_INFINITY
  #tellTimer: Timer | undefined
  #tellMono = 0
  #telling: Told = "ends"

  constructor(database: PostgresDatabase) {
    this.#database = database
    this.#channel = channelOf(database.schema)
  }

  get hearing(): "off" | "listening" | "deaf" {
    if (this.#listeners.size === 0 || !this.#database.options.notify) return "off"
    return this.#deafSinceMono === undefined ? "listening" : "deaf"
  }

  add(listener: Listener): () => void {
    // Wrapped, so that one function that watches twice is two watches.
    const own: Listener = (what) => listener(what)
    this.#listeners.add(own)
    if (this.#listeners.size === 1) this.#start()
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#stop()
    }
  }

  /** @param pauseMs least time since the notification before. */
  tell(what: Told, pauseMs = 0): void {
    if (!this.#database.options.notify) return
    if (what === "change") this.#telling = what
    const { clock } = this.#database
    const dueMono = Math.max(this.#toldMono + pauseMs, this.#bucket.dueMono)
    if (this.#tellTimer !== undefined) {
      if (this.#tellMono <= dueMono) return
      this.#tellTimer.cancel()
      this.#tellTimer = undefined
    }
    const waitMs = dueMono - clock.monotonic()
    if (waitMs <= 0) {
      this.#tellNow()
      return
    }
    this.#tellMono = dueMono
    this.#tellTimer = clock.setTimer(
      waitMs,
      () => {
        this.#tellTimer = undefined
        this.#tellNow()
      },
      { ref: false },
    )
  }

  tellLater(): void {
    for (const delayMs of LATER_MS) {
      const timer = this.#database.clock.setTimer(
        delayMs,
        () => {
          this.#later.delete(timer)
          this.tell("change")
        },
        { ref: false },
      )
      this.#later.add(timer)
    }
  }

  #tellNow(): void {
    const { clock } = this.#database
    this.#toldMono = clock.monotonic()
    this.#bucket.take(this.#toldMono)
    const payload = this.#telling === "ends" ? ENDS : ""
    this.#telling = "ends"
    // Who only enqueues may be about to close.
    if (this.#listeners.size === 0) this.#send(payload)
    // A claim of this process's own begins in a turn of its own. It goes first: both at once would slow each other.
    else clock.defer(() => clock.defer(() => this.#send(payload)))
  }

  #send(payload: string): void {
    if (!this.#database.isOpen) return
    const { signal } = this.#database.connections("tell")
    // A hint that is lost is found by polling.
    signal
      .use(SIGNAL_MS, (connection) => connection.query("tell_change", [this.#channel, payload]))
      .catch(() => undefined)
  }

  #start(): void {
    this.#failures = 0
    if (this.#database.options.notify) void this.#listen()
    else this.#hintLater()
  }

  #stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#hintTimer?.cancel()
    this.#hintTimer = undefined
    this.#listening = undefined
    this.#deafSinceMono = undefined
  }

  async #listen(): Promise<void> {
    if (this.#isBeginning || this.#listeners.size === 0 || !this.#database.isOpen) return
    this.#isBeginning = true
    try {
      const client = await this.#database
        .connections("watch")
        .signal.use(SIGNAL_MS, async (connection) => {
          await connection.execute(`listen "${this.#channel}"`)
          return connection.client
        })
      this.#hear(client)
      const arrived = await this.#arrives(client)
      // One that was lost meanwhile says nothing about poolers.
      if (this.#ended.has(client)) this.#onDeaf("the connection was lost", true)
      else if (arrived) this.#onListening(client)
      else this.#onDeaf("a notification of our own did not come back; is there a pooler?", false)
    } catch (error) {
      this.#onDeaf(error instanceof Error ? error.message : String(error), true)
    } finally {
      this.#isBeginning = false
    }
  }

  #hear(client: PgClient): void {
    if (this.#heard.has(client)) return
    this.#heard.add(client)
    const own = (client as { processID?: unknown }).processID
    client.on("notification", ({ channel, payload = "", processId }) => {
      if (channel !== this.#channel) return
      if (payload !== "" && payload === this.#probe?.nonce) this.#probe.arrived()
      // What this process told comes back to it too; it knows.
      else if (processId === own) return
      else if (payload === "") this.#hint()
      else if (payload === ENDS) this.#hint("ends")
    })
    client.on("end", () => {
      this.#ended.add(client)
      this.#probe?.lost(client)
      if (this.#listening !== client) return
      this.#listening = undefined
      if (this.#database.isOpen) this.#onDeaf("the connection was lost", true)
    })
  }

  /** Whether a notification from another connection gets here: through a pooler that swaps connections it does not. */
  async #arrives(client: PgClient): Promise<boolean> {
    const { clock, rng } = this.#database
    const nonce = `probe ${randomToken(rng)} ${process.pid}`
    let timer: Timer | undefined
    const arrival = new Promise<boolean>((resolve) => {
      const lost = (ended: PgClient): void => {
        if (ended === client) resolve(false)
      }
      this.#probe = { nonce, arrived: () => resolve(true), lost }
      timer = clock.setTimer(PROBE_MS, () => resolve(false), { ref: false })
    })
    try {
      await this.#database.statement("watch", "tell_change", [this.#channel, nonce], {
        reads: true,
      })
      return await arrival
    } finally {
      timer?.cancel()
      this.#probe = undefined
    }
  }

  #onListening(client: PgClient): void {
    const { clock, events, label } = this.#database
    this.#failures = 0
    this.#listening = client
    this.#hintTimer?.cancel()
    this.#hintTimer = undefined
    if (this.#deafSinceMono === undefined) return
    const afterMs = clock.monotonic() - this.#deafSinceMono
    this.#deafSinceMono = undefined
    events.emit("store.listening", { store: label, afterMs })
    // Something may have been told while nobody heard it.
    this.#hint()
  }

  #onDeaf(reason: string, mayRecover: boolean): void {
    if (this.#listeners.size === 0 || !this.#database.isOpen) return
    const { clock, events, label, rng } = this.#database
    if (this.#deafSinceMono === undefined) {
      this.#deafSinceMono = clock.monotonic()
      events.emit("store.deaf", { store: label, reason })
    }
    this.#hintLater()
    if (!mayRecover) return
    this.#failures++
    const delayMs = retryDelayMs(this.#failures, reconnect, rng)
    this.#timer?.cancel()
    this.#timer = clock.setTimer(delayMs, () => void this.#listen(), { ref: false })
  }

  #hintLater(): void {
    if (this.#hintTimer !== undefined) return
    this.#hintTimer = this.#database.clock.setTimer(
      DEAF_HINT_MS,
      () => {
        this.#hintTimer = undefined
        if (this.#listeners.size === 0) return
        this.#hintLater()
        this.#hint()
      },
      { ref: false },
    )
  }

  #hint(what?: "ends"): void {
    for (const listener of this.#listeners) listener(what)
  }
}
