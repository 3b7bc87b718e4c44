import { expect, test } from "vitest"
import { programOf, type TextAt } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { lockReleaseWithoutOwnerCheck } from "./lockReleaseWithoutOwnerCheck.ts"

async function linesOf(...texts: TextAt[]): Promise<string[]> {
  const program = await programOf(texts)
  return texts.flatMap(({ path, text }) =>
    applyRule(lockReleaseWithoutOwnerCheck, program.file(path)!, program).map(
      (draft) => `${path}:${text.slice(0, draft.at.start).split("\n").length} ${draft.tier}`,
    ),
  )
}

const TAKE = {
  path: "take.ts",
  text: 'export const take = (id: string, token: string) =>\n  redis.set(`import-lock:${id}`, token, "PX", 9000, "NX")',
}

test("the lock may be taken in another file: its key is spelled alike", async () => {
  const free = { path: "free.ts", text: "await redis.del(`import-lock:${job.id}`)" }
  expect(await linesOf(TAKE, free)).toEqual(["free.ts:1 likely"])
})

test("a key that nobody takes is no lock", async () => {
  const free = { path: "free.ts", text: "await redis.del(`export-lock:${job.id}`)" }
  expect(await linesOf(TAKE, free)).toEqual([])
})

test("a lock that never expires passes to nobody: only a reader can tell", async () => {
  const text = 'await redis.setnx("lock:a", token) && (await redis.del("lock:a"))'
  expect(await linesOf({ path: "a.ts", text })).toEqual(["a.ts:1 context"])
})

test("an expiry that is given afterwards counts", async () => {
  const text =
    'if (await redis.setnx("lock:a", t)) await redis.expire("lock:a", 9)\nawait redis.del("lock:a")'
  expect(await linesOf({ path: "a.ts", text })).toEqual(["a.ts:2 likely"])
})

test("rows that have expired may be swept up", async () => {
  const text = [
    'db.query("insert into locks (name, owner) values (?, ?)", [name, owner])',
    'db.query("delete from locks where expires_at < now()")',
    'db.query("delete from locks where name = ?", [name])',
  ].join("\n")
  expect(await linesOf({ path: "a.ts", text })).toEqual(["a.ts:3 likely"])
})

test("what the key spells says more than the name of the variable that holds it", async () => {
  const text = (key: string): string =>
    `const lockKey = \`${key}:\${user}\`\nif (await redis.set(lockKey, token, "EX", 60, "NX")) await send().catch(() => redis.del(lockKey))`
  expect(await linesOf({ path: "a.ts", text: text("cooldown") })).toEqual([])
  expect(await linesOf({ path: "a.ts", text: text("mail") })).toEqual(["a.ts:2 likely"])
})

const LAYER = (name: string, body: string): string =>
  `class LockStore {\n  take(key: string, token: string) { return this.redis.set(key, token, "PX", 9, "NX") }\n  ${name}(key: string) { ${body} }\n}`

test("a thin layer that deletes any key is no release; one that says so is", async () => {
  const text = (name: string): string => LAYER(name, "return this.redis.del(key)")
  expect(await linesOf({ path: "a.ts", text: text("delete") })).toEqual([])
  expect(await linesOf({ path: "a.ts", text: text("release") })).toEqual(["a.ts:3 likely"])
})

test("where a script may do it instead, somebody chose", async () => {
  const body =
    "return this.safe ? this.redis.eval(SCRIPT, 1, key, this.token) : this.redis.del(key)"
  expect(await linesOf({ path: "a.ts", text: LAYER("release", body) })).toEqual([])
})

test("of a lock whose value is a constant another rule speaks; a host's name could be compared", async () => {
  const text = (value: string): string =>
    `if (await redis.set("lock:mail", ${value}, "EX", 60, "NX")) {\n  try { await send() } finally { await redis.del("lock:mail") }\n}`
  expect(await linesOf({ path: "a.ts", text: text('"locked"') })).toEqual([])
  expect(await linesOf({ path: "a.ts", text: text("os.hostname()") })).toEqual(["a.ts:2 likely"])
})

test("so it is where a thin layer sets the constant", async () => {
  const layer = (value: string): TextAt => ({
    path: "lockStore.ts",
    text: `export class LockStore {\n  lock(key: string, owner: string) { return this.redis.set(key, ${value}, "PX", 9000, "NX") }\n}`,
  })
  const user = {
    path: "a.ts",
    text: "import { LockStore } from './lockStore.ts'\nclass Mail {\n  constructor(private readonly store: LockStore) {}\n  async run() {\n    if (!(await this.store.lock('mail-lock', id))) return\n    await this.store.del('mail-lock')\n  }\n}",
  }
  expect(await linesOf(layer("owner"), user)).toEqual(["a.ts:6 likely"])
  expect(await linesOf(layer('"locked"'), user)).toEqual([])
})
