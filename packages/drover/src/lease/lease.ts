import { assert, DroverError } from "../errors/index.ts"

/**
 * How long a right lasts and how it is kept. All rooms that hold something until an instant use these
 * three numbers and the relations that `checkLease` asserts between them.
 */
export interface Lease {
  /** How long the store grants the right from the instant at which it carries out the request. */
  readonly ttlMs: number
  /** Pause between two renewals. */
  readonly beatMs: number
  /** How much earlier than the store the holder stops trusting the right: clock rates, timer lag, the abort itself. */
  readonly marginMs: number
}

/** The lease of a worker: 30 s, beaten every 10 s, trusted for 25 s, so that two beats in a row may be missed. */
export const leaseDefaults: Lease = { ttlMs: 30_000, beatMs: 10_000, marginMs: 5_000 }

/**
 * Checks the relations without which a lease is not safe or not kept: the holder stops before the store
 * lets others in, and one lost renewal does not end it.
 * @throws DroverError `DROVER_CONFIG` naming the relation that does not hold.
 */
export function checkLease(lease: Lease): Lease {
  const { ttlMs, beatMs, marginMs } = lease
  const broken = [ttlMs, beatMs, marginMs].some((ms) => !Number.isFinite(ms) || ms <= 0)
    ? "ttlMs, beatMs and marginMs must be positive"
    : marginMs >= ttlMs
      ? "marginMs must be less than ttlMs"
      : ttlMs - marginMs < 2 * beatMs
        ? "ttlMs - marginMs must be at least 2 x beatMs, so that one lost beat does not end the lease"
        : undefined
  if (broken === undefined) return lease
  throw new DroverError(
    "DROVER_CONFIG",
    `Lease of ${ttlMs} ms, beaten every ${beatMs} ms, margin ${marginMs} ms: ${broken}`,
    { details: { ttlMs, beatMs, marginMs } },
  )
}

/**
 * The instant of the holder's monotonic clock until which it may trust what it was granted.
 *
 * Trust starts when the request was sent, not when the reply came: the store counts from some instant in
 * between, so only the earliest is safe. A slow round trip shortens the trust, it never stretches it.
 * Source: River's elector; facts of the design, "Time".
 */
export function trustedUntilMono(sentAtMono: number, lease: Lease): number {
  assert(
    Number.isFinite(sentAtMono),
    `sentAtMono must be a reading of the clock, got ${sentAtMono}`,
  )
  return sentAtMono + lease.ttlMs - lease.marginMs
}

checkLease(leaseDefaults)
