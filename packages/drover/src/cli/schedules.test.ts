import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { Drover } from "../client/index.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { schedule } from "../schedules/index.ts"
import { sqlite } from "../sqlite/index.ts"
import { FakeTerminal } from "./fakeTerminal.fixture.ts"
import { run } from "./run.ts"

const greet = defineJob("greet", { queue: "mail", run: () => "hello" })
const daily = schedule("daily", { cron: "30 9 * * *", timeZone: "Europe/Paris", job: greet })

let folder: string
let db: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drover-cli-"))
  db = join(folder, "app.db")
  await using drover = new Drover({ store: sqlite(db), jobs: [greet], schedules: [daily] })
  await drover.deploySchedules()
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function call(...words: string[]): Promise<{ code: number; terminal: FakeTerminal }> {
  const terminal = new FakeTerminal(folder)
  return { code: await run(["schedules", ...words, "--db", db], terminal), terminal }
}

async function read(...words: string[]): Promise<readonly Record<string, unknown>[]> {
  const { terminal } = await call(...words, "--json")
  return terminal.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

test("the list says what recurs, when, and what comes next", async () => {
  const { code, terminal } = await call()
  expect(code).toBe(0)
  expect(terminal.text).toContain("30 9 * * * Europe/Paris")
  expect(terminal.text).toMatch(/daily +active .*greet +\d{4}-\d\d-\d\dT0[78]:30:00\.000Z/)
  expect(await read("list")).toMatchObject([{ name: "daily", status: "active" }])
})

test("next shows ticks as instants and as the clocks of the zone will show them", async () => {
  const { terminal } = await call("next", "daily", "--limit", "3")
  expect(terminal.lines).toHaveLength(3)
  for (const line of terminal.lines) expect(line).toContain(" 09:30:00 Europe/Paris")
  const shown = await call("show", "daily")
  expect(shown.terminal.text).toContain("job: greet on mail, priority 100, input null")
  expect(shown.terminal.text).toContain("declared by: default")
})

test("pause, resume, edit, reset, delete and restore are kept with who did them", async () => {
  const paused = await call("pause", "daily")
  expect(paused.terminal.text).toBe("pause daily: done, all processes see it")
  expect(await read("show", "daily")).toMatchObject([{ status: "paused" }])
  expect((await call("resume", "daily")).terminal.text).toMatch(/all processes see it; next \d{4}-/)
  await call("edit", "daily", "--cron", "0 10 * * *", "--catch-up", "3", "--overlap", "skip")
  const [edited] = await read("show", "daily")
  expect(edited).toMatchObject({
    rules: { cron: "0 10 * * *", timeZone: "Europe/Paris", catchUp: { all: 3 }, overlap: "skip" },
  })
  await call("reset", "daily")
  expect(await read("show", "daily")).toMatchObject([{ rules: { cron: "30 9 * * *" } }])
  await call("delete", "daily")
  expect(await read("show", "daily")).toMatchObject([{ status: "deleted" }])
  await call("restore", "daily")
  const changes = await read("changes", "daily")
  expect(changes.map(({ action }) => action)).toEqual([
    ...["restored", "deleted", "reset", "edited", "resumed", "paused", "declared"],
  ])
  expect(changes[0]).toMatchObject({ actor: "cli:test@here" })
})

test("trigger enqueues a job now, and the history says who asked for it", async () => {
  const { terminal } = await call("trigger", "daily")
  expect(terminal.text).toMatch(/^trigger daily: job [\da-f-]{36}$/)
  expect(await read("history", "daily")).toMatchObject([{ actor: "cli:test@here", reason: null }])
  expect((await call("history", "daily")).terminal.text).toContain("triggered by cli:test@here")
})

test("a schedule is created and removed without code", async () => {
  const words = ["--kind", "report", "--every", "90s", "--input", '{"to":"ann"}', "--queue", "slow"]
  const { code, terminal } = await call("create", "often", ...words)
  expect(terminal.notes).toEqual([])
  expect(code).toBe(0)
  expect(await read("show", "often")).toMatchObject([
    { deployment: null, rules: { everyMs: 90_000, kind: "report", input: { to: "ann" } } },
  ])
  await call("delete", "often")
  expect((await call("show", "often")).code).toBe(3)
  // Who did what to it stays.
  expect(await read("changes", "often")).toMatchObject([
    { action: "deleted" },
    { action: "created" },
  ])
})

test("deploy applies what a configuration declares, and says when a newer one is in force", async () => {
  const source = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href)
  await writeFile(
    join(folder, "drover.config.ts"),
    `import { defineJob, schedule } from ${source("../index.ts")}
import { sqlite } from ${source("../sqlite/index.ts")}
const job = defineJob("greet", { run: () => {} })
export default { store: sqlite(${JSON.stringify(db)}), jobs: [job], schedules: [schedule("hourly", { cron: "@hourly", job })] }
`,
  )
  const deploy = async (...words: string[]): Promise<{ code: number; text: string }> => {
    const terminal = new FakeTerminal(folder)
    const code = await run(["schedules", "deploy", ...words], terminal)
    return { code, text: terminal.text }
  }
  expect((await deploy()).text).toContain("are in force")
  expect(await read("show", "daily")).toMatchObject([{ status: "retired" }])
  await using drover = new Drover({ store: sqlite(db), jobs: [greet], schedules: [] })
  await drover.deploySchedules()
  const late = await deploy()
  expect(late).toMatchObject({ code: 1, text: expect.stringContaining("a newer configuration") })
  expect(await deploy("--force")).toMatchObject({ code: 0 })
})

test.each([
  [["explode"], 'there is no "explode"'],
  [["pause"], "takes one NAME"],
  [["list", "daily"], "takes no arguments"],
  [["edit", "daily"], "at least one option"],
  [["create", "x", "--every", "1m"], "needs --kind"],
  [["edit", "daily", "--input", "{"], "--input is not JSON"],
  [["trigger", "daily", "--input", "{}"], "schedules trigger takes no --input"],
  [["pause", "daily", "--cron", "@hourly"], "schedules pause takes no --cron"],
  [["edit", "daily", "--kind", "greet"], "schedules edit takes no --kind"],
  [["show", "daily", "--force"], "schedules show takes no --force"],
])("%j is not understood", async (words, problem) => {
  const { code, terminal } = await call(...words)
  expect(code).toBe(2)
  expect(terminal.notes.join("\n")).toContain(problem)
})

test("a schedule that is not there is told from one that cannot be changed so", async () => {
  expect((await call("pause", "dayly")).code).toBe(3)
  for (const verb of ["show", "next", "history", "changes"]) {
    const { code, terminal } = await call(verb, "dayly")
    expect(code, verb).toBe(3)
    expect(terminal.notes.join("\n")).toContain(
      'there is no schedule "dayly"; did you mean "daily"?',
    )
    const told = await call(verb, "dayly", "--json")
    expect(JSON.parse(told.terminal.notes.join(""))).toMatchObject({
      error: { code: "DROVER_UNKNOWN_SCHEDULE" },
    })
  }
  const { code, terminal } = await call("edit", "daily", "--cron", "0 0 31 2 *")
  expect(code).toBe(2)
  expect(terminal.notes[0]).toContain("no date matches it")
})
