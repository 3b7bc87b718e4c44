import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { leaderOneshotStart } from "./leaderOneshotStart.ts"
import type { Draft } from "./rule.ts"

async function draftsOf(path: string, text: string): Promise<Draft[]> {
  const program = await programOf([{ path, text }])
  return applyRule(leaderOneshotStart, program.file(path)!, program)
}

const LISTENER = `class Listener {
  async onElected() {
    try {
      await this.jobs.start()
    } catch (error) {
      this.log.error(error)
    }
  }
}`

test("the finding stands at the start and tells what shows that a leader runs it", async () => {
  const [draft] = await draftsOf("listener.ts", LISTENER)
  expect(LISTENER.slice(draft!.at.start, draft!.at.end)).toBe("this.jobs.start()")
  expect(draft!.because!.map((fact) => fact.text)).toEqual([
    "this runs when leadership was obtained",
    "its failure is only logged",
  ])
})

test("what runs when leadership was lost is no duty of a leader", async () => {
  expect(await draftsOf("listener.ts", LISTENER.replace("onElected", "onLeadershipLost"))).toEqual(
    [],
  )
})

test("a handler that does more than to write the failure down is believed to deal with it", async () => {
  const text = LISTENER.replace("this.log.error(error)", "this.recover(error)")
  expect(await draftsOf("listener.ts", text)).toEqual([])
})
