import type { Clock, Timer } from "../time/index.ts"
import { watchLog } from "./logEvents.ts"
import type { FileIdentity } from "./safety.ts"

/** Where changes are seen. */
export interface ChangeSource {
  readonly clock: Clock
  /** `null` for a database in memory. */
  readonly file: FileIdentity | null
  /** Differs from the last reading when anybody may have committed since; `undefined` while nothing is open. */
  changeMark(): number | undefined
}

/** Time between two looks while something is going on: one read of shared memory, no query. Bounds listener calls too. */
const LOOK_MS = 10
// A commit is announced when its first page is written, and is there when all of it has been synced to disk: after
// the first announcement of a burst the looks come faster, and they go on for long after the last one.
const FIRST_LOOKS_MS = [1, 1, 2, 3]
// Announcements closer together than this are one burst: a database that is written to all the time gets the usual
// looks, because there is always something new for them.
const BURST_MS = 5
const COMMIT_MS = 1_000
/** Time between two looks while the system tells when somebody writes; only for events that it lost. */
const QUIET_LOOK_MS = 500
// So many changes without an event, and the system's word is no longer taken for it.
const MOST_MISSES = 3

const signals: WeakMap<ChangeSource, ChangeSignal> = new WeakMap()

/**
 * Calls the listener soon after any process committed to the database. All watches of a store share one
 * timer, which never keeps the process alive and stops with the last of them.
 * @param watchWrites tells when somebody writes; where it cannot, the database is looked at all the time.
 * @returns ends the watch; safe to call twice.
 */
export function watch(
  source: ChangeSource,
  listener: () => void,
  watchWrites: typeof watchLog = watchLog,
): () => void {
  let signal = signals.get(source)
  if (signal === undefined) {
    signal = new ChangeSignal(source, watchWrites)
    signals.set(source, signal)
  }
  return signal.add(listener)
}

class ChangeSignal {
  readonly #source: ChangeSource
  readonly #watchWrites: typeof watchLog
  readonly #listeners: Set<() => void> = new Set()
  #timer: Timer | undefined
  #endWatch: (() => void) | undefined
  #mark: number | undefined
  /** Until then a commit that was announced may still come. */
  #busyUntilMono = 0
  #announcedMono = Number.NEGATIVE_INFINITY
  #fastLooks = 0
  #misses = 0

  constructor(source: ChangeSource, watchWrites: typeof watchLog) {
    this.#source = source
    this.#watchWrites = watchWrites
  }

  add(listener: () => void): () => void {
    // Wrapped, so that one function that watches twice is two watches.
    const own = (): void => listener()
    this.#listeners.add(own)
    if (this.#timer === undefined) this.#start()
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#stop()
    }
  }

  #start(): void {
    const { file } = this.#source
    this.#mark = this.#read()
    this.#misses = 0
    if (file !== null) {
      const onEnd = (): void => this.#distrust()
      this.#endWatch = this.#watchWrites(file, () => this.#onWrite(), onEnd)
    }
    this.#arm(this.#nextLookMs())
  }

  #stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#endWatch?.()
    this.#endWatch = undefined
  }

  #onWrite(): void {
    if (this.#timer === undefined) return
    const nowMono = this.#source.clock.monotonic()
    const isNew = nowMono - this.#announcedMono >= BURST_MS
    this.#announcedMono = nowMono
    this.#busyUntilMono = nowMono + COMMIT_MS
    // The rest of a burst finds the timer armed already.
    if (!isNew) return
    this.#fastLooks = 0
    this.#arm(this.#nextLookMs())
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#source.clock.setTimer(delayMs, () => this.#look(), { ref: false })
  }

  #look(): void {
    const before = this.#mark
    this.#mark = this.#read()
    const isChanged = this.#mark !== undefined && this.#mark !== before
    if (isChanged) this.#judge()
    // A listener may end the last watch, and what one throws must not silence the others: first the timer.
    this.#arm(this.#nextLookMs())
    if (isChanged) for (const listener of this.#listeners) listener()
  }

  #nextLookMs(): number {
    if (this.#endWatch === undefined) return LOOK_MS
    if (this.#busyUntilMono <= this.#source.clock.monotonic()) return QUIET_LOOK_MS
    return FIRST_LOOKS_MS[this.#fastLooks++] ?? LOOK_MS
  }

  /** A change came: was it announced? Now and then an event is still on its way when a look sees the change. */
  #judge(): void {
    if (this.#endWatch === undefined) return
    const wasAnnounced = this.#busyUntilMono > this.#source.clock.monotonic()
    this.#misses = wasAnnounced ? 0 : this.#misses + 1
    if (this.#misses >= MOST_MISSES) this.#distrust()
  }

  #distrust(): void {
    this.#endWatch?.()
    this.#endWatch = undefined
    if (this.#timer !== undefined) this.#arm(LOOK_MS)
  }

  /** `undefined` when the database cannot be read: whoever uses it next learns why. */
  #read(): number | undefined {
    try {
      return this.#source.changeMark()
    } catch {
      return undefined
    }
  }
}
