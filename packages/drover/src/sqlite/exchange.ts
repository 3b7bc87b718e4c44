import type { ExchangeReply, ExchangeRequest } from "../store/index.ts"
import { claimJobs, heldJobs } from "./claim.ts"
import type { StoreContext } from "./context.ts"
import { enqueueWithin } from "./enqueue.ts"
import { settle } from "./settle.ts"
import type { WriteTx } from "./writeTx.ts"

/** Writes new jobs, settles what ended and claims more, in one transaction. See `Store.exchange`. */
export function exchange(context: StoreContext, request: ExchangeRequest): Promise<ExchangeReply> {
  let rows = request.settlements.length + (request.enqueues?.length ?? 0)
  for (const { limit, ahead = 0 } of request.claims) rows += limit + ahead
  return context.write("exchange", (tx) => exchangeWithin(tx, request), Math.max(1, rows))
}

function exchangeWithin(tx: WriteTx, request: ExchangeRequest): ExchangeReply {
  const worker = request.worker.ref as number
  // What an operation noted that was rolled back, or did not ask, is none of this one.
  tx.takeEnded()
  const enqueued = request.enqueues && enqueueWithin(tx, request.enqueues)
  // First, so that what is settled as due at once can be claimed again.
  const settled = settle(tx, worker, request.settlements)
  const lease = readLease(tx, request)
  const held = lease === "lost" || !request.repeat ? [] : heldJobs(tx, request)
  // A lease that ended but was not taken back yet: a beat may still save it; until then nothing is claimed under it.
  const { claimed, heldBack } =
    lease === "valid" ? claimJobs(tx, request, held) : { claimed: [], heldBack: [] }
  const reply = {
    settled,
    claimed: held.length === 0 ? claimed : [...held, ...claimed],
    workerLost: lease === "lost",
    ended: tx.takeEnded(),
    ...(enqueued && { enqueued }),
  }
  return heldBack.length === 0 ? reply : { ...reply, heldBack }
}

function readLease(tx: WriteTx, { worker }: ExchangeRequest): "valid" | "ended" | "lost" {
  const row = tx.statements.first("claim_worker", worker.ref)
  if (row === undefined || row[0] !== worker.token || row[2] !== null) return "lost"
  return (row[1] as number) > tx.now ? "valid" : "ended"
}
