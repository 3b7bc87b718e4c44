import { describe, expect, test } from "vitest"
import { BudgetChecker } from "./budgetChecker.ts"
import { CancelChecker } from "./cancelChecker.ts"
import { Referee } from "./checker.ts"
import { DueChecker } from "./dueChecker.ts"
import { FenceChecker } from "./fenceChecker.ts"
import { born, call, move, record, run } from "./handmade.fixture.ts"
import type { JobRecord } from "./jobRecord.ts"
import { LockstepChecker } from "./lockstepChecker.ts"
import { LossChecker } from "./lossChecker.ts"
import { PauseChecker } from "./pauseChecker.ts"
import { PromptChecker } from "./promptChecker.ts"
import { Sometimes } from "./sometimes.ts"
import { TrailChecker } from "./trailChecker.ts"
import { UniqueChecker } from "./uniqueChecker.ts"
import { Violation } from "./violation.ts"

const sometimes = new Sometimes()
const running = record({ state: "running", attempt: 1, token: 5, worker: 7, trail: 2 })

describe("trail", () => {
  function claimed(): TrailChecker {
    const checker = new TrailChecker()
    checker.moved(born)
    checker.moved(move())
    return checker
  }

  test("accepts a claim and its end", () => {
    const checker = claimed()
    checker.changed(record(), running, [move()])
    const end = move({ seq: 3, prev: 2, from: "running", to: "completed" })
    checker.moved(end)
    expect(() => {
      checker.changed(running, record({ ...running, state: "completed", worker: null, trail: 3 }), [
        end,
      ])
    }).not.toThrow()
  })

  test.each([
    ["an arrow that is not in docs/states.md", { from: "available", to: "completed" }],
    ["a state that the job was not in", { from: "retryable", to: "available" }],
    ["a link that leads elsewhere", { from: "running", to: "completed", prev: 1 }],
    ["an attempt that was never claimed", { from: "running", to: "completed", attempt: 2 }],
    ["time that goes back", { from: "running", to: "completed", at: 1_999 }],
  ] as const)("refuses %s", (_, changes) => {
    const checker = claimed()
    expect(() => checker.moved(move({ seq: 3, prev: 2, ...changes }))).toThrow(Violation)
  })

  test("refuses a row that changed and says nothing about it", () => {
    const checker = claimed()
    checker.changed(record(), running, [move()])
    expect(() => checker.changed(running, { ...running, result: "1" }, [])).toThrow(
      "result without a trail",
    )
  })
})

describe("fence", () => {
  const settle = (attempt: number, token: number): readonly unknown[] => [
    {
      settlements: [
        { attempt: { jobId: "job-1", attempt, token }, settlement: { to: "completed" } },
      ],
    },
  ]
  const after = record({ ...running, state: "completed", worker: null })

  test("accepts the settle of the latest attempt, once", () => {
    const checker = new FenceChecker(sometimes)
    checker.changed(record(), running, [move()])
    checker.settled()
    checker.executed(call("exchange", settle(1, 5)), { settled: ["settled"] })
    checker.changed(running, after, [])
    checker.settled()
    expect(() =>
      checker.executed(call("exchange", settle(1, 5)), { settled: ["settled"] }),
    ).toThrow("settled twice")
  })

  test.each([
    ["an older attempt", 0, 5],
    ["another token", 1, 6],
  ])("refuses a settle of %s", (_, attempt, token) => {
    const checker = new FenceChecker(sometimes)
    checker.changed(record(), running, [move()])
    checker.settled()
    checker.executed(call("exchange", settle(attempt, token)), { settled: ["settled"] })
    expect(() => checker.changed(running, after, [])).toThrow("although attempt 1 holds it")
  })

  test("refuses that another worker ends an attempt", () => {
    const checker = new FenceChecker(sometimes)
    const end = move({ seq: 3, from: "running", to: "completed", worker: 8 })
    expect(() => checker.moved(end, running, after)).toThrow("which worker 7 holds")
  })
})

describe("budget", () => {
  const end = move({ seq: 3, from: "running", to: "retryable" })
  const judge = (settlement: object | undefined, counted: Partial<JobRecord>): (() => void) => {
    const checker = new BudgetChecker()
    if (settlement !== undefined) {
      const settlements = [{ attempt: { jobId: "job-1" }, settlement }]
      checker.executed(call("exchange", [{ settlements }]), { settled: ["settled"] })
    }
    return () => checker.changed(running, record({ state: "retryable", ...counted }), [end])
  }

  test("accepts one failure for a failure and one crash for a rescue", () => {
    expect(judge({ to: "retryable" }, { failures: 1 })).not.toThrow()
    expect(judge(undefined, { crashes: 1 })).not.toThrow()
  })

  test.each([
    ["a failure that counts nothing", { to: "retryable" }, {}],
    [
      "an interruption that counts as a failure",
      { to: "interrupted" },
      { interruptions: 1, failures: 1 },
    ],
    ["a rescue that counts nothing", undefined, {}],
    ["a rescue that counts a failure", undefined, { failures: 1 }],
    ["more failures than the job may have", { to: "retryable" }, { failures: 5 }],
  ])("refuses %s", (_, settlement, counted) => {
    expect(judge(settlement, counted)).toThrow(Violation)
  })
})

describe("unique", () => {
  const held = { uniqueHash: "ab", uniqueLabel: "key", uniqueStates: 0b1110 }

  test("refuses two live jobs of one key", () => {
    const checker = new UniqueChecker(sometimes)
    checker.changed(null, record(held))
    checker.settled()
    checker.changed(null, record({ ...held, seq: 2, id: "job-2" }))
    expect(() => checker.settled()).toThrow("2 jobs hold the unique key key")
  })

  test("accepts a second one when the first is over or its time has passed", () => {
    const checker = new UniqueChecker(sometimes)
    const first = record(held)
    checker.changed(null, first)
    checker.changed(first, record({ ...held, state: "completed" }))
    checker.changed(null, record({ ...held, seq: 2, id: "job-2", uniqueUntil: 1_500 }))
    checker.moved(move())
    checker.changed(null, record({ ...held, seq: 3, id: "job-3" }))
    expect(() => checker.settled()).not.toThrow()
  })
})

describe("cancel and pause", () => {
  test("refuses a claim after a cancel that was carried out, until somebody retries", () => {
    const checker = new CancelChecker(sometimes)
    checker.executed(call("act", ["cancel"]), { changed: [], requested: ["job-1"], refused: [] })
    checker.moved(move(), record(), running)
    checker.settled()
    expect(() => checker.moved(move(), record(), running)).toThrow(
      "after its cancel was carried out",
    )
    checker.executed(call("act", ["retry"]), { changed: ["job-1"], requested: [], refused: [] })
    checker.settled()
    expect(() => checker.moved(move(), record(), running)).not.toThrow()
  })

  test("refuses a claim from a paused queue, until it is resumed", () => {
    const checker = new PauseChecker()
    checker.executed(call("setQueue", ["main", { paused: true }, "ann"]))
    checker.settled()
    expect(() => checker.moved(move(), record(), running)).toThrow("which is paused")
    expect(() => checker.moved(move(), record({ queue: "bulk" }), null)).not.toThrow()
    checker.executed(call("setQueue", ["main", { paused: false }, "ann"]))
    expect(() => checker.moved(move(), record(), running)).not.toThrow()
  })
})

describe("loss", () => {
  const retention = {
    completedMs: 60_000,
    discardedMs: 60_000,
    cancelledMs: 60_000,
    bytes: false,
  } as const

  function checked(jobs: readonly JobRecord[], storeAt = 0): LossChecker {
    const book = { get: (id: string) => jobs.find((job) => job.id === id), storeAt: () => storeAt }
    return new LossChecker(sometimes, retention, () => book)
  }

  test("refuses that an acknowledged job is not there", () => {
    const checker = checked([])
    checker.acknowledged("job-1")
    expect(() => checker.settled()).toThrow("was acknowledged, but the job is not there")
  })

  test("refuses a job that nobody enqueued, and a run without a job", () => {
    const checker = checked([])
    expect(() => checker.changed(null, record())).toThrow("nobody enqueued")
    checker.handlerStarted(run())
    expect(() => checker.settled()).toThrow("was never enqueued")
  })

  test.each([
    ["waits", record({ state: "retryable" })],
    ["is young", record({ state: "completed", finishedAt: 50_000 })],
  ])("refuses that retention deletes a job that %s", (_, job) => {
    expect(() => checked([job], 100_000).deleted(job)).toThrow(Violation)
  })

  test("accepts that retention deletes an old job and an operator a waiting one", () => {
    const old = record({ state: "completed", finishedAt: 1_000 })
    const checker = checked([old], 100_000)
    checker.acknowledged("job-1")
    checker.deleted(old)
    checker.executed(call("act", ["delete"]), { changed: ["job-2"], requested: [], refused: [] })
    checker.deleted(record({ id: "job-2" }))
    expect(() => checker.finished()).not.toThrow()
  })
})

describe("due, prompt and lockstep", () => {
  test("refuses a claim before the due time or after the expiry", () => {
    const checker = new DueChecker(sometimes)
    expect(() => checker.moved(move({ at: 999 }), record(), null)).toThrow("1 ms before it was due")
    expect(() => checker.moved(move(), record({ expiresAt: 1_500 }), null)).toThrow(
      "500 ms after it expired",
    )
    expect(() => checker.moved(move(), record({ expiresAt: 2_000 }), null)).not.toThrow()
  })

  test("refuses a start long after the due time on an idle machine", () => {
    let nowMs = 0
    const checker = new PromptChecker(() => nowMs)
    checker.expect("job-1", 3_000)
    checker.expect("job-2", 3_000)
    nowMs = 3_100
    checker.handlerStarted(run({ jobId: "job-2" }))
    nowMs = 3_500
    expect(() => checker.handlerStarted(run())).toThrow("500 ms after it was due")
  })

  test.each([
    ["refuses", (i: number) => 5_000 + (i % 3), true],
    ["accepts", (i: number) => 5_000 + i * 31, false],
  ])("%s what a herd does after it failed together", (_, dueAt, isRefused) => {
    const checker = new LockstepChecker(sometimes, () => 1)
    const failure = move({ from: "running", to: "retryable" })
    for (let i = 0; i < 40; i++) {
      const after = record({ id: `job-${i}`, state: "retryable", failures: 1, runAt: dueAt(i) })
      checker.changed(null, after, [failure])
    }
    const judge = (): void => checker.finished()
    if (isRefused) expect(judge).toThrow("due within 10 ms")
    else expect(judge).not.toThrow()
  })
})

test("the referee keeps the first violation and throws nothing into the runtime", () => {
  const referee = new Referee([
    {
      name: "strict",
      settled: () => {
        throw new Violation("strict", "first")
      },
    },
    {
      name: "broken",
      settled: () => {
        throw new TypeError("oops")
      },
    },
  ])
  referee.settled()
  expect(referee.violation).toMatchObject({ checker: "strict", message: "first" })
})
