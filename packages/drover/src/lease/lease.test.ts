import fc from "fast-check"
import { expect, test } from "vitest"
import { checkLease, leaseDefaults, trustedUntilMono, TrustWindow } from "./index.ts"
import type { Lease } from "./index.ts"

const leases: fc.Arbitrary<Lease> = fc
  .record({
    beatMs: fc.integer({ min: 1, max: 60_000 }),
    marginMs: fc.integer({ min: 1, max: 60_000 }),
    extraMs: fc.integer({ min: 0, max: 60_000 }),
  })
  .map(({ beatMs, marginMs, extraMs }) => ({
    ttlMs: 2 * beatMs + marginMs + extraMs,
    beatMs,
    marginMs,
  }))

test("the default lease holds its own relations and survives two lost beats", () => {
  expect(checkLease(leaseDefaults)).toBe(leaseDefaults)
  expect(leaseDefaults.ttlMs - leaseDefaults.marginMs).toBeGreaterThan(2 * leaseDefaults.beatMs)
})

test.each([
  [{ ttlMs: 0, beatMs: 1, marginMs: 1 }, "positive"],
  [{ ttlMs: Number.NaN, beatMs: 1, marginMs: 1 }, "positive"],
  [{ ttlMs: 10, beatMs: 1, marginMs: 10 }, "marginMs must be less"],
  [{ ttlMs: 25, beatMs: 10, marginMs: 6 }, "2 x beatMs"],
])("the lease %j is refused", (lease, why) => {
  expect(() => checkLease(lease)).toThrow(why)
})

test("the holder stops before the store lets others in, however long the request took", () => {
  fc.assert(
    fc.property(leases, fc.nat(), fc.nat(), fc.nat(), (lease, sentAt, out, back) => {
      const window = new TrustWindow(checkLease(lease))
      const executedAt = sentAt + out
      const expiresAt = executedAt + lease.ttlMs
      window.granted(sentAt)
      expect(window.untilMono).toBe(trustedUntilMono(sentAt, lease))
      expect(window.untilMono).toBeLessThanOrEqual(expiresAt - lease.marginMs)
      const repliedAt = executedAt + back
      expect(window.isTrusted(repliedAt)).toBe(repliedAt < sentAt + lease.ttlMs - lease.marginMs)
    }),
  )
})

test("replies in any order and lost replies never trust longer than the last request allows", () => {
  fc.assert(
    fc.property(leases, fc.array(fc.nat(1_000_000), { minLength: 1 }), (lease, sentAts) => {
      const window = new TrustWindow(lease)
      for (const sentAt of sentAts) window.granted(sentAt)
      expect(window.untilMono).toBe(trustedUntilMono(Math.max(...sentAts), lease))
      expect(window.leftMs(window.untilMono)).toBe(0)
      expect(window.isTrusted(window.untilMono)).toBe(false)
      expect(window.isTrusted(window.untilMono - 1)).toBe(true)
    }),
  )
})

test("a revocation ends trust at once, and replies to earlier requests do not revive it", () => {
  const window = new TrustWindow(leaseDefaults)
  window.granted(1_000)
  window.revoked(2_000)
  expect(window.isTrusted(2_000)).toBe(false)
  window.granted(1_900)
  window.granted(2_000)
  expect(window.isTrusted(2_001)).toBe(false)
  window.granted(2_001)
  expect(window.leftMs(2_001)).toBe(25_000)
})

test("nothing is trusted before the first grant", () => {
  expect(new TrustWindow(leaseDefaults).isTrusted(0)).toBe(false)
  expect(new TrustWindow(leaseDefaults).leftMs(0)).toBe(0)
})
