import { assert } from "../errors/index.ts"
import type { Fenced, LeadershipStore, TermRef } from "./leadershipStore.ts"
import type { Store } from "./store.ts"
import type { ExpiredJob, PruneReply, RescuedJob, RescueRequest, Retention } from "./upkeep.ts"

// Longer than any test plays.
const TTL_MS = 1e12
const TOKEN = 77

/** The upkeep of a store as its leader does it, for tests that are not about terms. */
export interface AsLeader {
  readonly term: TermRef
  rescue(request: Omit<RescueRequest, "term">): Promise<readonly RescuedJob[]>
  expire(limit: number): Promise<readonly ExpiredJob[]>
  prune(retention: Retention, limit: number): Promise<PruneReply>
}

/** Leads, for as long as the test plays, whatever number of times it is asked to. */
export async function asLeader(
  store: Pick<Store, "rescue" | "expire" | "prune"> & LeadershipStore,
): Promise<AsLeader> {
  const candidate = { id: "test", host: "elsewhere", pid: 1, info: "{}" }
  const reply = await store.bid({ candidate, token: TOKEN, ttlMs: TTL_MS })
  assert(reply.won, "nobody else leads in this test")
  const term: TermRef = { term: reply.term, token: TOKEN }
  return {
    term,
    rescue: async (request) => held(await store.rescue({ term, ...request })),
    expire: async (limit) => held(await store.expire({ term, limit })),
    prune: async (retention, limit) => held(await store.prune({ term, retention, limit })),
  }
}

function held<T>(reply: Fenced<T>): T {
  assert(reply !== "term_ended", "the test leads")
  return reply as T
}
