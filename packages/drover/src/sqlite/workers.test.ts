import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import type { ClaimedJob, NewJob, Store, WorkerRef } from "../store/index.ts"
import { ManualClock, SeededRng, systemClock, systemRng, UuidMaker } from "../time/index.ts"
import type { Clock } from "../time/index.ts"
import { sqlite } from "./index.ts"
import { asLeader } from "../store/asLeader.fixture.ts"

let folder: string
let path: string
let stores: Store[]
let children: ChildProcess[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "drover-workers-"))
  path = join(folder, "app.db")
  stores = []
  children = []
})
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL")
  for (const store of stores) await store.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(clock: Clock = systemClock): Promise<Store> {
  const rng = clock === systemClock ? systemRng : new SeededRng("workers")
  const store = sqlite(path).connect({ clock, rng, events: new Events() })
  stores.push(store)
  await store.open({ migrate: true })
  return store
}

const ids = new UuidMaker(systemClock, systemRng)

function jobs(count: number, over: Partial<NewJob> = {}): NewJob[] {
  return Array.from({ length: count }, () => ({
    id: ids.next(),
    kind: "mail",
    queue: "default",
    priority: 1,
    input: "{}",
    delayMs: 0,
    runAt: null,
    expireMs: null,
    maxAttempts: 5,
    maxCrashes: 3,
    timeoutMs: null,
    retry: null,
    tags: [],
    metadata: null,
    unique: null,
    ...over,
  }))
}

async function register(store: Store, workerId: string, token = 1): Promise<WorkerRef> {
  const worker = { workerId, token, leaseMs: 30_000, host: "here", pid: process.pid, info: "{}" }
  return store.registerWorker(worker)
}

async function claim(
  store: Store,
  worker: WorkerRef,
  limit: number,
): Promise<readonly ClaimedJob[]> {
  const claims = [{ queue: "default", kinds: ["mail"], limit }]
  const request = { worker, settlements: [], claims, token: 7, repeat: false, solo: false }
  return (await store.exchange(request)).claimed
}

/** Takes back the jobs of the silent, of whom each has one, and names them. */
async function rescuer(store: Store): Promise<() => Promise<readonly string[]>> {
  const leader = await asLeader(store)
  return async () => {
    const before = await store.workers()
    await leader.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })
    const left = new Set((await store.workers()).map(({ workerId }) => workerId))
    return before.map(({ workerId }) => workerId).filter((id) => !left.has(id))
  }
}

/** A process that registers a worker, claims one job, says so, and then does nothing. */
async function holder(workerId: string): Promise<ChildProcess> {
  const module = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href)
  const script = `
    import { sqlite } from ${module("./index.ts")}
    import { Events } from ${module("../events/index.ts")}
    import { systemClock, systemRng } from ${module("../time/index.ts")}
    const environment = { clock: systemClock, rng: systemRng, events: new Events() }
    const store = sqlite(${JSON.stringify(path)}).connect(environment)
    await store.open({ migrate: false })
    const row = { token: 1, leaseMs: 3_600_000, host: "here", pid: process.pid, info: "{}" }
    const worker = await store.registerWorker({ workerId: ${JSON.stringify(workerId)}, ...row })
    const claims = [{ queue: "default", kinds: ["mail"], limit: 1 }]
    const reply = await store.exchange({ worker, settlements: [], claims, token: 5, repeat: false, solo: false })
    console.log(reply.claimed.length)
    process.stdin.resume()`
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["pipe", "pipe", "inherit"],
  })
  children.push(child)
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as string[]
  expect(line).toBe("1")
  return child
}

describe.skipIf(process.platform !== "linux")("workers whose process was killed", () => {
  test("are proved dead at once, and their jobs taken back without waiting for the lease", async () => {
    const store = await open()
    await store.enqueue(jobs(2))
    const killed = await holder("killed")
    await holder("alive")
    await register(store, "me")
    expect(await store.deadWorkers()).toEqual([])
    killed.kill("SIGKILL")
    await once(killed, "exit")
    const deadWorkers = await store.deadWorkers()
    expect(deadWorkers).toEqual(["killed"])
    const rescued = await (
      await asLeader(store)
    ).rescue({ deadWorkers, expiredLeases: false, limit: 10 })
    expect(rescued).toMatchObject([{ workerId: "killed", state: "available", crashes: 1 }])
    expect(await store.deadWorkers()).toEqual([])
    expect((await store.workers()).map(({ workerId }) => workerId)).toEqual(["alive", "me"])
  })

  test("and only stopped are not proved dead", async () => {
    const store = await open()
    await store.enqueue(jobs(1))
    const stopped = await holder("stopped")
    stopped.kill("SIGSTOP")
    expect(await store.deadWorkers()).toEqual([])
  })
})

test("a worker that speaks for another process is never proved dead", async () => {
  const store = await open()
  const worker = { workerId: "w", token: 1, leaseMs: 1, host: "here", pid: 4_194_304, info: "{}" }
  await store.registerWorker(worker)
  expect(await store.deadWorkers()).toEqual([])
})

test("a database in memory proves nobody dead", async () => {
  const store = sqlite(":memory:").connect({
    clock: systemClock,
    rng: systemRng,
    events: new Events(),
  })
  stores.push(store)
  await store.open({ migrate: true })
  await store.registerWorker({
    ...{ workerId: "w", token: 1, leaseMs: 1, host: "here", pid: 4_194_304, info: "{}" },
  })
  expect(await store.deadWorkers()).toEqual([])
})

test("a worker with more jobs than one transaction takes hands all of them back", async () => {
  const store = await open()
  await store.enqueue(jobs(1_201))
  const worker = await register(store, "w")
  expect(await claim(store, worker, 1_201)).toHaveLength(1_201)
  await store.retireWorker(worker)
  expect(await store.count({ states: ["available"] }, 2_000)).toBe(1_201)
  expect(await store.workers()).toEqual([])
})

test("whoever registers anew under a name hands back what the former one held", async () => {
  const store = await open()
  await store.enqueue(jobs(3))
  const former = await register(store, "w", 1)
  await claim(store, former, 3)
  const anew = await register(store, "w", 2)
  expect(await store.beat(former, 1_000)).toBe("lost")
  expect(await store.beat(anew, 1_000)).toBe("held")
  expect(await claim(store, anew, 3)).toMatchObject([{ attempt: 2, interruptions: 1 }, {}, {}])
})

test("a rescue with nothing to do writes nothing", async () => {
  const store = await open()
  await register(store, "w")
  const witness = new DatabaseSync(path)
  const version = (): unknown => witness.prepare("pragma data_version").get()
  const leader = await asLeader(store)
  const before = version()
  const nobody = { deadWorkers: ["w2"], expiredLeases: true, limit: 10 }
  expect(await leader.rescue(nobody)).toEqual([])
  expect(version()).toEqual(before)
  await leader.rescue({ deadWorkers: ["w"], expiredLeases: false, limit: 10 })
  expect(version()).not.toEqual(before)
  witness.close()
})

test("whoever starts while the wall clock is set back is not taken for dead before its lease ends", async () => {
  const clock = new ManualClock()
  const old = await open(clock)
  const rescue = await rescuer(old)
  clock.jumpWall(-3_600_000)
  // Nothing is written for a while: the newcomer finds an old time in the file.
  await clock.advance("9s")
  const young = await open(clock)
  await register(young, "young")
  await clock.advance("30s")
  expect(await rescue()).toEqual([])
  await clock.advance(11)
  expect(await rescue()).toEqual(["young"])
})

test("steps of the wall clock make no lease shorter, and a rescuer knows when to look again", async () => {
  const clock = new ManualClock()
  const store = await open(clock)
  const rescue = await rescuer(store)
  await register(store, "w")
  for (const second of [1, 2]) {
    await clock.advance("1s")
    clock.jumpWall(second * 400)
    await store.now()
  }
  await clock.advance("27900ms")
  expect(await rescue()).toEqual([])
  expect(await store.nextLeaseEndMs()).toBe(100)
  await clock.advance(111)
  expect(await rescue()).toEqual(["w"])
})

test("a leap of an hour makes no lease shorter, and no longer either", async () => {
  const clock = new ManualClock()
  const store = await open(clock)
  const rescue = await rescuer(store)
  await register(store, "w")
  await clock.advance("10s")
  await store.now()
  clock.jumpWall(3_600_000)
  await clock.advance("20s")
  expect(await rescue()).toEqual([])
  await clock.advance(1)
  expect(await rescue()).toEqual(["w"])
})

test("time that a version without stamps wrote has not gone on since", async () => {
  const clock = new ManualClock()
  const store = await open(clock)
  await register(store, "w")
  const witness = new DatabaseSync(path)
  const ahead = clock.now() + 3_600_000
  witness.prepare("update drover_pulse set store_at = ?").run(ahead)
  witness.close()
  await clock.advance("9s")
  const young = await open(clock)
  expect(await young.now()).toBe(ahead)
})

test("a beat into a file that was replaced is refused", async () => {
  const store = await open()
  const worker = await register(store, "w")
  renameSync(path, join(folder, "elsewhere.db"))
  await expect(store.beat(worker, 1_000)).rejects.toMatchObject({ code: "DROVER_STORE_REPLACED" })
})

test("only a store on the machine's own clock beats from a thread", async () => {
  expect((await open()).beatThread).toBeDefined()
  expect((await open(new ManualClock())).beatThread).toBeUndefined()
})
