import { expect, test } from "vitest"
import { defineJob } from "../../jobs/define/jobDefinition.ts"
import { readNewSchedule } from "./scheduleOptions.ts"

const cleanup = defineJob("cleanup", { run: () => 1 })
const values = { kind: "clenup", every: "1h" }

test("a schedule of a kind that the configuration does not know is refused: nobody would run its jobs", () => {
  expect(() => readNewSchedule("s", values, [cleanup])).toThrow(
    expect.objectContaining({
      code: "DROVER_UNKNOWN_KIND",
      message: expect.stringMatching(/"clenup" .*; did you mean "cleanup"\? Pass --unchecked/),
    }),
  )
})

test("unless somebody says so, or there is no configuration to check it by", () => {
  expect(readNewSchedule("s", { ...values, unchecked: true }, [cleanup]).name).toBe("s")
  expect(readNewSchedule("s", values, []).name).toBe("s")
})

test("a time that cannot be read is not understood", () => {
  const soon = { kind: "cleanup", every: "soon" }
  expect(() => readNewSchedule("s", soon, [cleanup])).toThrow(/--every: "soon" is not a duration/)
})
