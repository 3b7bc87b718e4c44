import { expect, test } from "vitest"
import { programOf } from "./programOf.ts"

test("a tree that was let go is taken up again while somebody still holds it", async () => {
  const texts = Array.from({ length: 300 }, (_, n) => ({
    path: `f${n}.ts`,
    text: `export const a = ${n}`,
  }))
  const program = await programOf(texts)
  const first = program.file("f0.ts")
  for (const { path } of texts) if (path !== "f0.ts") program.file(path)
  expect(program.file("f0.ts")).toBe(first)
})
