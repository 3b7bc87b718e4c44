import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { lostWakeup } from "./lostWakeup.ts"
import type { Draft } from "./rule.ts"

async function draftsOf(path: string, text: string): Promise<Draft[]> {
  const program = await programOf([{ path, text }])
  return applyRule(lostWakeup, program.file(path)!, program)
}

const SIGNAL = `package a
func (w *W) start() {
	w.wake = make(chan struct{})
	go func() { for range w.wake { w.work() } }()
}
func (w *W) kick() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
`

test("the fix gives the channel room for one, and is silent when it was applied", async () => {
  const [draft] = await draftsOf("w.go", SIGNAL)
  const [edit] = draft!.fix!.edits!
  const fixed = SIGNAL.slice(0, edit!.start) + edit!.text + SIGNAL.slice(edit!.end)
  expect(fixed).toContain("make(chan struct{}, 1)")
  expect(await draftsOf("w.go", fixed)).toEqual([])
})

test("a channel of data that is dropped when nobody listens is meant so", async () => {
  expect(await draftsOf("w.go", SIGNAL.replace("chan struct{})", "chan Event)"))).toEqual([])
})

test("signals of the system need room, because they are sent without waiting", async () => {
  const text = `package main
func main() {
	stop := make(chan os.Signal)
	signal.Notify(stop, os.Interrupt)
	<-stop
}`
  expect((await draftsOf("main.go", text)).length).toBe(1)
})

test("a wait of something that is no condition is left alone", async () => {
  const text = "package a\nfunc f(group sync.WaitGroup) {\n\tgroup.Wait()\n}"
  expect(await draftsOf("f.go", text)).toEqual([])
})

test("a test that does nothing but wait becomes a loop", async () => {
  const text = `class A {
  synchronized void take() throws InterruptedException {
    if (free == 0) {
      wait();
    }
    free--;
  }
}`
  const [draft] = await draftsOf("A.java", text)
  const [edit] = draft!.fix!.edits!
  const fixed = text.slice(0, edit!.start) + edit!.text + text.slice(edit!.end)
  expect(fixed).toContain("while (free == 0) {")
  expect(await draftsOf("A.java", fixed)).toEqual([])
})
