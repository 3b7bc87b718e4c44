import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { cleanupWithCancelledContext } from "./cleanupWithCancelledContext.ts"
import type { Draft } from "./rule.ts"

async function draftsOf(path: string, text: string): Promise<Draft[]> {
  const program = await programOf([{ path, text }])
  return applyRule(cleanupWithCancelledContext, program.file(path)!, program)
}

const ROLLBACK = `package a
func save(ctx context.Context, pool Pool) error {
	tx := pool.Begin(ctx)
	defer tx.Rollback(ctx)
	return tx.Commit(ctx)
}`

test("the finding tells where the context comes from and when the cleanup runs", async () => {
  const [draft] = await draftsOf("save.go", ROLLBACK)
  expect(ROLLBACK.slice(draft!.at.start, draft!.at.end)).toBe("tx.Rollback(ctx)")
  expect(draft!.because!.map((fact) => fact.text)).toEqual([
    "`ctx` is cancelled by the caller",
    "runs when the function ends, also when it was cancelled",
  ])
})

test("a context that was made anew in the deferred function is the cleanup's own", async () => {
  const text = ROLLBACK.replace(
    "defer tx.Rollback(ctx)",
    "defer func() {\n\t\tctx := context.WithoutCancel(ctx)\n\t\ttx.Rollback(ctx)\n\t}()",
  )
  expect(await draftsOf("save.go", text)).toEqual([])
})

test("a commit is no cleanup, and neither is what runs in the course of the function", async () => {
  const text = ROLLBACK.replace("defer tx.Rollback(ctx)", "tx.Rollback(ctx)")
  expect(await draftsOf("save.go", text)).toEqual([])
})

test("asyncio cancels once, so that a finally may await", async () => {
  const text = `import asyncio

async def f(lock):
    try:
        await asyncio.sleep(1)
    finally:
        await lock.release()
`
  expect(await draftsOf("f.py", text)).toEqual([])
})

test("the fix detaches the context, and is silent when it was applied", async () => {
  const text = ROLLBACK.replace("package a", 'package a\nimport "context"')
  const [draft] = await draftsOf("save.go", text)
  const [edit] = draft!.fix!.edits!
  const fixed = text.slice(0, edit!.start) + edit!.text + text.slice(edit!.end)
  expect(fixed).toContain("tx.Rollback(context.WithoutCancel(ctx))")
  expect(await draftsOf("save.go", fixed)).toEqual([])
})
