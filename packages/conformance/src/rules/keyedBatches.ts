import fc from "fast-check"
import { expect } from "vitest"
import { jobStates } from "drover/store"
import type { EnqueueOutcome, JobState, NewJob } from "drover/store"
import type { Rules } from "../rules.ts"
import { hour, minute, second } from "../world.ts"
import type { World } from "../world.ts"

const KEYS = 4

/** A job of a batch, as the generator makes it. */
interface Item {
  readonly key: number | null
  readonly mode: "skip" | "replace" | "debounce" | "throttle"
  readonly states: readonly JobState[]
  readonly isFor: boolean
  readonly delayMs: number
  readonly priority: number
  readonly kind: string
  readonly isLimited: boolean
  /** The earlier job of the batch whose id it has, if there is one. */
  readonly repeats: number | null
}

interface Scenario {
  /** The state of the job that has each key, if any; and whether a window of a throttle is what it has. */
  readonly holders: readonly (JobState | "window" | null)[]
  readonly batch: readonly Item[]
  /** How many of the batch were sent before, and got lost or not. */
  readonly sentBefore: number
  readonly passesMs: number
}

const held = ["scheduled", "available", "running", "retryable"] as const
const item: fc.Arbitrary<Item> = fc.record({
  key: fc.option(fc.nat(KEYS - 1), { freq: 8 }),
  mode: fc.oneof(
    { weight: 12, arbitrary: fc.constant("skip" as const) },
    { weight: 1, arbitrary: fc.constantFrom("replace" as const, "debounce", "throttle") },
  ),
  states: fc.oneof(
    { weight: 4, arbitrary: fc.constant<readonly JobState[]>(held) },
    { weight: 1, arbitrary: fc.subarray([...jobStates], { minLength: 1 }) },
  ),
  isFor: fc.boolean(),
  delayMs: fc.constantFrom(0, 0, minute),
  priority: fc.nat(2),
  kind: fc.constantFrom("mail", "post"),
  isLimited: fc.nat(15).map((n) => n === 0),
  // Rarely: a batch with an id twice goes one by one as a whole.
  repeats: fc.nat(80).map((n) => (n < 3 ? n : null)),
})

const scenario: fc.Arbitrary<Scenario> = fc.record({
  holders: fc.array(fc.option(fc.constantFrom(...jobStates, "window" as const), { freq: 2 }), {
    minLength: KEYS,
    maxLength: KEYS,
  }),
  batch: fc.array(item, { minLength: 2, maxLength: 8 }),
  sentBefore: fc.oneof(fc.constant(0), fc.nat(8)),
  passesMs: fc.constantFrom(0, second, minute + second),
})

/** One of two worlds apart in one database, where the same jobs come: their keys and ids are its own. */
class Side {
  readonly #world: World
  readonly #name: string
  readonly #names = new Map<string, string>()

  constructor(world: World, name: string) {
    this.#world = world
    this.#name = name
  }

  async hold(holders: Scenario["holders"]): Promise<void> {
    for (const [key, state] of holders.entries()) {
      if (state === null) continue
      const kind = `${this.#name} holds ${key}`
      const unique = this.#world.unique(`${this.#name} ${key}`, {
        states: held,
        ...(state === "window" && { mode: "throttle", forMs: minute }),
      })
      const id = await this.#world.jobIn(state === "window" ? "completed" : state, { kind, unique })
      this.#names.set(id, `holder ${key}`)
    }
  }

  jobs(batch: readonly Item[]): readonly NewJob[] {
    const jobs: NewJob[] = []
    for (const [n, { key, mode, states, isFor, repeats, isLimited, ...over }] of batch.entries()) {
      const window = mode === "throttle" ? hour : isFor ? minute : null
      const unique =
        key === null
          ? null
          : this.#world.unique(`${this.#name} ${key}`, {
              ...{ mode, states, forMs: window, maxWaitMs: mode === "debounce" ? minute : null },
            })
      const keys = isLimited ? { keys: [{ limit: "kind:mail#rate", key: "a" }] } : {}
      const job = this.#world.job({ ...over, ...keys, input: String(n), unique })
      const id = repeats === null ? job.id : (jobs[repeats]?.id ?? job.id)
      if (id === job.id) this.#names.set(id, `job ${n}`)
      jobs.push({ ...job, id })
    }
    return jobs
  }

  outcomes(given: readonly EnqueueOutcome[]): unknown {
    return given.map((outcome) => ({ ...outcome, id: this.#names.get(outcome.id) }))
  }

  /** All jobs of this side and how they came to be so, without what two jobs cannot have in common. */
  async rows(): Promise<unknown> {
    const rows: unknown[] = []
    for (const [id, name] of this.#names) {
      const row = await this.#world.store.get(id)
      const trail = await this.#world.store.trail(id)
      const lines = trail.map(({ at, from, to, attempt, reason }) => ({
        ...{ at, from, to, attempt, reason: this.#anonymous(reason) },
      }))
      const shared = row && { ...row, id: name, workerId: null, uniqueKey: null, kind: "" }
      rows.push([name, shared && { ...shared, reason: this.#anonymous(row.reason) }, lines])
    }
    return rows
  }

  #anonymous(reason: string | null): string | null {
    return reason?.replace(/[0-9a-f-]{36}/, (id) => this.#names.get(id) ?? id) ?? null
  }
}

async function compare(world: World, run: number, given: Scenario): Promise<void> {
  const alone = new Side(world, `alone ${run}`)
  const batch = new Side(world, `batch ${run}`)
  for (const side of [alone, batch]) await side.hold(given.holders)
  const [ones, many] = [alone.jobs(given.batch), batch.jobs(given.batch)]
  for (const job of ones.slice(0, given.sentBefore)) await world.store.enqueue([job])
  for (const job of many.slice(0, given.sentBefore)) await world.store.enqueue([job])
  await world.advance(given.passesMs)
  // The second time is that after a reply that was lost, the third when the windows have passed.
  for (const waitMs of [0, 0, minute]) {
    await world.advance(waitMs)
    const expected: EnqueueOutcome[] = []
    for (const job of ones) expected.push(...(await world.store.enqueue([job])))
    const got = await world.other.enqueue(many)
    expect(batch.outcomes(got)).toEqual(alone.outcomes(expected))
    expect(await batch.rows()).toEqual(await alone.rows())
  }
  // Who has each key now shows in what the next one becomes.
  const next = Array.from({ length: KEYS }, (_, key): Item => {
    const rest = { states: held, isFor: false, delayMs: 0, priority: 1, kind: "mail" }
    const mode = (["skip", "replace", "throttle", "throttle"] as const)[key] ?? "skip"
    return { key, mode, isLimited: false, repeats: null, ...rest }
  })
  const nexts: unknown[] = []
  for (const side of [alone, batch]) {
    const outcomes: EnqueueOutcome[] = []
    for (const job of side.jobs(next)) outcomes.push(...(await world.store.enqueue([job])))
    nexts.push(side.outcomes(outcomes))
  }
  expect(nexts[1]).toEqual(nexts[0])
  expect(await batch.rows()).toEqual(await alone.rows())
}

export const keyedBatchRules: Rules = {
  "a batch of jobs with unique keys becomes what its jobs become one by one": async (world) => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(scenario, (given) => compare(world, ++run, given)),
      { numRuns: 150, seed: 7 },
    )
  },
}
