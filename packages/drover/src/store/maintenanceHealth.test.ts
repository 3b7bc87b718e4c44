import { expect, test } from "vitest"
import { judgeMaintenance } from "./maintenanceHealth.ts"

const says = (asLeader: unknown): string => JSON.stringify({ kinds: ["a"], asLeader })

test("clients that would maintain alike are well, and so are those that never lead or say nothing of it", () => {
  const same = says({ completedMs: 1, bytes: false })
  const infos = [same, same, says(null), "{}", "null", "7", "no JSON"]
  expect(judgeMaintenance(infos)).toMatchObject({ check: "maintenance", status: "ok" })
  expect(judgeMaintenance([])).toMatchObject({ status: "ok" })
})

test("what they would do differently is named with each value", () => {
  const check = judgeMaintenance([
    says({ completedMs: 86_400_000, sweepMs: 4_000 }),
    says({ completedMs: false, sweepMs: 4_000, bytes: 1 }),
    says({ completedMs: false, sweepMs: 4_000, bytes: 1 }),
  ])
  expect(check).toMatchObject({ check: "maintenance", status: "warn", value: 2 })
  expect(check.message).toContain("completedMs is 86400000 or false, bytes is 1 or nothing.")
  expect(check.message).not.toContain("sweepMs")
})
