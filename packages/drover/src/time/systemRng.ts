import { randomFillSync } from "node:crypto"
import type { Rng } from "./rng.ts"

// One system call fills many draws; a call for each would dominate the cost of an enqueue.
const POOL_BYTES = 4096
const pool = new Uint8Array(POOL_BYTES)
const view = new DataView(pool.buffer)
let used = POOL_BYTES

function take(count: number): number {
  if (used + count > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const at = used
  used += count
  return at
}

/** The machine's cryptographic randomness, buffered. */
export const systemRng: Rng = {
  next() {
    const at = take(8)
    const high = view.getUint32(at) >>> 5
    const low = view.getUint32(at + 4) >>> 6
    return (high * 67_108_864 + low) / 9_007_199_254_740_992
  },
  fill(bytes) {
    if (bytes.length > POOL_BYTES) {
      randomFillSync(bytes)
      return
    }
    const at = take(bytes.length)
    bytes.set(pool.subarray(at, at + bytes.length))
    // A byte handed out must not be found in the pool again.
    pool.fill(0, at, at + bytes.length)
  },
}
