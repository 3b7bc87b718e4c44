import type { ExchangeReply, ExchangeRequest, Store } from "../src/store/index.ts"
import { overStore } from "./overStore.ts"
import type { Fuse } from "./plan.ts"
import type { Witness } from "./witness.ts"

/**
 * A store that passes the crash points before and after its operations, and writes down what it was told.
 * The runtime is handed it in place of the real one; nothing in the product knows of crash points.
 */
export function crashingStore(
  store: Store,
  fuse: Fuse,
  witness: Witness,
  deadProof: boolean,
): Store {
  const instead: Partial<Store> = {
    async exchange(request) {
      passBefore(fuse, request)
      const reply = await store.exchange(request)
      passAfter(fuse, witness, request, reply)
      return reply
    },
    async registerWorker(worker) {
      const ref = await store.registerWorker(worker)
      fuse.pass("after-register")
      return ref
    },
    async rescue(options) {
      const rescued = await store.rescue(options)
      if (rescued !== "term_ended" && rescued.length > 0) fuse.pass("after-rescue")
      return rescued
    },
    deadWorkers: () => (deadProof ? store.deadWorkers() : Promise.resolve([])),
  }
  return overStore(store, instead)
}

function passBefore(fuse: Fuse, { claims, settlements }: ExchangeRequest): void {
  if (settlements.length > 0) fuse.pass("before-settle")
  if (claims.length > 0) fuse.pass("before-claim")
}

function passAfter(
  fuse: Fuse,
  witness: Witness,
  request: ExchangeRequest,
  reply: ExchangeReply,
): void {
  if (request.settlements.length > 0) fuse.pass("after-commit-before-reply")
  if (reply.claimed.length > 0) fuse.pass("after-claim")
  for (const [index, { attempt, settlement }] of request.settlements.entries()) {
    const { jobId: job, attempt: number, token } = attempt
    const status = reply.settled[index] ?? "fenced"
    witness.write({ event: "settled", job, attempt: number, token, to: settlement.to, status })
  }
  for (const { jobId: job, attempt, token } of reply.claimed) {
    witness.write({ event: "claimed", job, attempt, token })
  }
}
