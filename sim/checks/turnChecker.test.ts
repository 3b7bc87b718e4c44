import { beforeEach, describe, expect, test } from "vitest"
import { parseLimitName } from "../../packages/drover/src/store/index.ts"
import { FAIR_LIMIT } from "../workload/limits.ts"
import { call, move, record } from "./handmade.fixture.ts"
import type { JobRecord } from "./jobRecord.ts"
import { Sometimes } from "./sometimes.ts"
import { TurnChecker } from "./turnChecker.ts"

const KEYED = "kind:sim.tenant#concurrency.key"

let checker: TurnChecker
let jobs: JobRecord[]

beforeEach(() => {
  jobs = []
  checker = new TurnChecker(new Sometimes(), () => jobs)
})

/** Jobs that wait under these keys. */
function wait(...keys: string[]): void {
  for (const key of keys) {
    const seq = jobs.length + 1
    const names = [FAIR_LIMIT, KEYED].map((name) => [name, key] as const)
    jobs.push(record({ seq, id: `job-${seq}`, queue: "shared", keys: names }))
  }
}

/** One claim that takes the first waiting job of each of these keys, in this order. */
function claim(keys: readonly string[], { solo = false } = {}): void {
  const claimed = keys.map((key) => {
    const place = jobs.findIndex((job) => job.state === "available" && job.keys[0]?.[1] === key)
    const before = jobs[place]!
    jobs[place] = { ...before, state: "running" }
    checker.moved(move({ job: before.seq, at: 2_000 }), before, jobs[place])
    return { jobId: before.id, queue: "shared" }
  })
  checker.executed(call("exchange", [{ claims: [], solo, repeat: false }]), { claimed })
  checker.settled()
}

function set(name: string, setting: object): void {
  const given = { max: null, perMs: null, weights: null, ...setting }
  checker.executed(call("setLimit", [parseLimitName(name)!, given, "test"]), given)
  checker.settled()
}

describe("turns", () => {
  test("refuses that a key goes on while another might start, over one claim or several", () => {
    wait("ann", "ann", "ann", "bob")
    claim(["ann", "ann"])
    expect(() => claim(["ann"])).toThrow('key "ann" had 3 turns while "bob" might start')
  })

  test("accepts turns one after the other, and one key alone", () => {
    wait("ann", "ann", "ann", "ann", "ann", "ann", "bob", "bob")
    claim(["ann", "bob", "ann", "bob", "ann", "ann", "ann"])
    expect(() => claim(["ann"])).not.toThrow()
  })

  test("gives a key as many more turns as its weight is greater", () => {
    set(FAIR_LIMIT, { weights: { ann: 3 } })
    wait("ann", "ann", "ann", "ann", "ann", "bob", "bob")
    claim(["bob", "ann", "ann", "ann", "ann"])
    expect(() => claim(["ann"])).toThrow("its share is 3")
  })

  test("owes nothing to a key that a limit holds back", () => {
    set(KEYED, { max: 1 })
    wait("bob", "bob", "ann", "ann", "cyd")
    claim(["bob", "ann"])
    set(KEYED, { max: 1 })
    expect(() => claim(["cyd"])).not.toThrow()
  })

  test("begins anew after a job that ran alone, and where it cannot be told what a claim saw", () => {
    wait("ann", "ann", "ann", "ann", "ann", "ann", "bob", "cyd")
    claim(["ann", "ann"])
    claim(["cyd"], { solo: true })
    claim(["ann", "ann"])
    checker.executed(call("enqueue", []), [])
    expect(() => claim(["ann"])).not.toThrow()
    expect(() => claim(["ann"])).not.toThrow()
  })
})
