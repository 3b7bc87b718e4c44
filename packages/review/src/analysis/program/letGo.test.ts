import { expect, test } from "vitest"
import { Program } from "./program.ts"
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

test("what is known is forgotten when very many trees were let go, and found again", () => {
  const unit = {
    language: "go",
    package: null,
    imports: [],
    body: [],
    comments: [],
    errors: 0,
  } as const
  const program = new Program({
    sources: Array.from({ length: 2_200 }, (_, n) => ({
      path: `f${n}.go`,
      language: "go",
      isTest: false,
      text: `${n}`,
      summary: { package: null, imports: [], functions: [], classes: [], calls: [], errors: 0 },
      load: () => unit,
    })),
    evidence: [],
  })
  const kind = Symbol("length of a text")
  const key = {}
  let computed = 0
  const length = (): number =>
    program.traced(() =>
      program.memo(kind, key, 0, () => {
        computed += 1
        return program.file("f7.go")!.text.length
      }),
    ).value
  expect([length(), length(), computed]).toEqual([1, 1, 1])
  for (const { path } of program.sources) program.file(path)
  expect([length(), length(), computed]).toEqual([1, 1, 2])
})
