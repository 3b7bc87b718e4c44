import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { afterEach, describe, expect, test } from "vitest"
import { dropSchemas } from "../postgres/fixtures/dropSchema.ts"
import { connectTest, freshSchema, testServerUrl } from "../postgres/fixtures/testServer.ts"

// Real processes, real signals: a leader that ends is succeeded by another process, under a greater term, and what it
// ran runs again.

interface Told {
  readonly event: string
  readonly term: number
}

interface Member {
  readonly child: ChildProcess
  /** The terms that it won so far. */
  readonly terms: readonly number[]
  /** Resolves with the next event of this name that comes, or has come and was not taken yet. */
  next(event: string): Promise<Told>
}

const ends: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

/** What a member of the fleet does beside leading, as text of the program. */
interface Part {
  readonly run?: string
  readonly onMaintenanceStart?: string
  readonly enqueues?: boolean
  /** A service of its own, while it leads. */
  readonly onlyOnLeader?: string
}

function member(source: string, part: Part = {}): Member {
  const { run = "() => {}", onMaintenanceStart = "() => {}", enqueues = false } = part
  const { onlyOnLeader = "{ start() {} }" } = part
  const script = `
    import { defineJob, Drover } from "drover"
    const hang = new Promise(() => {})
    const job = defineJob("a", { run: ${run} })
    const onMaintenanceStart = ${onMaintenanceStart}
    const drover = new Drover({ store: ${source}, jobs: [job], migrate: true, onMaintenanceStart })
    const tell = (event) =>
      drover.on(event, ({ term = 0 }) => console.log(JSON.stringify({ event, term })))
    for (const event of ["leader.elected", "leader.stood_back", "maintenance.started", "job.started"]) tell(event)
    process.once("SIGTERM", async () => {
      await drover.close()
      console.log(JSON.stringify({ event: "closed", term: 0 }))
    })
    drover.onlyOnLeader("own", ${onlyOnLeader})
    await drover.work({ lease: { ttl: "3s" } })
    console.log(JSON.stringify({ event: "up", term: 0 }))
    if (${enqueues}) await drover.enqueueMany(job, [{}, {}, {}].map(() => ({ input: undefined })))`
  const words = ["--conditions=@drover/source", "--input-type=module", "-e", script]
  const stdio = ["ignore", "pipe", "inherit"] as const
  const child = spawn(process.execPath, words, { cwd: import.meta.dirname, stdio: [...stdio] })
  ends.push(() => void child.kill("SIGKILL"))
  const told: Told[] = []
  const terms: number[] = []
  let wake = (): void => {}
  createInterface({ input: child.stdout! }).on("line", (line) => {
    const one = JSON.parse(line) as Told
    told.push(one)
    if (one.event === "leader.elected") terms.push(one.term)
    wake()
  })
  return {
    child,
    terms,
    async next(event) {
      for (;;) {
        const index = told.findIndex((one) => one.event === event)
        if (index >= 0) return told.splice(index, 1)[0]!
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
}

const places: Readonly<Record<string, () => Promise<string>>> = {
  async SQLite() {
    const folder = mkdtempSync(join(tmpdir(), "drover-succession-"))
    ends.push(() => rmSync(folder, { recursive: true, force: true }))
    return `(await import("drover/sqlite")).sqlite(${JSON.stringify(join(folder, "app.db"))})`
  },
  async Postgres() {
    const schema = freshSchema()
    const client = await connectTest()
    ends.push(async () => {
      await dropSchemas(client, schema)
      await client.end()
    })
    const options = JSON.stringify({ url: await testServerUrl(), schema })
    return `(await import("drover/postgres")).postgres(${options})`
  },
}

describe.each(Object.entries(places))("on %s", (_, place) => {
  test.each(["SIGKILL", "SIGTERM"] as const)(
    "a leader that ends by %s is succeeded, and its successor maintains",
    { timeout: 60_000 },
    async (signal) => {
      const source = await place()
      const first = member(source)
      const { term } = await first.next("leader.elected")
      await first.next("maintenance.started")
      const second = member(source)
      await second.next("up")
      first.child.kill(signal)
      const successor = await second.next("leader.elected")
      expect(successor.term).toBeGreaterThan(term)
      expect(await second.next("maintenance.started")).toMatchObject({ term: successor.term })
    },
  )

  test.each(["{ start: () => hang }", "{ start() {}, stop: () => hang }"])(
    "a leader whose own service hangs in %s closes all the same, and is succeeded at once",
    { timeout: 60_000 },
    async (service) => {
      const source = await place()
      const first = member(source, { onlyOnLeader: service })
      const { term } = await first.next("maintenance.started")
      const second = member(source)
      await second.next("up")
      first.child.kill("SIGTERM")
      // Else the process ends before it has given its term back, because nothing keeps it up.
      await first.next("closed")
      expect((await second.next("leader.elected")).term).toBe(term + 1)
    },
  )

  test(
    "the jobs of a leader that is killed run again on one that has just come up",
    { timeout: 60_000 },
    async () => {
      const source = await place()
      const first = member(source, { run: "() => new Promise(() => {})", enqueues: true })
      await first.next("maintenance.started")
      for (let job = 0; job < 3; job++) await first.next("job.started")
      const second = member(source)
      await second.next("up")
      first.child.kill("SIGKILL")
      const again: Told[] = []
      while (again.length < 3) again.push(await second.next("job.started"))
      expect(again.map(({ event }) => event)).toEqual(Array(3).fill("job.started"))
    },
  )

  test(
    "a client whose maintenance cannot start is followed by a healthy one, not by itself",
    { timeout: 60_000 },
    async () => {
      const source = await place()
      const failing = member(source, {
        onMaintenanceStart: '() => { throw new Error("not here") }',
      })
      await failing.next("leader.elected")
      const healthy = member(source)
      await healthy.next("up")
      const last = failing.terms.at(-1)!
      const { term } = await healthy.next("leader.elected")
      expect(term).toBe(last + 1)
      expect(await healthy.next("maintenance.started")).toMatchObject({ term })
    },
  )
})
