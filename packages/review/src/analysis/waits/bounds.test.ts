import { expect, test } from "vitest"
import { boundsOf } from "./bounds.ts"
import { programOf } from "../program/programOf.ts"

/** Whether what stands in a function has a cap on its rounds. */
async function hasCap(path: string, text: string): Promise<boolean> {
  const program = await programOf([{ path, text }])
  const file = program.file(path)!
  return boundsOf(file, file.functions[0]!).hasCap
}

test("repeat has as many rounds as it says, and a function of that name without a number has not", async () => {
  const body = "try { return api.fetch() } catch (e: IOException) { delay(5) }"
  const kotlin = (call: string): string =>
    `fun load(): String {\n  ${call} {\n    ${body}\n  }\n}\n`
  expect(await hasCap("A.kt", kotlin("repeat(5)"))).toBe(true)
  expect(await hasCap("A.kt", kotlin("repeat"))).toBe(false)
  expect(await hasCap("A.kt", kotlin("forever(5)"))).toBe(false)
})
