import { expect, test } from "vitest"
import { TokenBucket } from "./tokenBucket.ts"

const options = { burst: 10, everyMs: 10 }

/** Takes tokens as early as they are there, from `nowMono` on. @returns when. */
function takeMany(bucket: TokenBucket, many: number, nowMono: number): readonly number[] {
  let at = nowMono
  return Array.from({ length: many }, () => {
    at = Math.max(at, bucket.dueMono)
    bucket.take(at)
    return at
  })
}

test("a burst goes at once, what follows at the steady pace", () => {
  const times = takeMany(new TokenBucket(options), 13, 1_000)
  expect(times.slice(0, 10)).toEqual(Array<number>(10).fill(1_000))
  expect(times.slice(10)).toEqual([1_010, 1_020, 1_030])
})

test("what comes no faster than the steady pace never waits", () => {
  const bucket = new TokenBucket(options)
  for (let at = 0; at < 10_000; at += 10) {
    expect(bucket.dueMono).toBeLessThanOrEqual(at)
    bucket.take(at)
  }
})

test("a long rest saves up one burst and no more", () => {
  const bucket = new TokenBucket(options)
  takeMany(bucket, 20, 0)
  expect(takeMany(bucket, 12, 1_000_000).slice(9)).toEqual([1_000_000, 1_000_010, 1_000_020])
})

test("in no second there are more than a burst and a second's worth", () => {
  const times = takeMany(new TokenBucket(options), 400, 0)
  for (const from of times) {
    expect(times.filter((at) => at >= from && at < from + 1_000).length).toBeLessThanOrEqual(110)
  }
})

test("who takes one that is not there yet makes the next one later", () => {
  const bucket = new TokenBucket({ burst: 1, everyMs: 100 })
  bucket.take(0)
  bucket.take(0)
  expect(bucket.dueMono).toBe(200)
})
