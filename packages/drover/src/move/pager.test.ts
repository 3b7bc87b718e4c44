import { expect, test } from "vitest"
import type { MoveRow, MoveStore } from "../store/index.ts"
import { Pager } from "./pager.ts"

/** Reads rows of these sizes page by page. @returns how many each page had. */
async function pages(most: number, sizes: readonly number[]): Promise<number[]> {
  const rows = sizes.map((size): MoveRow => [1, null, "x".repeat(size)])
  const store = {
    exportRows: async (_: unknown, after: string | null, limit: number) => {
      const first = Number(after ?? 0)
      const end = first + limit
      return { rows: rows.slice(first, end), next: end < rows.length ? String(end) : null }
    },
  }
  const pager = new Pager(most)
  const counts: number[] = []
  let after: string | null = null
  do {
    const page = await pager.next(store as never as MoveStore, "jobs", after)
    counts.push(page.rows.length)
    after = page.next
  } while (after !== null)
  return counts
}

test("pages of small rows grow to what was asked for, and not beyond", async () => {
  const counts = await pages(
    1_000,
    Array.from({ length: 5_000 }, () => 10),
  )
  expect(Math.max(...counts)).toBe(1_000)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(5_000)
})

test("pages of large rows shrink, to one if need be", async () => {
  const counts = await pages(
    1_000,
    Array.from({ length: 60 }, () => 5_000_000),
  )
  expect(counts[0]).toBe(32)
  expect(counts.slice(1).every((count) => count === 1)).toBe(true)
})

test("an end that is not at a page's edge is found", async () => {
  expect(await pages(1_000, [])).toEqual([0])
  expect(await pages(2, [1, 1, 1])).toEqual([2, 1])
})
