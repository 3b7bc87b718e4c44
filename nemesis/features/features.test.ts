import { describe, expect, test } from "vitest"
import type { TickRow } from "../../packages/drover/src/store/index.ts"
import { historyOf, move, operation, rowOf, said, wholeRun } from "../checks/handmade.fixture.ts"
import { delayed } from "./delayed.ts"
import { flaky } from "./flaky.ts"
import { limited } from "./limited.ts"
import { narrow } from "./narrow.ts"
import { claimsWhilePaused, startsAfterCancel } from "./operated.ts"
import { plain } from "./plain.ts"
import { poison } from "./poison.ts"
import { scheduled } from "./scheduled.ts"
import { unique } from "./unique.ts"

test("plain: a job that did not complete is named with its end", () => {
  const history = historyOf({ rows: [rowOf({ state: "discarded", reason: "why" })] })
  expect(plain.check(history)).toEqual(["job a of nemesis.plain ended as discarded: why"])
  expect(plain.check(historyOf({ rows: [rowOf()] }))).toEqual([])
})

test("delayed: a claim before its time is named", () => {
  const rows = [rowOf({ kind: "nemesis.delayed", input: '{"delayMs":500}', enqueuedAt: 1_000 })]
  const claimAt = (at: number): readonly string[] =>
    delayed.check(historyOf({ rows, trail: [move("a", "available", "running", { at })] }))
  expect(claimAt(1_500)).toEqual([])
  expect(claimAt(1_499)).toEqual(["job a started 1 ms before it was due"])
})

test("flaky: only what handlers threw counts as failures", () => {
  const row = { kind: "nemesis.flaky", input: '{"failures":2}' }
  expect(flaky.check(historyOf({ rows: [rowOf({ ...row, failures: 2 })] }))).toEqual([])
  expect(flaky.check(historyOf({ rows: [rowOf({ ...row, failures: 3 })] })).join()).toContain(
    "failed 2 times, but 3 failures",
  )
  const hopeless = rowOf({ kind: "nemesis.hopeless", input: '{"failures":1000}', failures: 5 })
  expect(flaky.check(historyOf({ rows: [{ ...hopeless, state: "discarded" }] }))).toEqual([])
  expect(flaky.check(historyOf({ rows: [hopeless] }))).toHaveLength(1)
})

test("poison: more crashes or runs than the budget are named", () => {
  const row = { kind: "nemesis.poison", state: "discarded" } as const
  const runs = [1, 2].map((attempt) => said(1, attempt, { event: "started", job: "a", attempt }))
  const check = (crashes: number, testimonies: typeof runs): readonly string[] =>
    poison.check(historyOf({ rows: [rowOf({ ...row, crashes })], testimonies }))
  expect(check(2, runs)).toEqual([])
  expect(check(3, runs).join()).toContain("charged with 3 crashes")
  const third = said(1, 3, { event: "started", job: "a", attempt: 3 })
  expect(check(2, [...runs, third]).join()).toContain("ran 3 times for 2 crashes")
})

test("narrow: more handlers at once than slots in one process are named", () => {
  const rows = ["a", "b", "c"].map((id) => rowOf({ id, kind: "nemesis.narrow" }))
  const testimonies = ["a", "b", "c"].flatMap((id) => wholeRun(1, id))
  expect(narrow.check(historyOf({ rows, testimonies })).join()).toContain("ran 3 jobs at once")
  const apart = ["a", "b", "c"].flatMap((id, pid) => wholeRun(pid, id))
  expect(narrow.check(historyOf({ rows, testimonies: apart }))).toEqual([])
})

test("unique: two holders of a key are named", () => {
  const row = { kind: "nemesis.unique", uniqueKey: "k" }
  const rows = [rowOf({ ...row, id: "a" }), rowOf({ ...row, id: "b" })]
  const trail = [move("a", null, "available"), move("b", null, "available")]
  expect(unique.check(historyOf({ rows, trail })).join()).toContain("jobs a and b")
  expect(unique.check(historyOf({ rows }))).toEqual([])
})

describe("scheduled", () => {
  const tick = (n: number, over: Partial<TickRow> = {}): TickRow => ({
    ...{ n, at: n * 2_000, throughAt: n * 2_000, count: 1, jobId: `j${n}`, reason: null },
    ...{ actor: null, recordedAt: n * 2_000 + 5 },
    ...over,
  })
  const check = (ticks: readonly TickRow[], jobs: readonly string[]): readonly string[] =>
    scheduled.check(
      historyOf({
        ticks: { "nemesis-all": ticks },
        rows: jobs.map((id) => rowOf({ id, kind: "nemesis.tick", enqueuedAt: 1e9 })),
      }),
    )

  test("one tick after the other, or a stretch of them with its reason", () => {
    const missed = { at: 6_000, throughAt: 10_000, count: 3, jobId: null, reason: "missed" }
    const ticks = [tick(1), tick(2), tick(3, { ...missed, recordedAt: 12_000 }), tick(6)]
    expect(check(ticks, ["j1", "j2", "j6"])).toEqual([])
  })

  test("a tick that is left out, doubled, early or without an account is named", () => {
    expect(check([tick(1), tick(3)], ["j1", "j3"]).join()).toContain("4000 ms later, not 2000")
    expect(check([tick(1), tick(1)], ["j1"]).join()).toContain("0 ms later, not 2000")
    expect(check([tick(1, { recordedAt: 1_999 })], ["j1"]).join()).toContain("was early")
    expect(check([tick(1, { jobId: null })], []).join()).toContain("neither a job nor a reason")
  })

  test("a job of two ticks, or of none, is named", () => {
    expect(check([tick(1)], ["j1", "j9"]).join()).toContain("job j9 belongs to 0 ticks")
    const twice = [tick(1), tick(2, { jobId: "j1" })]
    expect(check(twice, ["j1"]).join()).toContain("job j1 belongs to 2 ticks")
  })
})

describe("limited", () => {
  const runs = (ids: readonly string[], actor: string | null): readonly string[] =>
    limited.check(
      historyOf({
        rows: ids.map((id) => rowOf({ id, kind: "nemesis.few" })),
        testimonies: ids.flatMap((id, pid) => wholeRun(pid, id)),
        trail: ids.map((id) => move(id, "running", "completed", { actor })),
      }),
    )

  test("more at once than the limit, over all processes, is named", () => {
    expect(runs(["a", "b", "c"], null)).toEqual([])
    expect(runs(["a", "b", "c", "d"], null).join()).toContain("4 jobs of nemesis.few ran at once")
  })

  test("an attempt that was taken away no longer holds its place", () => {
    expect(runs(["a", "b", "c", "d"], "rescue")).toEqual([])
  })

  test("a key has a limit of its own", () => {
    const check = (tenants: readonly string[]): readonly string[] =>
      limited.check(
        historyOf({
          rows: tenants.map((tenant, id) =>
            rowOf({ id: String(id), kind: "nemesis.tenant", input: JSON.stringify({ tenant }) }),
          ),
          testimonies: tenants.flatMap((_, id) => wholeRun(1, String(id))),
          trail: tenants.map((_, id) => move(String(id), "running", "completed")),
        }),
      )
    expect(check(["x", "x", "y", "y"])).toEqual([])
    expect(check(["x", "x", "x", "y"]).join()).toContain("3 jobs of nemesis.tenant of x")
  })

  test("more starts in a window than the limit are named", () => {
    const starts = (ats: readonly number[]): readonly string[] =>
      limited.check(
        historyOf({
          rows: ats.map((_, id) => rowOf({ id: String(id), kind: "nemesis.rated" })),
          trail: ats.map((at, id) => move(String(id), "available", "running", { at })),
        }),
      )
    expect(starts([0, 1, 2, 3, 4, 1_000])).toEqual([])
    expect(starts([0, 1, 2, 3, 4, 999]).join()).toContain("6 jobs of nemesis.rated started")
  })
})

describe("operated", () => {
  const rows = [rowOf({ kind: "nemesis.paused" })]
  const claim = (sentMono: number): ReturnType<typeof said> =>
    said(1, sentMono + 1, { event: "claimed", job: "a", attempt: 1, token: 7, sentMono })
  const pause = operation("pauseQueue", { fromMono: 10, toMono: 20 })

  test("a claim that was sent after a pause was acknowledged is named", () => {
    const at = (sentMono: number): string[] =>
      claimsWhilePaused(historyOf({ rows, operations: [pause], testimonies: [claim(sentMono)] }))
    expect(at(19)).toEqual([])
    expect(at(21)).toHaveLength(1)
  })

  test("not once somebody asked to resume, nor when it may have been resumed meanwhile", () => {
    const check = (resume: Parameters<typeof operation>[1]): string[] =>
      claimsWhilePaused(
        historyOf({
          rows,
          operations: [pause, operation("resumeQueue", resume)],
          testimonies: [claim(50)],
        }),
      )
    expect(check({ fromMono: 40, toMono: 60 })).toEqual([])
    expect(check({ fromMono: 60, toMono: 70 })).toHaveLength(1)
    expect(check({ fromMono: 5, toMono: 15 })).toEqual([])
    expect(check({ fromMono: 1, toMono: 5 })).toHaveLength(1)
  })

  test("a claim after an acknowledged cancel is named", () => {
    const cancel = operation("cancel", { args: { jobs: ["a"] }, toMono: 20 })
    const at = (sentMono: number): string[] =>
      startsAfterCancel(historyOf({ operations: [cancel], testimonies: [claim(sentMono)] }))
    expect(at(20)).toEqual([])
    expect(at(21)).toHaveLength(1)
  })
})
