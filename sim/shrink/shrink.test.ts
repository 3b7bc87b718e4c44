import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { ddmin } from "./ddmin.ts"
import { formatPlaces, parsePlaces } from "./placeList.ts"

describe("ddmin", () => {
  test("finds exactly the entries that fail together", async () => {
    let asked = 0
    const list = Array.from({ length: 200 }, (_, i) => i)
    const culprits = [17, 93, 94, 180]
    const fails = (part: readonly number[]): Promise<boolean> => {
      asked++
      return Promise.resolve(culprits.every((culprit) => part.includes(culprit)))
    }
    expect(await ddmin(list, fails, 1_000)).toEqual(culprits)
    expect(asked).toBeLessThan(200)
  })

  test("what is left fails, whatever fails", async () => {
    await expect(
      fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.nat(40), { minLength: 1 }),
          fc.nat(1_000),
          async (list, seed) => {
            const fails = (part: readonly number[]): Promise<boolean> =>
              Promise.resolve(part.reduce((sum, entry) => sum + entry, 0) > seed % 60)
            if (!(await fails(list))) return
            const kept = await ddmin(list, fails, 500)
            expect(await fails(kept)).toBe(true)
            for (const entry of kept) {
              expect(await fails(kept.filter((other) => other !== entry))).toBe(false)
            }
          },
        ),
        { numRuns: 100 },
      ),
    ).resolves.toBeUndefined()
  })

  test("asks no more often than its budget", async () => {
    let asked = 0
    const list = Array.from({ length: 100 }, (_, i) => i)
    await ddmin(list, (part) => Promise.resolve(++asked > 0 && part.length > 50), 30)
    expect(asked).toBe(30)
  })

  test("nothing is left when nothing was needed", async () => {
    expect(await ddmin([1, 2, 3], () => Promise.resolve(true), 10)).toEqual([])
  })
})

test("places survive being written and read", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(60)), (places) => {
      const sorted = places.toSorted((a, b) => a - b)
      expect(parsePlaces(formatPlaces(sorted))).toEqual(sorted)
    }),
  )
  expect(formatPlaces([0, 1, 2, 7])).toBe("0-2,7")
  expect(() => parsePlaces("3,x")).toThrow("not a place")
})
