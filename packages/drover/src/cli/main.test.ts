import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdtemp, open, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { Drover } from "../client/index.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { schedule } from "../schedules/index.ts"
import { sqlite } from "../sqlite/index.ts"
import { systemClock } from "../time/index.ts"

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url))

let folder: string
let db: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drover-main-"))
  db = join(folder, "app.db")
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** A process that runs `drover`, with a job that ignores its signal and one that does not. */
async function start(...words: string[]): Promise<ChildProcess> {
  await configure()
  return program(...words)
}

/** Writes the configuration, with more options of the client. */
async function configure(more = ""): Promise<void> {
  const source = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href)
  await writeFile(
    join(folder, "drover.config.ts"),
    `import { defineJob, DroverError, schedule } from ${source("../index.ts")}
import { sqlite } from ${source("../sqlite/index.ts")}
const polite = defineJob("polite", { run: ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))) })
const deaf = defineJob("deaf", { run: () => new Promise(() => {}) })
const strict = defineJob("strict", {
  input: { "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "not so" }] }) } },
  run: () => {},
})
const missingDriver = {
  label: "test",
  connect: (environment) =>
    Object.assign(sqlite("app.db").connect(environment), {
      open: () => Promise.reject(new DroverError("DROVER_CONFIG", "install the driver")),
    }),
}
export default { store: sqlite("app.db"), jobs: [polite, deaf, strict], ${more} }
`,
  )
}

function program(...words: string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...words], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  })
}

async function exit(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null]
  return code ?? signal
}

/** Resolves when the process has written this text. */
function said(stream: NodeJS.ReadableStream, text: string): Promise<void> {
  let all = ""
  return new Promise((resolve) => {
    stream.on("data", (chunk) => {
      all += String(chunk)
      if (all.includes(text)) resolve()
    })
  })
}

/** Enqueues a job and resolves when another process has begun it. */
async function begun(drover: Drover, kind: string): Promise<string> {
  const { id } = await drover.enqueueKind(kind)
  for (let position = 0; ;) {
    const page = await drover.trailAfter(position)
    if (page.entries.some((entry) => entry.jobId === id && entry.to === "running")) return id
    position = page.position
    await new Promise<void>((resolve) => systemClock.defer(resolve))
  }
}

test("SIGTERM lets a worker hand back what does not end in its grace, and exit with 0", async () => {
  await using drover = new Drover({ store: sqlite(db) })
  await drover.enqueue(defineJob("warm", { run: () => null }), null)
  const child = await start("work", "--grace", "200ms")
  const ended = exit(child)
  const ids = [await begun(drover, "polite"), await begun(drover, "deaf")]
  child.kill("SIGTERM")
  expect(await ended).toBe(0)
  for (const id of ids) {
    expect(await drover.get(id)).toMatchObject({
      state: "available",
      interruptions: 1,
      failures: 0,
    })
  }
  expect(await drover.count({ states: ["running"] })).toBe(0)
  expect(await drover.workers()).toEqual([])
})

test("a second SIGTERM does not wait for the grace, and exits with 1 with nothing left running", async () => {
  await using drover = new Drover({ store: sqlite(db) })
  await drover.enqueue(defineJob("warm", { run: () => null }), null)
  const child = await start("work", "--grace", "1h")
  const ended = exit(child)
  await begun(drover, "deaf")
  const first = said(child.stderr!, "again to stop at once")
  child.kill("SIGTERM")
  await first
  child.kill("SIGTERM")
  expect(await ended).toBe(1)
  expect(await drover.count({ states: ["running"] })).toBe(0)
})

/** Runs `drover` with one of its outputs on a disk that is full. */
async function intoFullDisk(
  output: "stdout" | "stderr",
  ...words: string[]
): Promise<ChildProcess> {
  await using full = await open("/dev/full", "w")
  const stdio = output === "stdout" ? [full.fd, "pipe"] : ["pipe", full.fd]
  return spawn(process.execPath, [MAIN, ...words], {
    cwd: folder,
    stdio: ["ignore", ...stdio] as never,
  })
}

describe.skipIf(!existsSync("/dev/full"))("on a full disk", () => {
  test("results that cannot be written fail the command, with one line that says why", async () => {
    const child = await intoFullDisk("stdout", "help")
    const [code, errors] = await Promise.all([exit(child), text(child.stderr!)])
    expect(code).toBe(1)
    expect(errors).toMatch(/^drover: cannot write the results: ENOSPC.*\n$/)
  })

  test("a note that cannot be written does not change the exit status", async () => {
    expect(await exit(await intoFullDisk("stderr", "nonsense"))).toBe(2)
  })
})

test("a reader that closes early, as head does, is no fault", async () => {
  await using drover = new Drover({ store: sqlite(db) })
  const many = defineJob("many", { run: () => null })
  await drover.enqueueMany(
    many,
    Array.from({ length: 1000 }, () => ({ input: "x".repeat(500) })),
  )
  const child = await start("jobs", "--limit", "1000", "--json")
  child.stdout!.once("data", () => child.stdout!.destroy())
  let errors = ""
  child.stderr!.on("data", (chunk) => (errors += String(chunk)))
  expect(await exit(child)).toBe(0)
  expect(errors).not.toContain("EPIPE")
})

test("a configuration that Node takes for CommonJS is refused with what to do about it", async () => {
  await writeFile(join(folder, "package.json"), '{"type":"commonjs"}')
  const child = await start("doctor")
  const output = text(child.stderr!)
  expect(await exit(child)).toBe(1)
  expect(await output).toMatch(/write "type": "module" there, or name the files that import \.mts/)
})

test("an older Node is told what is needed", async () => {
  const older = `data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.20.2"})`
  const child = spawn(process.execPath, ["--import", older, MAIN, "--version"])
  const output = text(child.stderr)
  const [code] = (await once(child, "exit")) as [number]
  expect([code, await output]).toEqual([
    1,
    "drover needs Node 24.15 or newer; this is Node 20.20.2\n",
  ])
})

describe("the exit status tells what was written wrong from what failed", () => {
  /** How a command ends, and what it says of it. */
  async function ended(...words: string[]): Promise<{ code: unknown; says: string }> {
    const child = program(...words)
    const says = text(child.stderr!)
    return { code: await exit(child), says: await says }
  }

  test.each([
    ["schedules create s --kind deaf --cron", "99 * * * *"],
    ["schedules create s --every 1m --kind deaf --time-zone", "Europe/Atlantis"],
    ["schedules create s --every 1m --kind deaf --overlap", "maybe"],
    ["enqueue deaf --queue", "no\nname"],
    ["enqueue deaf --priority", "5000"],
    ["enqueue deaf --id", "17"],
    ["enqueue strict", "{}"],
    ["jobs --next", "nowhere"],
    ["queues age default", "0s"],
    ["limits set kind:deaf#rate", "1/0s"],
    ["limits set deaf", "1"],
    ["jobs --db", "missing.db"],
    ["jobs --db", "postgres://host:port/app"],
    ["jobs --config", "missing.ts"],
    ["move --from sqlite:app.db --to postgres://localhost/x --schema", "no name"],
  ])("%s %j is refused: 2, with where help is", async (words, value) => {
    await configure()
    await using drover = new Drover({ store: sqlite(db) })
    await drover.enqueue(defineJob("deaf", { run: () => null }), null)
    const { code, says } = await ended(...words.split(" "), value)
    expect(code, says).toBe(2)
    expect(says).toMatch(/\[DROVER_[A-Z_]+\]\nTry "drover \w+ --help"\.\n$/)
  })

  test.each([
    ["enqueue fedex", "DROVER_UNKNOWN_KIND"],
    ["queues pause nowhere", "DROVER_UNKNOWN_QUEUE"],
    ["work --queue nowhere", "DROVER_UNKNOWN_QUEUE"],
    ["schedules pause never", "DROVER_UNKNOWN_SCHEDULE"],
  ])("%s names what is not there: 3", async (words, says) => {
    await configure()
    await using drover = new Drover({ store: sqlite(db) })
    await drover.queues()
    expect(await ended(...words.split(" "))).toMatchObject({
      code: 3,
      says: expect.stringContaining(says),
    })
  })

  test.each([
    ["enqueue deaf", "sulots: 1"],
    ["doctor", "generation: -1"],
    ["work", "queues: { default: { slots: -1 } }"],
    ["work", 'schedules: [schedule("theirs", { every: "1h", job: deaf })]'],
    ["schedules deploy", 'schedules: [schedule("theirs", { every: "1h", job: deaf })]'],
    ["schedules deploy", "schedules: 1"],
    ["enqueue deaf", 'store: "app.db"'],
    ["enqueue deaf", "store: missingDriver"],
  ])("%s with a configuration that cannot work (%s) has failed: 1", async (words, more) => {
    await configure(more)
    const job = defineJob("deaf", { run: () => null })
    const schedules = [schedule("theirs", { every: "1h", job })]
    await using drover = new Drover({ store: sqlite(db), deployment: "theirs", schedules })
    await drover.deploySchedules()
    const { code, says } = await ended(...words.split(" "))
    expect(says).toContain("[DROVER_CONFIG]")
    expect(code).toBe(1)
  })

  test("a database that is none has failed: 1", async () => {
    await writeFile(db, "a text that is longer than the header of a database, and no database")
    const { code, says } = await ended("jobs", "--db", db)
    expect(says).toContain("[DROVER_STORE_CORRUPT]")
    expect(code).toBe(1)
  })
})
