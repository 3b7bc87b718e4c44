import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { missingDeadline } from "./missingDeadline.ts"

async function drafts(path: string, text: string) {
  const program = await programOf([{ path, text }])
  return applyRule(missingDeadline, program.file(path)!, program)
}

test("the timeout that is missing is put behind the last argument", async () => {
  const text = "import requests\nrequests.get(url, params=p)\n"
  const [draft] = await drafts("a.py", text)
  const edit = draft!.fix!.edits![0]!
  expect(text.slice(0, edit.start) + edit.text + text.slice(edit.end)).toContain(
    "requests.get(url, params=p, timeout=10)",
  )
})

test("a context that is a parameter of nobody known is only a hint", async () => {
  const text = `package a
import "net/http"
func Load(ctx context.Context) {
	req, _ := http.NewRequestWithContext(ctx, "GET", "/", nil)
	http.DefaultClient.Do(req)
}
`
  expect((await drafts("a.go", text)).map((draft) => draft.tier)).toEqual(["context"])
})

test("a command that a person runs may wait", async () => {
  const text = "import requests\nrequests.get(url)\n"
  expect(await drafts("shop/management/commands/load.py", text)).toEqual([])
})

test("fetch in a request of somebody is only a hint, in a timer it is a finding", async () => {
  const handler = "app.get('/', async () => { await fetch(url) })\n"
  const timer = "setInterval(async () => { await fetch(url) }, 1000)\n"
  expect((await drafts("a.ts", handler)).map((draft) => draft.tier)).toEqual(["context"])
  expect((await drafts("a.ts", timer)).map((draft) => draft.tier)).toEqual(["likely"])
})
