import { DroverError } from "../errors/index.ts"
import { checkLease } from "../lease/index.ts"
import type { Lease } from "../lease/index.ts"

/** How a client bids for terms and keeps them. All in milliseconds. */
export interface LeadershipTimes {
  /** How long the store grants a term from the instant at which it carries out the bid or the renewal. */
  readonly ttlMs: number
  /** Pause between two renewals. */
  readonly renewMs: number
  /** How much earlier than the store the leader stops trusting its term. */
  readonly marginMs: number
  /** Pause between two bids while another leads, when nothing hints at its end. */
  readonly bidMs: number
  /** Largest random part added to that pause. */
  readonly jitterMs: number
  /** Longest wait for one answer of the store; a renewal's is cut to the trust that is left. */
  readonly requestMs: number
  /** How long a resignation waits for what runs under the term to end. */
  readonly handOverMs: number
  /** Longest time a client stands back after its maintenance failed. */
  readonly standBackCapMs: number
}

/** A term of 15 s, renewed every 5 s and trusted for 14 s, so that one lost renewal does not end it. */
export const leadershipDefaults: LeadershipTimes = {
  ttlMs: 15_000,
  renewMs: 5_000,
  marginMs: 1_000,
  bidMs: 5_000,
  jitterMs: 1_000,
  requestMs: 5_000,
  handOverMs: 500,
  standBackCapMs: 600_000,
}

/** Checks the relations between the times. @throws DroverError `DROVER_CONFIG`. */
export function checkLeadership(times: LeadershipTimes): LeadershipTimes {
  checkLease(leaseOf(times))
  for (const [name, ms] of Object.entries(times) as [string, number][]) {
    if (Number.isFinite(ms) && ms > 0) continue
    throw new DroverError("DROVER_CONFIG", `lead.${name}: ${ms} cannot work; it must be positive`)
  }
  return times
}

/** The lease that a term is. */
export function leaseOf({ ttlMs, renewMs, marginMs }: LeadershipTimes): Lease {
  return { ttlMs, beatMs: renewMs, marginMs }
}

checkLeadership(leadershipDefaults)
