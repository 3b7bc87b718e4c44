import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { Drover } from "../client/index.ts"
import { sqlite } from "../sqlite/index.ts"
import { FakeTerminal } from "./fakeTerminal.fixture.ts"
import { run } from "./run.ts"
import { version } from "./version.ts"

const greet = defineJob("greet", { queue: "mail", run: () => "hello" })

let folder: string
let db: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drover-cli-"))
  db = join(folder, "app.db")
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** Runs a command line in the test's folder. */
async function call(...words: string[]): Promise<{ code: number; terminal: FakeTerminal }> {
  const terminal = new FakeTerminal(folder)
  return { code: await run(words, terminal), terminal }
}

/** Fills the test's database. */
async function withJobs(fill: (drover: Drover) => Promise<unknown>): Promise<void> {
  await using drover = new Drover({ store: sqlite(db), jobs: [greet] })
  await fill(drover)
}

/** Writes a configuration that runs from source, as `drover init` writes one for users. */
async function writeConfig(): Promise<void> {
  const source = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href)
  await writeFile(
    join(folder, "drover.config.ts"),
    `import { defineJob } from ${source("../index.ts")}
import { sqlite } from ${source("../sqlite/index.ts")}
const greet = defineJob("greet", { queue: "mail", run: ({ input }) => ({ greeted: input }) })
const slow = defineJob("slow", { queue: "mail", run: ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))) })
export default { store: sqlite(${JSON.stringify(db)}), jobs: [greet, slow] }
`,
  )
}

describe("understanding what was written", () => {
  test("without a command the program says what it can do and exits with 2", async () => {
    const { code, terminal } = await call()
    expect(code).toBe(2)
    expect(terminal.text).toContain("Usage: drover COMMAND")
  })

  test("--version prints the version of the package", async () => {
    expect((await call("--version")).terminal.lines).toEqual([version])
  })

  test("a misspelt command is refused with the nearest one", async () => {
    const { code, terminal } = await call("job")
    expect(code).toBe(2)
    expect(terminal.notes.join()).toContain('did you mean "jobs"?')
  })

  test.each(["init", "migrate", "work", "enqueue", "jobs", "queues", "workers", "tail", "doctor"])(
    "%s --help lists its forms and options and touches nothing",
    async (name) => {
      const { code, terminal } = await call(name, "--help")
      expect(code).toBe(0)
      expect(terminal.text).toContain(`Usage: drover ${name}`)
      expect(terminal.text).toContain("--json")
    },
  )

  test.each([
    ["jobs", "--stat", "x"],
    ["jobs", "frobnicate"],
    ["jobs", "--state", "sleeping"],
    ["jobs", "--limit", "-3"],
    ["jobs", "cancel"],
    ["jobs", "show"],
    ["jobs", "list", "some-id"],
    ["jobs", "show", "some-id", "--tag", "a"],
    ["jobs", "list", "--reason", "why"],
    ["jobs", "cancel", "some-id", "--next", "1"],
    ["queues", "resize", "mail"],
    ["migrate", "sideways"],
    ["doctor", "who"],
    ["work", "--grace", "soon"],
    ["enqueue", "greet", "1", "--unchecked", "--wait", "soon"],
    ["queues", "age", "mail", "soon"],
  ])("%s %s is not understood: exit 2 and a hint at the help", async (...words) => {
    await withJobs((drover) => drover.enqueue(greet))
    const { code, terminal } = await call(...words.filter(Boolean), "--db", db)
    expect(code).toBe(2)
    expect(terminal.lines).toEqual([])
    expect(terminal.notes.join("\n")).toContain("--help")
  })

  test("an option that does not exist is refused with the nearest one", async () => {
    const { code, terminal } = await call("enqueue", "greet", "--prioritty", "5")
    expect(code).toBe(2)
    expect(terminal.notes[0]).toBe(
      "drover enqueue: there is no option --prioritty; did you mean --priority?",
    )
  })

  test("a database that is not there is refused, never made", async () => {
    const { code, terminal } = await call("jobs", "--db", "missing.db")
    expect(code).toBe(2)
    expect(terminal.notes.join()).toContain("there is no file")
    await expect(stat(join(folder, "missing.db"))).rejects.toThrow("ENOENT")
  })

  test("with --json, faults are JSON too", async () => {
    const { terminal } = await call("jobs", "--db", "missing.db", "--json")
    expect(JSON.parse(terminal.notes.join())).toMatchObject({ error: { code: "DROVER_CONFIG" } })
  })
})

describe("init and migrate", () => {
  test("init writes a configuration and a job, and leaves what is there", async () => {
    await call("init")
    const config = join(folder, "drover.config.ts")
    await writeFile(config, "mine")
    const { code, terminal } = await call("init")
    expect(code).toBe(0)
    expect(await readFile(config, "utf8")).toBe("mine")
    expect(terminal.notes.join()).toContain("was left as it is")
  })

  test.each([
    ["commonjs", "mts"],
    ["module", "ts"],
  ])("in a package of %s init writes files that Node loads: .%s", async (type, extension) => {
    await writeFile(join(folder, "package.json"), JSON.stringify({ type }))
    await call("init")
    const config = await readFile(join(folder, `drover.config.${extension}`), "utf8")
    expect(config).toContain(`from "./jobs/greet.${extension}"`)
    expect(await readFile(join(folder, `jobs/greet.${extension}`), "utf8")).toContain("greet")
  })

  test("up --dry-run names the migrations and applies none; up applies them; then there are none", async () => {
    await writeConfig()
    const pending = await call("migrate", "--json")
    expect(JSON.parse(pending.terminal.text)[0]).toMatchObject({ number: 1, appliedAt: null })
    expect((await call("migrate", "up", "--dry-run")).terminal.text).toContain("would apply 1")
    expect((await call("migrate", "up")).terminal.text).toContain("applied 1")
    expect((await call("migrate", "up")).terminal.text).toContain("up to date")
  })

  test("a command that only looks refuses a database with pending migrations and says what to do", async () => {
    await writeConfig()
    const { code, terminal } = await call("jobs")
    expect(code).toBe(1)
    expect(terminal.notes.join()).toContain("drover migrate up")
  })
})

describe("enqueue and work", () => {
  test("enqueue prints the id; the same --id again is the same job", async () => {
    await writeConfig()
    const first = await call("enqueue", "greet", '{"name":"Ann"}', "--json")
    const { id, status } = JSON.parse(first.terminal.text) as { id: string; status: string }
    expect(status).toBe("enqueued")
    const again = await call("enqueue", "greet", '{"name":"Ann"}', "--id", id, "--json")
    expect(JSON.parse(again.terminal.text)).toEqual({ id, status: "repeated" })
  })

  test("an input that is not JSON is refused before anything is written", async () => {
    await writeConfig()
    expect((await call("enqueue", "greet", "{name}")).code).toBe(2)
    await call("migrate", "up")
    expect((await call("jobs")).terminal.text).toBe("No jobs.")
  })

  test("an unknown kind is refused unless --unchecked says otherwise", async () => {
    await writeConfig()
    expect((await call("enqueue", "gret", "{}")).code).toBe(3)
    expect((await call("enqueue", "gret", "{}", "--unchecked")).code).toBe(0)
  })

  test("the input can come from a file or from standard input", async () => {
    await writeConfig()
    await writeFile(join(folder, "input.json"), '{"from":"file"}')
    await call("enqueue", "greet", "@input.json")
    const terminal = new FakeTerminal(folder, '{"from":"pipe"}')
    await run(["enqueue", "greet", "-"], terminal)
    const listed = (await call("jobs", "--json")).terminal.lines.map(
      (line) => JSON.parse(line).input,
    )
    expect(listed).toEqual([{ from: "pipe" }, { from: "file" }])
  })

  test("work runs what waits and ends with 0 at the first signal, nothing left running", async () => {
    await writeConfig()
    await call("enqueue", "greet", '"you"')
    const terminal = new FakeTerminal(folder)
    const ended = run(["work"], terminal)
    const waited = await call("enqueue", "greet", '"me"', "--wait", "1m", "--json")
    expect(JSON.parse(waited.terminal.lines[1]!)).toMatchObject({ result: { greeted: "me" } })
    terminal.signal("SIGTERM")
    expect(await ended).toBe(0)
    expect((await call("jobs", "-s", "running")).terminal.text).toBe("No jobs.")
  })

  test("work without any job says that it runs none, instead of looking well for ever", async () => {
    await withJobs((drover) => drover.enqueue(greet))
    const terminal = new FakeTerminal(folder)
    const ended = run(["work", "--db", db], terminal)
    await terminal.printed("has no jobs: the worker runs none")
    terminal.signal("SIGTERM")
    expect(await ended).toBe(0)
  })

  test("tail refuses a state that does not exist, instead of waiting for it for ever", async () => {
    await withJobs(async () => {})
    const { code, terminal } = await call("tail", "--state", "runing", "--once", "--db", db)
    expect([code, terminal.notes.join()]).toEqual([
      2,
      expect.stringContaining('there is no state "runing"'),
    ])
  })

  test("a second signal hands running jobs back at once and exits with 1", async () => {
    await writeConfig()
    await call("enqueue", "slow")
    const terminal = new FakeTerminal(folder)
    const following = new FakeTerminal(folder)
    const followed = run(["tail", "--since", "0"], following)
    const ended = run(["work", "--grace", "1h"], terminal)
    await following.printed("available → running")
    terminal.signal("SIGTERM")
    await terminal.printed("again to stop at once")
    terminal.signal("SIGTERM")
    expect(await ended).toBe(1)
    await following.printed("running → available")
    following.signal("SIGINT")
    expect(await followed).toBe(0)
  })
})

describe("jobs", () => {
  test("list filters and pages; --next continues where a page ended", async () => {
    await withJobs(async (drover) => {
      // So many that no cursor could pass for a time.
      for (let n = -40; n < 0; n++) await drover.enqueue(greet, n)
      for (let n = 0; n < 5; n++) await drover.enqueue(greet, n, { tags: [n % 2 ? "odd" : "even"] })
    })
    const first = await call("jobs", "--db", db, "--tag", "even", "--limit", "2", "--json")
    expect(first.terminal.lines.map((line) => JSON.parse(line).input)).toEqual([4, 2])
    const cursor = first.terminal.notes[0]!.split(" ").at(-1)!
    const second = await call(
      "jobs",
      "--db",
      db,
      "--tag",
      "even",
      "--limit",
      "2",
      "--json",
      "--next",
      cursor,
    )
    expect(second.terminal.lines.map((line) => JSON.parse(line).input)).toEqual([0])
    const soon = ["jobs", "--db", db, "--after"]
    expect((await call(...soon, "2999-01-01")).terminal.text).toBe("No jobs.")
    expect((await call(...soon, "2000-01-01T00:00:00Z", "-n", "1")).code).toBe(0)
    expect((await call(...soon, "5")).code).toBe(2)
  })

  test("show prints a job with its trail, and exits with 3 when there is none", async () => {
    let id = ""
    await withJobs(async (drover) => {
      id = (await drover.enqueue(greet)).id
    })
    expect((await call("jobs", "show", id, "--db", db)).terminal.text).toContain("→ available")
    const missing = await call("jobs", "show", "01930000-0000-7000-8000-000000000000", "--db", db)
    expect(missing.code).toBe(3)
  })

  test("a filter only counts until --yes says to act", async () => {
    await withJobs((drover) => drover.enqueueMany(greet, [{ input: 1 }, { input: 2 }]))
    const asked = await call("jobs", "cancel", "--kind", "greet", "--db", db)
    expect(asked.code).toBe(2)
    expect(asked.terminal.text).toBe("would cancel 2 jobs")
    expect((await call("jobs", "-s", "cancelled", "--db", db)).terminal.text).toBe("No jobs.")
    const dry = await call("jobs", "cancel", "--kind", "greet", "--db", db, "--dry-run")
    expect(dry.code).toBe(0)
    const done = await call("jobs", "cancel", "--kind", "greet", "--db", db, "--yes")
    expect(done.terminal.text).toBe("cancelled 2")
  })

  test("an action that --limit ends says so, before it is done and after", async () => {
    await withJobs((drover) => drover.enqueueMany(greet, [{ input: 1 }, { input: 2 }]))
    const cancel = (...more: string[]): ReturnType<typeof call> =>
      call("jobs", "cancel", "--kind", "greet", "--limit", "1", "--db", db, ...more)
    expect((await cancel()).terminal.text).toBe("would cancel 1 job, as many as --limit allows")
    const done = await cancel("--yes")
    expect(done.terminal.notes.join()).toContain("as many as --limit allows (1)")
  })

  test("the trail says who acted and why", async () => {
    let id = ""
    await withJobs(async (drover) => {
      id = (await drover.enqueue(greet)).id
    })
    await call("jobs", "cancel", id, "--db", db, "--reason", "not needed")
    const { terminal } = await call("jobs", "show", id, "--db", db)
    expect(terminal.text).toMatch(/available → cancelled.*cli:test@here.*not needed/)
  })

  test("an id whose state does not allow the action is refused with 1, a missing one with 3", async () => {
    let id = ""
    await withJobs(async (drover) => {
      id = (await drover.enqueue(greet)).id
      await drover.cancel(id)
    })
    expect((await call("jobs", "cancel", id, "--db", db)).code).toBe(1)
    expect((await call("jobs", "retry", "nobody", "--db", db)).code).toBe(3)
    expect((await call("jobs", "retry", id, "--db", db)).code).toBe(0)
  })

  test("control characters of job data never reach the terminal raw", async () => {
    const hostile = "\u001b]0;owned\u0007\u001b[2J\u202egnp.exe\r\n\u009b31m"
    let id = ""
    await withJobs(async (drover) => {
      const handle = await drover.enqueue(
        greet,
        { hostile },
        { tags: ["plain"], unique: hostile, metadata: { hostile } },
      )
      id = handle.id
      await drover.cancel(id, { reason: hostile })
    })
    for (const words of [
      ["jobs"],
      ["jobs", "show", id],
      ["tail", "--once"],
      ["jobs", "--json"],
      ["jobs", "show", id, "--json"],
      ["tail", "--once", "--json"],
    ]) {
      const { terminal } = await call(...words, "--db", db)
      expect(terminal.text.length).toBeGreaterThan(20)
      expect(terminal.text).not.toMatch(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u)
    }
  })
})

describe("queues, workers and doctor", () => {
  test("pause, resume, resize and age are stored and listed", async () => {
    await withJobs((drover) => drover.enqueue(greet))
    await call("queues", "pause", "mail", "--db", db)
    await call("queues", "resize", "mail", "7", "--db", db)
    await call("queues", "age", "mail", "1m", "--db", db)
    const listed = async (): Promise<unknown> =>
      JSON.parse((await call("queues", "--db", db, "--json")).terminal.text)
    expect(await listed()).toMatchObject({ queue: "mail", paused: true, slots: 7, agingMs: 60_000 })
    await call("queues", "resume", "mail", "--db", db)
    await call("queues", "resize", "mail", "default", "--db", db)
    await call("queues", "age", "mail", "off", "--db", db)
    expect(await listed()).toMatchObject({ paused: false, slots: null, agingMs: null })
    expect((await call("queues", "--db", db)).terminal.text).toContain("mail")
  })

  test("a misspelt queue is refused with the nearest one: pausing it would stop nothing", async () => {
    await withJobs((drover) => drover.enqueue(greet))
    const { code, terminal } = await call("queues", "pause", "mial", "--db", db)
    expect(code).toBe(3)
    expect(terminal.notes.join()).toContain('did you mean "mail"?')
  })

  test("workers lists processes with their leases", async () => {
    await withJobs(async (drover) => {
      await using _worker = await drover.work()
      const { terminal } = await call("workers", "--db", db)
      expect(terminal.text).toContain(String(process.pid))
    })
    expect((await call("workers", "--db", db)).terminal.text).toBe("No workers.")
  })

  test("doctor names every check and exits with 0 on a healthy database", async () => {
    await withJobs((drover) => drover.enqueue(greet))
    const { code, terminal } = await call("doctor", "--db", db, "--json")
    expect(code).toBe(0)
    const checks = terminal.lines.map((line) => (JSON.parse(line) as { check: string }).check)
    expect(checks).toEqual(
      expect.arrayContaining(["schema", "wal", "stuck_leases", "oldest_waiting"]),
    )
  })
})
