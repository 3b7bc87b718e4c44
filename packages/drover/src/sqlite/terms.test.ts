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
import { systemClock, systemRng } from "../time/index.ts"
import { sqlite } from "./index.ts"

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
    import { systemClock, systemRng } from ${module("../time/index.ts")}
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
