import type { LeaderRow } from "./leadershipStore.ts"
import type { HealthCheck } from "./upkeep.ts"

/** What a store knows of its leader when somebody asks how it is. */
export interface LeaderFacts {
  /** Whoever holds the term that lives; `null` when none does. */
  readonly leader: LeaderRow | null
  /** How long the term has lasted, or for how long there has been none; `null` when there never was one. */
  readonly sinceMs: number | null
  /** How many services have had a turn in this term. */
  readonly turns: number
  /** Workers with a lease that lasts. */
  readonly liveWorkers: number
}

// A takeover by polling alone, and three tries to start, are over by then.
const GRACE_MS = 60_000

/** Judges whether the leader's work is being done. */
export function judgeLeader({ leader, sinceMs, turns, liveWorkers }: LeaderFacts): HealthCheck {
  const check = "leader"
  if (leader === null) {
    const isNew = sinceMs === null || sinceMs <= GRACE_MS
    if (liveWorkers === 0 || isNew) {
      return { check, status: "ok", message: "Nobody leads, and nobody has to yet." }
    }
    const message =
      "Workers run, but nobody leads: dead workers' jobs are not taken back and nothing is pruned. See whether all clients have `lead: false`, and look for leader.stood_back in their logs."
    return { check, status: "warn", message, value: sinceMs }
  }
  const who = `Client ${leader.id} (pid ${leader.pid} on ${leader.host}) leads term ${leader.term}`
  if (turns > 0 || (sinceMs ?? 0) <= GRACE_MS) {
    return { check, status: "ok", message: `${who}.`, value: leader.term }
  }
  const message = `${who}, but without maintenance: none of its services has run in this term. Look for maintenance.start_failed in its log, or restart it.`
  return { check, status: "warn", message, value: leader.term }
}
