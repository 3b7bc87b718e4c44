import { overStore } from "../../packages/drover/crash/overStore.ts"
import type {
  ExchangeReply,
  ExchangeRequest,
  Store,
  StoreSource,
} from "../../packages/drover/src/store/index.ts"
import { systemClock } from "../../packages/drover/src/time/index.ts"
import type { WorkerWitness } from "../history/testimony.ts"
import { witnessedTerms } from "./witnessedTerms.ts"

/** The fences of what this process claimed, by job and attempt. */
export type Fences = Map<string, number>

/** A source whose store testifies what it was told: who it is, what it claimed, settled and rescued. */
export function witnessedSource(
  source: StoreSource,
  options: {
    readonly witness: WorkerWitness
    readonly fences: Fences
    readonly deadProof: boolean
  },
): StoreSource {
  return {
    label: source.label,
    connect: (environment) => witnessed(source.connect(environment), options),
  }
}

function witnessed(
  store: Store,
  { witness, fences, deadProof }: Parameters<typeof witnessedSource>[1],
): Store {
  return overStore(store, {
    async registerWorker(worker) {
      // Before it: a rescue may follow although the reply was lost.
      witness.write({ event: "joined", worker: worker.workerId })
      return store.registerWorker(worker)
    },
    async exchange(request) {
      const sentMono = systemClock.monotonic()
      const reply = await store.exchange(request)
      testify(witness, fences, { request, reply, sentMono })
      return reply
    },
    ...witnessedTerms(store, witness),
    deadWorkers: () => (deadProof ? store.deadWorkers() : Promise.resolve([])),
  })
}

function testify(
  witness: WorkerWitness,
  fences: Fences,
  {
    request,
    reply,
    sentMono,
  }: { request: ExchangeRequest; reply: ExchangeReply; sentMono: number },
): void {
  for (const [index, { attempt, settlement }] of request.settlements.entries()) {
    const { jobId: job, attempt: number, token } = attempt
    const status = reply.settled[index] ?? "fenced"
    fences.delete(`${job} ${number}`)
    witness.write({ event: "settled", job, attempt: number, token, to: settlement.to, status })
  }
  for (const { jobId: job, attempt, token } of reply.claimed) {
    fences.set(`${job} ${attempt}`, token)
    witness.write({ event: "claimed", job, attempt, token, sentMono })
  }
  const count = reply.claimed.length
  if (count > 0) witness.write({ event: "claim", count, ms: systemClock.monotonic() - sentMono })
}
