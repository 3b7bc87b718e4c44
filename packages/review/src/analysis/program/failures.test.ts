import { expect, test } from "vitest"
import type { If } from "../../ir/nodes.ts"
import { meaningOf, type Verdict } from "./failures.ts"
import { programOf } from "./programOf.ts"

/** What the test of the first branch of a text means. */
async function meaning(path: string, text: string): Promise<Verdict> {
  const program = await programOf([{ path, text }])
  const [branch] = program.file(path)!.branches.filter((one): one is If => one.kind === "if")
  return meaningOf(branch!.test)
}

test("a status among those of failures alone says that something failed", async () => {
  expect(await meaning("a.ts", "if ([429, 503].includes(res.status)) f()")).toBe("failure")
  expect(await meaning("a.py", "if response.status_code in (429, 503):\n    f()")).toBe("failure")
  expect(await meaning("a.kt", "fun g() { if (listOf(502, 503).contains(r.code)) f() }")).toBe(
    "failure",
  )
})

test("a status among those of success, or of both, says nothing", async () => {
  expect(await meaning("a.ts", "if ([200, 204].includes(res.status)) f()")).toBe("unknown")
  expect(await meaning("a.py", "if response.status_code in (200, 503):\n    f()")).toBe("unknown")
})

test("a number among numbers that is no status says nothing", async () => {
  expect(await meaning("a.ts", "if ([429, 503].includes(width)) f()")).toBe("unknown")
})
