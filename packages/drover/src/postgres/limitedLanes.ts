import type { ClaimedJob, ExchangeRequest } from "../store/index.ts"
import type { PostgresDatabase } from "./database.ts"

/**
 * The lanes of which this process knows that limits or keys decide what may start. A hint: the usual claim takes
 * nothing from such lanes even if this does not know of them, and the limited one works for all lanes.
 */
export class LimitedLanes {
  readonly #known: Set<number> = new Set()

  get isEmpty(): boolean {
    return this.#known.size === 0
  }

  /** Takes over what was seen of these lanes. */
  seen(lanes: readonly number[], limited: ReadonlySet<number>): void {
    for (const lane of lanes) {
      if (limited.has(lane)) this.#known.add(lane)
      else this.#known.delete(lane)
    }
  }

  /** Whether any of these lanes is one. */
  includes(lanes: readonly number[]): boolean {
    return this.#known.size > 0 && lanes.some((lane) => this.#known.has(lane))
  }
}

/** What a limited claim asks for. */
export interface LimitedAsk {
  readonly worker: number
  readonly queue: string
  readonly lanes: readonly number[]
  readonly alone: boolean
  readonly limit: number
}

/** What a limited claim brought. */
export interface LimitedClaims {
  /** In order. */
  readonly ids: readonly string[]
  /** Jobs that were ended instead, with the codes of their states. */
  readonly ended: readonly (readonly [id: string, state: number])[]
  /** Others wait that only limits hold back. */
  readonly heldBack: boolean
  /** Lanes in which the end of a job without keys, before this claim, leaves no room for anybody. */
  readonly shut: readonly number[]
}

/** Claims from the lanes of one queue, obeying their limits. One statement. */
export async function claimLimited(
  database: PostgresDatabase,
  request: ExchangeRequest,
  { worker, queue, lanes, alone, limit }: LimitedAsk,
): Promise<LimitedClaims> {
  const values = [worker, request.worker.token, request.token, queue, lanes, alone, limit]
  const [row] = await database.statement("exchange", "claim_limited", values)
  const [ids, ended, states, heldBack, shut] = row as unknown as readonly [
    ...[readonly string[], readonly string[], readonly number[], boolean, readonly number[]],
  ]
  return { ids, ended: ended.map((id, index) => [id, states[index] as number]), heldBack, shut }
}

/** Those of these jobs that a claim brought, in its order. */
export function inOrder(
  ids: readonly string[],
  jobs: readonly ClaimedJob[],
): readonly ClaimedJob[] {
  const byId = new Map(jobs.map((job) => [job.jobId, job]))
  return ids.flatMap((id) => byId.get(id) ?? [])
}
