import { isDroverError } from "../errors/index.ts"
import { ManualClock, randomBelow, SeededRng } from "../time/index.ts"
import type { Clock } from "../time/index.ts"
import { Producer } from "./producer.fixture.ts"

/** A reservation as the invariants use it. */
export interface Held {
  readonly weight: number
  take(weight?: number): Held
  giveBack(weight?: number): void
  release(): void
  markStuck(): void
}

/** What the invariants are stated about. A pool may take its time, if it can afford it. */
export interface PoolUnderTest {
  readonly limit: number
  readonly reserved: number
  readonly waiting: number
  readonly stats: { readonly stuck: number }
  tryReserve(weight?: number): Held | undefined | Promise<Held | undefined>
  reserveUpTo(most: number): Held | Promise<Held>
  acquire(options?: { readonly weight?: number }): Promise<Held>
  resize(limit: number): void
  onFree(listener: () => void): () => void
}

/** Makes the pool that an invariant is checked on. */
export type MakePool = (options: {
  readonly limit: number
  readonly maxWaiting: number
  readonly clock: Clock
}) => PoolUnderTest

/** One rule of reservation, and a check that throws when a pool breaks it. */
export interface Invariant {
  readonly rule: string
  check(make: MakePool): Promise<void>
}

const RUNS = 50

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken: ${what}`)
}

interface World {
  readonly clock: ManualClock
  readonly pool: PoolUnderTest
  readonly producer: Producer
}

function world(make: MakePool, limit: number, maxWaiting = 100): World {
  const clock = new ManualClock()
  const pool = make({ limit, maxWaiting, clock })
  const producer = new Producer(pool)
  return { clock, pool, producer }
}

async function neverMoreThanTheLimit(make: MakePool): Promise<void> {
  for (let seed = 1; seed <= RUNS; seed++) {
    const rng = new SeededRng(seed)
    const { clock, pool, producer } = world(make, 1 + randomBelow(rng, 10))
    producer.watch((executing) => {
      must(pool.reserved <= pool.limit, `${pool.reserved} reserved of ${pool.limit}`)
      must(executing <= pool.reserved, `${executing} executing with ${pool.reserved} reserved`)
    })
    producer.submit(40)
    for (let i = 0; i < 30; i++) {
      for (let wakes = randomBelow(rng, 4); wakes > 0; wakes--) producer.wake()
      if (rng.next() < 0.5) await clock.settle()
      if (rng.next() < 0.7) producer.finish(randomBelow(rng, 3))
    }
    await producer.drain(clock)
  }
}

async function releasedExactlyOnceOnEveryPath(make: MakePool): Promise<void> {
  const { clock, pool, producer } = world(make, 4)
  for (const path of ["success", "throw", "timeout", "empty", "fetch error", "shutdown"] as const) {
    producer.path = path
    producer.submit(path === "empty" ? 0 : 4)
    producer.wake()
    await clock.settle()
    producer.finish(4)
    await clock.settle()
    must(pool.reserved === 0, `${pool.reserved} reserved after the path ${path}`)
    const all = await pool.reserveUpTo(100)
    must(all.weight === 4, `${all.weight} free of 4 after the path ${path}`)
    all.giveBack()
    producer.forget()
  }
}

async function staleWakeUpsAreHarmless(make: MakePool): Promise<void> {
  for (const free of [0, 1, 3]) {
    const { clock, pool, producer } = world(make, 5)
    for (let held = free; held < 5; held++) await pool.tryReserve()
    producer.submit(50)
    for (let i = 0; i < 20; i++) producer.wake()
    await clock.settle()
    must(producer.started === free, `${producer.started} started by 20 wake-ups with ${free} free`)
  }
}

async function noWakeUpIsLost(make: MakePool): Promise<void> {
  const { clock, pool, producer } = world(make, 2)
  producer.submit(10)
  producer.wake()
  await clock.settle()
  for (let done = 1; done <= 8; done++) {
    producer.finish(1)
    await clock.settle()
    must(
      producer.started === Math.min(10, 2 + done),
      `${producer.started} started after ${done} ended`,
    )
  }
  await producer.drain(clock)

  const slot = await pool.acquire({ weight: 2 })
  let served = 0
  for (let i = 0; i < 2; i++) void pool.acquire().then(() => served++)
  await clock.settle()
  slot.release()
  await clock.settle()
  must(served === 2 && clock.monotonic() === 0, `${served} of 2 served without a poll`)
}

async function fetchesOnlyWhatIsReserved(make: MakePool): Promise<void> {
  const { clock, pool, producer } = world(make, 8)
  const held = await pool.tryReserve(3)
  producer.submit(2)
  for (let i = 0; i < 4; i++) producer.wake()
  producer.whileFetching = () => {
    must(producer.asked <= 5, `${producer.asked} asked for with 5 free`)
    must(
      pool.reserved === 3 + producer.asked,
      `${pool.reserved} reserved while ${producer.asked} are fetched`,
    )
  }
  await clock.settle()
  must(pool.reserved === 5, `${pool.reserved} reserved after 2 of 5 were found`)
  producer.whileFetching = () => {}
  held?.release()
  await producer.drain(clock)
  must(pool.reserved === 0, `${pool.reserved} reserved at the end`)
}

async function resizeKillsNothingAndWakes(make: MakePool): Promise<void> {
  const { clock, pool, producer } = world(make, 4)
  producer.submit(20)
  producer.wake()
  await clock.settle()
  pool.resize(2)
  await clock.settle()
  must(producer.executing === 4, `${producer.executing} of 4 run on after lowering`)
  producer.finish(2)
  await clock.settle()
  must(producer.started === 4, `${producer.started} started while 2 of 2 run`)
  pool.resize(0)
  producer.finish(2)
  producer.wake()
  await clock.settle()
  must(producer.started === 4, `${producer.started} started while paused`)
  pool.resize(3)
  await clock.settle()
  must(producer.started === 7, `${producer.started} started after the limit was raised to 3`)
}

async function aTimedOutJobKeepsItsSlot(make: MakePool): Promise<void> {
  const { clock, pool, producer } = world(make, 2)
  producer.submit(5)
  producer.wake()
  await clock.settle()
  producer.stall()
  producer.wake()
  await clock.settle()
  must(producer.executing === 2, `${producer.executing} execute with one stuck`)
  must(
    pool.reserved === 2 && pool.stats.stuck === 1,
    `${pool.reserved} reserved, ${pool.stats.stuck} stuck`,
  )
  producer.finish(1)
  await clock.settle()
  must(pool.stats.stuck === 0, "a stuck job that ended is no longer counted")
}

async function theQueueTakesExactlyItsCapacity(make: MakePool): Promise<void> {
  const { clock, pool } = world(make, 1, 7)
  await pool.tryReserve()
  let refused = 0
  for (let i = 0; i < 30; i++) {
    pool.acquire().catch((error: unknown) => {
      must(isDroverError(error, "DROVER_SLOTS_FULL"), String(error))
      refused++
    })
  }
  await clock.settle()
  must(
    pool.waiting === 7 && refused === 23,
    `${pool.waiting} wait, ${refused} refused of 30 with room for 7`,
  )
}

async function theBooksBalance(make: MakePool): Promise<void> {
  for (let seed = 1; seed <= RUNS; seed++) {
    const rng = new SeededRng(seed)
    const { clock, pool, producer } = world(make, 5)
    let submitted = 0
    for (let i = 0; i < 20; i++) {
      const more = randomBelow(rng, 4)
      submitted += more
      producer.submit(more)
      producer.wake()
      if (rng.next() < 0.3) producer.wake()
      if (rng.next() < 0.5) producer.finish(randomBelow(rng, 4))
      await clock.settle()
      must(pool.reserved >= 0 && pool.reserved <= 5, `${pool.reserved} busy of 5`)
      const known = producer.ended + producer.queued + producer.executing
      must(known === submitted, `${known} accounted for of ${submitted}`)
      must(
        producer.executing === pool.reserved,
        `${producer.executing} execute, ${pool.reserved} busy`,
      )
    }
  }
}

async function releaseCostsNothing(make: MakePool): Promise<void> {
  const { clock, pool, producer } = world(make, 10)
  producer.submit(100)
  producer.wake()
  await clock.settle()
  for (let i = 0; i < 100; i++) {
    producer.finish(1)
    await clock.settle()
  }
  must(producer.ended === 100, `${producer.ended} of 100 ended`)
  // One batch of ten, one fetch for each release that freed a slot for waiting work, one that found nothing.
  must(producer.fetches <= 92, `${producer.fetches} fetches for 100 jobs`)

  const first = await pool.acquire({ weight: 10 })
  for (let i = 0; i < 20; i++) void pool.acquire().then((slot) => slot.release())
  await clock.settle()
  must(clock.pending === 0, `${clock.pending} timers for 20 callers that wait`)
  first.release()
  await clock.settle()
  must(pool.reserved === 0 && clock.pending === 0, `${pool.reserved} reserved at the end`)
}

/** The ten rules of reservation. Source: the invariants that golang-queue #154 and its review taught. */
export const invariants: readonly Invariant[] = [
  {
    rule: "1. at every instant, reserved ≤ limit and executing ≤ reserved",
    check: neverMoreThanTheLimit,
  },
  {
    rule: "2. what was reserved is released exactly once, on every path",
    check: releasedExactlyOnceOnEveryPath,
  },
  { rule: "3. stale wake-ups are harmless", check: staleWakeUpsAreHarmless },
  {
    rule: "4. no wake-up is lost: a freed slot leads to a start without a poll",
    check: noWakeUpIsLost,
  },
  {
    rule: "5. a fetch asks for exactly what was reserved, and returns the rest",
    check: fetchesOnlyWhatIsReserved,
  },
  {
    rule: "6. lowering kills nothing, zero pauses, raising wakes",
    check: resizeKillsNothingAndWakes,
  },
  {
    rule: "7. a job that timed out and still runs keeps its slot and is counted",
    check: aTimedOutJobKeepsItsSlot,
  },
  {
    rule: "8. the queue of waiting callers takes exactly its capacity",
    check: theQueueTakesExactlyItsCapacity,
  },
  { rule: "9. busy stays in [0, limit] and every job is accounted for", check: theBooksBalance },
  {
    rule: "10. a release costs no timer and no fetch that finds nothing",
    check: releaseCostsNothing,
  },
]
