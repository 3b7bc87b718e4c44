import { expect, test } from "vitest"
import { judgeLeader } from "./leaderHealth.ts"

const leader = {
  ...{ id: "c", host: "h", pid: 7, info: "{}" },
  ...{ term: 3, electedAt: 0, renewedAt: 0, untilAt: 1 },
}
const minute = 60_000

test("a leader whose services had a turn is well, also when it is new", () => {
  const facts = { leader, liveWorkers: 1 }
  expect(judgeLeader({ ...facts, sinceMs: 10 * minute, turns: 4 })).toMatchObject({ status: "ok" })
  expect(judgeLeader({ ...facts, sinceMs: 1, turns: 0 })).toMatchObject({ status: "ok" })
})

test("a leader that leads for long without a turn leads without maintenance", () => {
  const check = judgeLeader({ leader, sinceMs: 2 * minute, turns: 0, liveWorkers: 1 })
  expect(check).toMatchObject({ check: "leader", status: "warn", value: 3 })
  expect(check.message).toContain("without maintenance")
})

test("that nobody leads matters only when workers run, and not at once", () => {
  const none = { leader: null, turns: 0 }
  expect(judgeLeader({ ...none, sinceMs: 9 * minute, liveWorkers: 0 }).status).toBe("ok")
  expect(judgeLeader({ ...none, sinceMs: 1_000, liveWorkers: 2 }).status).toBe("ok")
  expect(judgeLeader({ ...none, sinceMs: 9 * minute, liveWorkers: 2 }).status).toBe("warn")
})
