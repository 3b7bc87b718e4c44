import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import type { BidReply, Store } from "../store/index.ts"
import { ManualClock, SeededRng, systemClock, systemRng } from "../time/index.ts"
import { sqlite, sqliteShared } from "./index.ts"

const ttlMs = 3_600_000

let folder: string
let path: string
let store: Store
const children: ChildProcess[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "drover-terms-"))
  path = join(folder, "app.db")
  store = sqlite(path).connect({ clock: systemClock, rng: systemRng, events: new Events() })
  await store.open({ migrate: true })
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
  await store.close()
  rmSync(folder, { recursive: true })
})

/** A process that leads until it is killed. @returns it, with its term. */
async function leadingProcess(): Promise<{ child: ChildProcess; term: number }> {
  const module = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href)
  const script = `
    import { sqlite } from ${module("./index.ts")}
    import { Events } from ${module("../events/index.ts")}
    import { ManualClock, SeededRng, systemClock, systemRng } from ${module("../time/index.ts")}
    const environment = { clock: systemClock, rng: systemRng, events: new Events() }
    const store = sqlite(${JSON.stringify(path)}).connect(environment)
    await store.open({ migrate: false })
    const candidate = { id: "other", host: "here", pid: process.pid, info: "{}" }
    const reply = await store.bid({ candidate, token: 5, ttlMs: ${ttlMs} })
    console.log(reply.term)
    process.stdin.resume()`
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["pipe", "pipe", "inherit"],
  })
  children.push(child)
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as string[]
  return { child, term: Number(line) }
}

function bid(token: number): Promise<BidReply> {
  const candidate = { id: "me", host: "here", pid: process.pid, info: "{}" }
  return store.bid({ candidate, token, ttlMs })
}

describe.skipIf(process.platform !== "linux")("the term of a process", () => {
  test("that was killed is taken over at once, and ends for ever", async () => {
    const { child, term } = await leadingProcess()
    expect(await bid(1)).toMatchObject({ won: false, leader: { id: "other", term } })
    child.kill("SIGKILL")
    await once(child, "exit")
    const reply = await bid(1)
    expect(reply).toEqual({ won: true, term: term + 1 })
    expect(await store.renewTerm({ term, token: 5 }, ttlMs)).toBe("ended")
    expect(await bid(2)).toMatchObject({ won: false, leader: { id: "me" } })
  })

  test("that is only stopped is not taken over", async () => {
    const { child, term } = await leadingProcess()
    child.kill("SIGSTOP")
    expect(await bid(1)).toMatchObject({ won: false, leader: { id: "other", term } })
  })
})

test("the term of a candidate that speaks for another process is never taken over early", async () => {
  const candidate = { id: "spokesman", host: "here", pid: 4_194_304, info: "{}" }
  expect(await store.bid({ candidate, token: 3, ttlMs })).toMatchObject({ won: true })
  expect(await bid(1)).toMatchObject({ won: false, leader: { id: "spokesman" } })
})

test("bids that lose and turns that are not due write nothing", async () => {
  const reply = await bid(1)
  if (!reply.won) throw new Error("nobody else leads")
  const turn = { term: { term: reply.term, token: 1 }, service: "s", everyMs: 60_000 }
  await store.claimTurn(turn)
  const witness = new DatabaseSync(path)
  const version = (): unknown => witness.prepare("pragma data_version").get()
  const before = version()
  await bid(2)
  await store.claimTurn(turn)
  expect(version()).toEqual(before)
  await store.renewTerm(turn.term, ttlMs)
  expect(version()).not.toEqual(before)
  witness.close()
})

describe("a term while the wall clock of the bidder leaps", () => {
  const [ttlMs, byMs] = [15_000, 3_600_000]

  async function place(): Promise<{
    readonly clocks: readonly [ManualClock, ManualClock]
    readonly holder: Store
    bid(id: string, token: number): Promise<BidReply>
    [Symbol.asyncDispose](): Promise<void>
  }> {
    const db = new DatabaseSync(":memory:")
    const clocks = [new ManualClock(), new ManualClock()] as const
    const open = async (clock: ManualClock): Promise<Store> => {
      const rng = new SeededRng("terms")
      const opened = sqliteShared(db).connect({ clock, rng, events: new Events() })
      await opened.open({ migrate: true })
      return opened
    }
    const [holder, other] = [await open(clocks[0]), await open(clocks[1])]
    return {
      clocks,
      holder,
      bid: (id, token) => {
        const candidate = { id, host: "here", pid: process.pid, info: "{}" }
        return (id === "holder" ? holder : other).bid({ candidate, token, ttlMs })
      },
      async [Symbol.asyncDispose]() {
        await holder.close()
        await other.close()
        db.close()
      },
    }
  }

  test("is not taken over before its holder trusts it no more, by the clock that does not leap", async () => {
    await using at = await place()
    const [own, others] = at.clocks
    const won = await at.bid("holder", 1)
    expect(won).toMatchObject({ won: true, term: 1 })
    expect(await at.bid("other", 2)).toMatchObject({ won: false })
    others.jumpWall(byMs)
    for (let round = 0; round < 4; round++) {
      expect(await at.bid("other", 2)).toMatchObject({ won: false, leader: { id: "holder" } })
      await Promise.all([own.advance(5_000), others.advance(5_000)])
      expect(await at.holder.renewTerm({ term: 1, token: 1 }, ttlMs)).toBe("held")
    }
    const refused = await at.bid("other", 2)
    expect(refused).toMatchObject({ won: false, leftMs: ttlMs })
    await Promise.all([own.advance(ttlMs), others.advance(ttlMs)])
    expect(await at.bid("other", 2)).toEqual({ won: true, term: 2 })
  })

  test("may be succeeded at once by the client that held it", async () => {
    await using at = await place()
    await at.bid("holder", 1)
    at.clocks[0].jumpWall(byMs)
    expect(await at.holder.renewTerm({ term: 1, token: 1 }, ttlMs)).toBe("ended")
    expect(await at.bid("holder", 3)).toEqual({ won: true, term: 2 })
  })
})
