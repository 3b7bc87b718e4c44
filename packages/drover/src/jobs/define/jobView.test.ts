import { expect, test } from "vitest"
import type { JobRow } from "../../store/index.ts"
import { unlimitedAttempts } from "./newJobs.ts"
import { viewJob, viewLog } from "./jobView.ts"

const row: JobRow = {
  id: "01a1f848-8a47-70c3-8d98-a9067847fcb7",
  kind: "a",
  queue: "default",
  state: "completed",
  priority: 100,
  attempt: 1,
  failures: 0,
  crashes: 0,
  interruptions: 0,
  maxAttempts: unlimitedAttempts,
  maxCrashes: 3,
  timeoutMs: null,
  retry: null,
  enqueuedAt: 1_000,
  runAt: 2_000,
  expiresAt: null,
  startedAt: 3_000,
  finishedAt: 4_000,
  cancelRequestedAt: null,
  cancelRequestedBy: null,
  workerId: null,
  input: '{"n":1}',
  result: "[2]",
  metadata: '{"by":"ann"}',
  tags: [],
  error: null,
  reason: null,
  uniqueKey: null,
  progress: { value: "0.5", at: 3_500 },
}

test("instants are dates, payloads are values, no limit is false", () => {
  expect(viewJob(row)).toMatchObject({
    enqueuedAt: new Date(1_000),
    runAt: new Date(2_000),
    expiresAt: null,
    finishedAt: new Date(4_000),
    maxAttempts: false,
    input: { n: 1 },
    result: [2],
    metadata: { by: "ann" },
    progress: { value: 0.5, at: new Date(3_500) },
    unreadable: [],
  })
})

test("a row that somebody damaged is shown as far as it can be read", () => {
  const damaged = viewJob({ ...row, input: "{n:1}", metadata: "oops", result: null })
  expect(damaged).toMatchObject({ input: "{n:1}", metadata: {}, unreadable: ["metadata", "input"] })
  expect(damaged.result).toBeUndefined()
})

test("a damaged line of a log does not hide the others", () => {
  const line = { attempt: 1, at: 1_000, level: "info", message: "m" } as const
  const { lines } = viewLog({
    lines: [
      { ...line, fields: "{a" },
      { ...line, fields: "[1]" },
    ],
    dropped: 0,
  })
  expect(lines.map(({ fields }) => fields)).toEqual(["{a", [1]])
})
