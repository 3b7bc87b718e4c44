import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { Drover } from "../client/index.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { sqlite } from "../sqlite/index.ts"
import { FakeTerminal } from "./fakeTerminal.fixture.ts"
import { run } from "./run.ts"

const resize = defineJob("resize", {
  queue: "images",
  concurrency: 4,
  rate: { limit: 100, per: "1m", key: () => "ann" },
  run: () => "done",
})

let folder: string
let db: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drover-cli-"))
  db = join(folder, "app.db")
  await using drover = new Drover({
    store: sqlite(db),
    jobs: [resize],
    queues: { images: { fair: { key: () => "ann" } } },
  })
  // A worker declares what its code says.
  const worker = await drover.work()
  await worker.stop()
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function call(...words: string[]): Promise<{ code: number; terminal: FakeTerminal }> {
  const terminal = new FakeTerminal(folder)
  return { code: await run(["limits", ...words, "--db", db], terminal), terminal }
}

async function inForce(name: string): Promise<unknown> {
  const { terminal } = await call("--json")
  const rows = terminal.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return rows.find((row) => row["name"] === name)
}

test("the list says what holds, and what code declares", async () => {
  const { code, terminal } = await call()
  expect(code).toBe(0)
  expect(terminal.text).toMatch(/kind:resize#concurrency +4 +4 +0 +0 +0/)
  expect(terminal.text).toMatch(/kind:resize#rate\.key +100\/1m +100\/1m/)
  expect(terminal.text).toMatch(/queue:images#fair\.key +fair +fair/)
})

test("what is set holds over what code declares, with who set it, until it is cleared", async () => {
  const name = "kind:resize#concurrency"
  const set = await call("set", name, "0")
  expect(set.terminal.text).toBe(`set ${name}: 0, all workers see it`)
  expect(await inForce(name)).toMatchObject({
    setting: { max: 0 },
    declared: { max: 4 },
    setBy: "cli:test@here",
  })
  expect((await call("clear", name)).code).toBe(0)
  expect(await inForce(name)).toMatchObject({ setting: { max: 4 }, set: null, setBy: null })
})

test("a rate keeps its window unless it is told another", async () => {
  const name = "kind:resize#rate.key"
  await call("set", name, "7")
  expect(await inForce(name)).toMatchObject({ setting: { max: 7, perMs: 60_000 } })
  await call("set", name, "7/2s")
  expect(await inForce(name)).toMatchObject({ setting: { max: 7, perMs: 2_000 } })
})

test("a fair limit is set by its weights", async () => {
  await call("set", "queue:images#fair.key", "gold=3,tin=0.5")
  expect(await inForce("queue:images#fair.key")).toMatchObject({
    setting: { max: null, weights: { gold: 3, tin: 0.5 } },
  })
})

test("a limit that no code declares begins and ends with what is set", async () => {
  const name = "queue:images#concurrency"
  await call("set", name, "2")
  expect(await inForce(name)).toMatchObject({ setting: { max: 2 }, declared: null })
  await call("clear", name)
  expect(await inForce(name)).toBeUndefined()
})

test.each([
  [["explode"], 'there is no "explode"'],
  [["list", "x"], "takes no arguments"],
  [["set", "kind:resize#concurrency"], "needs a NAME and a value"],
  [["clear"], "needs one NAME"],
  [["set", "kind:resize#concurrency", "many"], "the limit"],
  [["set", "kind:resize#rate.key", "1/2/3"], "neither N nor N/TIME"],
  [["set", "queue:images#fair.key", "gold"], "is not KEY=WEIGHT"],
])("%j is not understood", async (words, problem) => {
  const { code, terminal } = await call(...words)
  expect(code).toBe(2)
  expect(terminal.notes.join("\n")).toContain(problem)
})

test.each([
  ["resize", "names no limit"],
  ["kind:resize#concurrency.key", "no code declares"],
])("%s is no limit that can be set", async (name, problem) => {
  const { code, terminal } = await call("set", name, "1")
  expect(code).toBe(2)
  expect(terminal.notes.join("\n")).toContain(problem)
})
