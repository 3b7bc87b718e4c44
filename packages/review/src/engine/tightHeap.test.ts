import { beforeEach, expect, test, vi } from "vitest"
import { TightHeap } from "./tightHeap.ts"

const flags = vi.hoisted((): string[] => [])
vi.mock("node:v8", () => ({ setFlagsFromString: (flag: string) => void flags.push(flag) }))

beforeEach(() => void flags.splice(0))

const ITS_OWN = ["--heap-growing-percent=0", "--semi-space-growth-factor=2"]

test("a heap is tight from the start, and grows as it did when it is let loose", () => {
  const heap = new TightHeap()
  expect(flags).toEqual(["--heap-growing-percent=15", "--semi-space-growth-factor=1"])
  heap.loosen()
  expect(flags.slice(2)).toEqual(ITS_OWN)
})

test("it stays tight while one of two reviews wants it so, however often the other lets go", () => {
  const [one, other] = [new TightHeap(), new TightHeap()]
  one.loosen()
  one.loosen()
  expect(flags).toHaveLength(2)
  other.loosen()
  expect(flags.slice(2)).toEqual(ITS_OWN)
})
