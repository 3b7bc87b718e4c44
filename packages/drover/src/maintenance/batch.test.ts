import { expect, test } from "vitest"
import { DroverError, Timeout } from "../errors/index.ts"
import { Batch } from "./batch.ts"

const slow = new Timeout("too slow")

test("a statement that takes too long is tried with half as many rows, down to the least", () => {
  const batch = new Batch({ most: 100, least: 10 })
  const sizes = Array.from({ length: 6 }, () => {
    batch.failed(slow)
    return batch.size
  })
  expect(sizes).toEqual([50, 25, 12, 10, 10, 10])
})

test("after a few good batches it grows again, up to the most", () => {
  const batch = new Batch({ most: 100, least: 10 })
  for (let n = 0; n < 4; n++) batch.failed(slow)
  const sizes = Array.from({ length: 25 }, () => {
    batch.succeeded()
    return batch.size
  })
  expect(sizes.filter((size, n) => size !== sizes[n - 1])).toEqual([10, 20, 40, 80, 100])
})

test("a failure between good batches starts the count anew", () => {
  const batch = new Batch({ most: 100, least: 10 })
  batch.failed(slow)
  for (let n = 0; n < 4; n++) batch.succeeded()
  batch.failed(slow)
  for (let n = 0; n < 4; n++) batch.succeeded()
  expect(batch.size).toBe(25)
})

test("a failure that says nothing about the size changes nothing", () => {
  const batch = new Batch({ most: 100, least: 10 })
  batch.failed(new DroverError("DROVER_STORE_IO", "gone"))
  batch.failed(new Error("else"))
  expect(batch.size).toBe(100)
  batch.failed(new DroverError("DROVER_STORE_BUSY", "locked"))
  batch.failed(new DroverError("DROVER_STORE_TIMEOUT", "slow"))
  expect(batch.size).toBe(25)
})
