import { expect } from "vitest"
import type { BidReply, Candidate, Store, TermRef } from "drover/store"
import type { Rules } from "../rules.ts"
import { freshToken } from "../testWorker.ts"
import { hour, minute, second } from "../world.ts"
import type { World } from "../world.ts"

const ttlMs = 15 * second

function candidate(id: string): Candidate {
  // A process of another machine: nobody here can prove anything about it.
  return { id, host: "elsewhere", pid: 4_000_000, info: `{"name":"${id}"}` }
}

/** Bids, and insists on winning. */
async function win(store: Store, id: string, token: number = freshToken()): Promise<TermRef> {
  const reply = await store.bid({ candidate: candidate(id), token, ttlMs })
  if (!reply.won) throw new Error(`${id} did not win: ${reply.leader.id} leads`)
  return { term: reply.term, token }
}

function lose(store: Store, id: string): Promise<BidReply> {
  return store.bid({ candidate: candidate(id), token: freshToken(), ttlMs })
}

/** A term that has ended, and the one after it. */
async function twoTerms(world: World): Promise<{ old: TermRef; current: TermRef }> {
  const old = await win(world.store, "a")
  await world.advance(ttlMs)
  return { old, current: await win(world.other, "b") }
}

/** Terms: who leads, how that ends, and that nothing of an ended term is written. */
export const leadershipRules: Rules = {
  "nobody leads at first, and the first bid wins": async (world) => {
    expect(await world.store.leader()).toBeNull()
    const now = await world.store.now()
    const { term } = await win(world.store, "a")
    expect(term).toBeGreaterThanOrEqual(1)
    const row = await world.other.leader()
    expect(row).toMatchObject({ ...candidate("a"), term })
    expect(row!.electedAt).toBeGreaterThanOrEqual(now)
    expect(row!.untilAt - row!.electedAt).toBe(ttlMs)
  },

  "while a term lives, nobody else wins, and is told who leads and for how long": async (world) => {
    const { term } = await win(world.store, "a")
    await world.advance(5 * second)
    const reply = await lose(world.other, "b")
    expect(reply).toMatchObject({ won: false, leader: { id: "a", term } })
    if (reply.won) return
    expect(reply.leftMs).toBeGreaterThan(9 * second)
    expect(reply.leftMs).toBeLessThanOrEqual(10 * second)
    expect(await lose(world.store, "a")).toMatchObject({ won: false })
  },

  "of many bids at once, one wins": async (world) => {
    for (let round = 0; round < 10; round++) {
      const stores = [world.store, world.other]
      const replies = await Promise.all(
        Array.from({ length: 8 }, (_, n) => lose(stores[n % 2]!, `c${n}`)),
      )
      expect(replies.filter(({ won }) => won)).toHaveLength(1)
      await world.advance(ttlMs)
    }
  },

  "a takeover comes only after the whole time by the store's clock": async (world) => {
    await win(world.store, "a")
    await world.advance(ttlMs - second)
    expect(await lose(world.other, "b")).toMatchObject({ won: false })
    await world.advance(second)
    await win(world.other, "b")
  },

  "a renewal prolongs from now, by the store's clock": async (world) => {
    const term = await win(world.store, "a")
    for (let beat = 0; beat < 5; beat++) {
      await world.advance(10 * second)
      expect(await world.store.renewTerm(term, ttlMs)).toBe("held")
    }
    expect(await lose(world.other, "b")).toMatchObject({ won: false })
    await world.advance(ttlMs)
    await win(world.other, "b")
  },

  "terms only grow: after a resignation, after the end of their time, whoever wins": async (
    world,
  ) => {
    let last = 0
    for (let round = 0; round < 12; round++) {
      const store = round % 3 === 0 ? world.other : world.store
      const term = await win(store, `c${round}`)
      expect(term.term).toBeGreaterThan(last)
      last = term.term
      if (round % 2 === 0) expect(await store.resignTerm(term)).toBe("resigned")
      else await world.advance(ttlMs)
    }
  },

  "a bid that is sent again is the same term, counted anew": async (world) => {
    const token = freshToken()
    const first = await win(world.store, "a", token)
    await world.advance(10 * second)
    expect(await win(world.store, "a", token)).toEqual(first)
    await world.advance(10 * second)
    expect(await lose(world.other, "b")).toMatchObject({ won: false, leader: { term: first.term } })
  },

  "a bid that is sent again after its term ended begins another one, or loses": async (world) => {
    const token = freshToken()
    const first = await win(world.store, "a", token)
    await world.advance(ttlMs)
    const second = await win(world.store, "a", token)
    expect(second.term).toBeGreaterThan(first.term)
    await world.store.resignTerm(second)
    await win(world.other, "b")
    const again = await world.store.bid({ candidate: candidate("a"), token, ttlMs })
    expect(again).toMatchObject({ won: false, leader: { id: "b" } })
  },

  "an ended term is told so by a renewal, which does not revive it": async (world) => {
    const expired = await win(world.store, "a")
    await world.advance(ttlMs)
    expect(await world.store.renewTerm(expired, ttlMs)).toBe("ended")
    expect(await world.other.leader()).toBeNull()
    const resigned = await win(world.store, "a")
    await world.store.resignTerm(resigned)
    expect(await world.store.renewTerm(resigned, ttlMs)).toBe("ended")
    expect(await world.other.leader()).toBeNull()
    const { term } = await win(world.other, "b")
    expect(await world.store.renewTerm(resigned, hour)).toBe("ended")
    expect(await world.other.leader()).toMatchObject({ id: "b", term })
  },

  "after a resignation others win at once, and it may be sent again": async (world) => {
    const term = await win(world.store, "a")
    expect(await world.store.resignTerm(term)).toBe("resigned")
    expect(await world.store.resignTerm(term)).toBe("ended")
    expect(await world.other.leader()).toBeNull()
    await win(world.other, "b")
  },

  "the resignation of an old term touches nothing": async (world) => {
    const { old, current } = await twoTerms(world)
    const before = await world.store.leader()
    expect(await world.store.resignTerm(old)).toBe("ended")
    expect(await world.store.leader()).toEqual(before)
    expect(await world.other.renewTerm(current, ttlMs)).toBe("held")
  },

  "neither a wrong token nor a wrong number is the term": async (world) => {
    const term = await win(world.store, "a")
    for (const wrong of [
      { ...term, token: term.token + 1 },
      { ...term, term: term.term + 1 },
      { ...term, term: term.term - 1 },
    ]) {
      expect(await world.store.renewTerm(wrong, ttlMs)).toBe("ended")
      expect(await world.store.resignTerm(wrong)).toBe("ended")
      const turn = { term: wrong, service: "s", everyMs: second }
      expect(await world.store.claimTurn(turn)).toBe("term_ended")
    }
    expect(await world.store.renewTerm(term, ttlMs)).toBe("held")
  },

  "no write of an old term changes anything": async (world) => {
    const running = await world.running({ kind: "a" })
    await world.jobIn("completed", { kind: "b" })
    await world.enqueue({ kind: "c", expireMs: second })
    await world.advance(hour)
    const { old } = await twoTerms(world)
    const { store } = world
    const keep = { completedMs: 0, discardedMs: 0, cancelledMs: 0, bytes: 0 }
    await world.unchanged(async () => {
      const dead = { deadWorkers: [running.worker.id], expiredLeases: true, limit: 10 }
      expect(await store.rescue({ term: old, ...dead })).toBe("term_ended")
      expect(await store.expire({ term: old, limit: 10 })).toBe("term_ended")
      expect(await store.prune({ term: old, retention: keep, limit: 10 })).toBe("term_ended")
      expect(await store.clean({ term: old, idleMs: 0, limit: 10 })).toBe("term_ended")
      const samples = { term: old, samples: [], keepMs: hour, limit: 10 }
      expect(await store.addSamples(samples)).toBe("term_ended")
      const turn = { term: old, service: "s", everyMs: second }
      expect(await store.claimTurn(turn)).toBe("term_ended")
    })
    expect(await running.worker.beat()).toBe("held")
  },

  "a term whose time is over writes nothing, also when nobody else leads yet": async (world) => {
    const term = await win(world.store, "a")
    await world.enqueue({ expireMs: second })
    await world.advance(ttlMs)
    expect(await world.store.expire({ term, limit: 10 })).toBe("term_ended")
  },

  "a turn is due once in each interval, whichever leader asks": async (world) => {
    const first = await win(world.store, "a")
    const ask = { service: "s", everyMs: minute }
    expect(await world.store.claimTurn({ term: first, ...ask })).toEqual({
      due: true,
      nextInMs: minute,
    })
    await world.store.resignTerm(first)
    const second_ = await win(world.other, "b")
    await world.advance(5 * second)
    const early = await world.other.claimTurn({ term: second_, ...ask })
    expect(early).toMatchObject({ due: false })
    if (early === "term_ended") return
    expect(early.nextInMs).toBeGreaterThan(54 * second)
    expect(early.nextInMs).toBeLessThanOrEqual(55 * second)
    const other = await world.other.claimTurn({ term: second_, service: "t", everyMs: minute })
    expect(other).toMatchObject({ due: true })
  },

  "an interval counts from the last turn, not from a grid": async (world) => {
    const term = await win(world.store, "a")
    const ask = { term, service: "s", everyMs: 2 * second }
    for (let turn = 0; turn < 5; turn++) {
      expect(await world.store.claimTurn(ask)).toMatchObject({ due: true })
      await world.advance(2 * second - 100)
      expect(await world.store.claimTurn(ask)).toMatchObject({ due: false, nextInMs: 100 })
      await world.advance(150)
      await world.store.renewTerm(term, ttlMs)
    }
  },

  "of two that ask for a turn at once, one is due": async (world) => {
    const term = await win(world.store, "a")
    for (let round = 0; round < 10; round++) {
      const ask = { term, service: `s${round}`, everyMs: second }
      const turns = await Promise.all([world.store.claimTurn(ask), world.other.claimTurn(ask)])
      const due = turns.filter((turn) => turn !== "term_ended" && turn.due)
      expect(due).toHaveLength(1)
    }
  },

  "a queue of which nothing is stored any more is forgotten, after a while": async (world) => {
    await world.store.setQueue("said", { slots: 3 }, "ann")
    await world.store.setQueue("silent", { slots: 3 }, "ann")
    await world.store.setQueue("silent", { slots: null }, "ann")
    const term = await win(world.store, "a")
    const ask = { term, idleMs: 10 * second, limit: 10 }
    expect(await world.store.clean(ask)).toMatchObject({ queues: 0 })
    await world.advance(10 * second + 1)
    expect(await world.store.clean(ask)).toMatchObject({ queues: 1 })
    expect(await world.other.queueSettings()).toMatchObject([{ queue: "said", slots: 3 }])
  },

  "workers that ended before all that the trail tells are forgotten": async (world) => {
    for (let n = 0; n < 3; n++) await (await world.worker()).retire()
    const term = await win(world.store, "a")
    const ask = { term, idleMs: hour, limit: 2 }
    expect(await world.store.clean(ask)).toMatchObject({ workers: 2 })
    expect(await world.other.clean(ask)).toMatchObject({ workers: 1 })
    expect(await world.store.clean(ask)).toEqual({ workers: 0, queues: 0 })
  },

  "samples are kept as they were counted, and forgotten by age": async (world) => {
    const counts = {
      scheduled: 1,
      available: 2,
      running: 3,
      retryable: 4,
      completed: 5,
      discarded: 6,
      cancelled: 7,
    }
    const sample = { queue: "q", counts, oldestWaitMs: 12 }
    const quiet = { queue: "r", counts, oldestWaitMs: null }
    const term = await win(world.store, "a")
    const add = { term, keepMs: minute, limit: 10 }
    await world.store.addSamples({ ...add, samples: [sample, quiet] })
    await world.advance(10 * second)
    await world.store.addSamples({ ...add, samples: [sample] })
    const all = await world.other.samples({ queue: null, sinceMs: hour, limit: 100 })
    expect(all).toMatchObject([sample, quiet, sample])
    expect(all[2]!.at - all[0]!.at).toBeGreaterThanOrEqual(10 * second)
    const ask = { queue: "q", sinceMs: 5 * second, limit: 100 }
    expect(await world.other.samples(ask)).toHaveLength(1)
    expect(await world.store.samples({ queue: null, sinceMs: hour, limit: 2 })).toEqual(
      all.slice(1),
    )
    await world.advance(2 * minute)
    const later = { ...add, term: await win(world.store, "a") }
    expect(await world.store.addSamples({ ...later, samples: [] })).toEqual({ forgotten: 3 })
    expect(await world.other.samples({ queue: null, sinceMs: hour, limit: 100 })).toEqual([])
  },
}
