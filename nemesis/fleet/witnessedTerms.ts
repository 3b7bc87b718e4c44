import type { Fenced, Store, TermRef } from "../../packages/drover/src/store/index.ts"
import { systemClock } from "../../packages/drover/src/time/index.ts"
import type { WorkerWitness } from "../history/testimony.ts"

/** Testifies what is done in terms of leadership: bids that won, and writes that only a leader makes. */
export function witnessedTerms(store: Store, witness: WorkerWitness): Partial<Store> {
  /** @param wrote whether an answer tells of a write: what only looked may come late. */
  const fenced = async <T>(
    op: string,
    { term }: TermRef,
    { send, wrote }: { send: () => Promise<Fenced<T>>; wrote: (reply: T) => boolean },
  ): Promise<Fenced<T>> => {
    const sentMono = systemClock.monotonic()
    const reply = await send()
    if (reply !== "term_ended" && wrote(reply as T))
      witness.write({ event: "termWrite", op, term, sentMono })
    return reply
  }
  return {
    async bid(request) {
      const sentMono = systemClock.monotonic()
      const reply = await store.bid(request)
      if (reply.won) witness.write({ event: "elected", term: reply.term, sentMono })
      return reply
    },
    async renewTerm(term, ttlMs) {
      const sentMono = systemClock.monotonic()
      const reply = await store.renewTerm(term, ttlMs)
      if (reply === "held")
        witness.write({ event: "termWrite", op: "renewTerm", term: term.term, sentMono })
      return reply
    },
    claimTurn: (request) =>
      fenced("claimTurn", request.term, {
        send: () => store.claimTurn(request),
        wrote: ({ due }) => due,
      }),
    addSamples: (request) =>
      fenced("addSamples", request.term, {
        send: () => store.addSamples(request),
        wrote: () => true,
      }),
    rescue: async (request) => {
      const reply = await fenced("rescue", request.term, {
        send: () => store.rescue(request),
        wrote: (rescued) => rescued.length > 0,
      })
      if (reply === "term_ended") return reply
      for (const { jobId: job, attempt, workerId: from } of reply)
        witness.write({ event: "rescued", job, attempt, from })
      return reply
    },
  }
}
