import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { Drover } from "../../client/index.ts"
import { defineJob } from "../../jobs/define/jobDefinition.ts"
import { dropSchemas } from "../../postgres/fixtures/dropSchemas.ts"
import { freshSchema, testServerUrl } from "../../postgres/fixtures/testServer.ts"
import { sqlite } from "../../sqlite/index.ts"
import { makeForeignFile } from "../../sqlite/otherFiles.fixture.ts"
import { FakeTerminal } from "../fakeTerminal.fixture.ts"
import { run } from "../run.ts"

const greet = defineJob("greet", { run: () => "hello" })
let folder: string
let schema: string
let url: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drover-cli-move-"))
  schema = freshSchema()
  url = await testServerUrl()
  await using drover = new Drover({ store: sqlite(join(folder, "app.db")), jobs: [greet] })
  for (let index = 0; index < 3; index++) await drover.enqueue(greet, index)
})

afterEach(async () => {
  await rm(folder, { recursive: true })
  await dropSchemas([schema])
})

async function call(...words: string[]): Promise<{ code: number; terminal: FakeTerminal }> {
  const terminal = new FakeTerminal(folder)
  return { code: await run(["move", ...words], terminal), terminal }
}

const moving = (): string[] => ["--from", "sqlite:app.db", "--to", url, "--schema", schema]

test("moves a file to Postgres and back into another file", async () => {
  const there = await call(...moving())
  expect(there.terminal.notes.join("\n")).toContain("jobs: 3 checked")
  expect(there.terminal.lines[0]).toMatch(
    /^moved: 3 jobs with 3 transitions, from .*app\.db to postgres:/,
  )
  expect(there.code).toBe(0)
  const back = await call("--from", url, "--schema", schema, "--to", "sqlite:back.db", "--json")
  expect(back.code).toBe(0)
  expect(JSON.parse(back.terminal.text)).toMatchObject({ status: "moved", rows: { jobs: 3 } })
  await using drover = new Drover({ store: sqlite(join(folder, "back.db")), jobs: [greet] })
  expect((await drover.list()).jobs).toHaveLength(3)
})

test("says that it was moved before, and the old file names the new place", async () => {
  await call(...moving())
  const again = await call(...moving())
  expect(again.code).toBe(0)
  expect(again.terminal.lines[0]).toMatch(/^had been moved before: 3 jobs/)
  const terminal = new FakeTerminal(folder)
  expect(await run(["enqueue", "greet", "1", "--unchecked", "--db", "app.db"], terminal)).toBe(1)
  expect(terminal.notes.join()).toMatch(/it was moved to postgres:.*\[DROVER_STORE_MOVED\]/)
})

test("--dry-run counts and changes nothing", async () => {
  const { code, terminal } = await call("--from", "sqlite:app.db", "--dry-run")
  expect(code).toBe(0)
  expect(terminal.lines).toEqual(["would move jobs: 3", "would move trail: 3"])
  await using drover = new Drover({ store: sqlite(join(folder, "app.db")), jobs: [greet] })
  expect(await drover.enqueue(greet, 4)).toBeDefined()
})

test("--abort without a move says so", async () => {
  const { code, terminal } = await call(...moving(), "--abort")
  expect(code).toBe(1)
  expect(terminal.notes.join()).toContain("is being moved")
})

test("what is refused leaves no target that was not there, and one that was as it was", async () => {
  await using drover = new Drover({ store: sqlite(join(folder, "app.db")), jobs: [greet] })
  await using _worker = await drover.work()
  makeForeignFile(join(folder, "own.db"))
  const before = await readFile(join(folder, "own.db"))
  const files = await readdir(folder)
  for (const to of ["sqlite:fresh/b.db", "sqlite:b.db", "sqlite:own.db"]) {
    const { code, terminal } = await call("--from", "sqlite:app.db", "--to", to)
    expect(terminal.notes.join()).toContain("workers are alive")
    expect(code).toBe(1)
    expect((await call("--from", "sqlite:app.db", "--to", to, "--abort")).code).toBe(1)
  }
  expect(await readdir(folder)).toEqual(files)
  expect(await readFile(join(folder, "own.db"))).toEqual(before)
})

test.each([
  [["--from", "sqlite:none.db", "--to", "sqlite:b.db"], 2, /there is no file/],
  [["--from", "app.db", "--to", "sqlite:b.db"], 2, /--from: "app.db" is no place/],
  [["--from", "sqlite:app.db", "--to", "localhost/app"], 2, /--to: "localhost\/app" is no place/],
  [["--to", "sqlite:b.db"], 2, /needs --from/],
  [["--from", "sqlite:app.db"], 2, /needs --to/],
  [
    ["--from", "mysql://me:secret@host/x", "--to", "sqlite:b.db"],
    2,
    /--from: "mysql:\/\/…@host\/x" is no place/,
  ],
  [["--from", "sqlite:app.db", "--to", "sqlite:b.db", "--batch", "0"], 2, /whole number/],
])("%j exits with %i", async (words, exit, says) => {
  const { code, terminal } = await call(...words)
  expect(code).toBe(exit)
  expect(terminal.notes.join()).toMatch(says)
  expect(terminal.notes.join()).not.toContain("secret")
})
