import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { nestedRetry } from "./nestedRetry.ts"

test("the finding tells where both layers wait, also when they stand in two files", async () => {
  const loop = (call: string): string =>
    `for (let attempt = 0; attempt < 3; attempt++) { try { return await ${call} } catch { await sleep(Math.random()) } }`
  const program = await programOf([
    {
      path: "a.ts",
      text: `import { inner } from "./b.js"\nexport async function outer() { ${loop("inner()")} }`,
    },
    { path: "b.ts", text: `export async function inner() { ${loop("api.get()")} }` },
  ])
  const [draft] = applyRule(nestedRetry, program.file("a.ts")!, program)
  expect(draft!.because!.map((fact) => [fact.text, fact.file?.path])).toEqual([
    ["the outer retry waits here", undefined],
    ["what it tries again", undefined],
    ["waits and tries again here", "b.ts"],
  ])
})
