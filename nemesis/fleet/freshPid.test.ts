import { expect, test } from "vitest"
import { startFresh } from "./freshPid.ts"

test("a process that gets the number of an earlier one is killed, and another is started", () => {
  const pids = [7, 7, 7, 9]
  const killed: number[] = []
  const start = (): { pid: number; signal(name: "SIGKILL"): void } => {
    const pid = pids.shift()!
    return { pid, signal: (name) => void (name === "SIGKILL" && killed.push(pid)) }
  }
  const had = new Set<number>()
  expect(startFresh(had, start).pid).toBe(7)
  expect(startFresh(had, start).pid).toBe(9)
  expect(killed).toEqual([7, 7])
})
