import { expect, test, vi } from "vitest"
import { Lowering } from "./lowering.ts"
import { parseSource } from "./parse.ts"

/** How often nodes are lowered for `levels` of something that breaks inside of itself. */
async function work(path: string, line: string, levels: number): Promise<number> {
  const lower = vi.spyOn(Lowering.prototype, "many")
  await parseSource(path, line.repeat(levels))
  const calls = lower.mock.calls.length
  lower.mockRestore()
  return calls
}

test.each([
  ["a.py", "} else if x {\n"],
  ["a.py", "a if b else c d "],
  ["a.go", "} else if x {\n"],
  ["a.go", "[]T{{ a: b c, "],
  ["A.java", "} else if (x) { a ? b : "],
  ["a.kt", "} else if (x) { a ?: b c "],
])("%s: %j that breaks inside of itself is lowered once a level", async (path, line) => {
  const some = await work(path, line, 8)
  const twice = await work(path, line, 16)
  expect(twice).toBeLessThan(4 * some + 20)
})
