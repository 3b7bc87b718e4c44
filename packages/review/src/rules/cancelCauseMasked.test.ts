import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { cancelCauseMasked } from "./cancelCauseMasked.ts"
import type { Draft } from "./rule.ts"

async function draftsOf(path: string, text: string): Promise<Draft[]> {
  const program = await programOf([{ path, text }])
  return applyRule(cancelCauseMasked, program.file(path)!, program)
}

const SELECT = `package a
func wait(ctx context.Context, done <-chan int) error {
	timer := time.NewTimer(time.Second)
	select {
	case <-done:
		return nil
	case <-timer.C:
		return errors.New("timed out")
	case <-ctx.Done():
		return errors.New("nothing came")
	}
}`

test("the finding stands at the return of the context's branch, not at the timer's", async () => {
  const drafts = await draftsOf("wait.go", SELECT)
  expect(drafts.map((draft) => SELECT.slice(draft.at.start, draft.at.end))).toEqual([
    'return errors.New("nothing came")',
  ])
})

test("a branch that looks at the context's error is left alone", async () => {
  const text = SELECT.replace(
    'errors.New("nothing came")',
    'fmt.Errorf("nothing came: %v", ctx.Err())',
  )
  expect(await draftsOf("wait.go", text)).toEqual([])
})

test("a cancellation that is answered like a result is for those who want to know", async () => {
  const text = `async def load(self):
    try:
        return await self.fetch()
    except asyncio.CancelledError:
        return []
`
  expect((await draftsOf("load.py", text)).map((draft) => draft.tier)).toEqual(["context"])
})

test("a plain function of Python is cancelled by nobody", async () => {
  const text = `def load(self):
    while True:
        try:
            self.fetch()
        except BaseException:
            print("again")
`
  expect(await draftsOf("load.py", text)).toEqual([])
})
