import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { wallClockLease } from "./wallClockLease.ts"

async function shown(path: string, text: string): Promise<string[]> {
  const program = await programOf([{ path, text }])
  return applyRule(wallClockLease, program.file(path)!, program).map(
    ({ at }) => text.slice(at.start, at.end).split("\n")[0]!,
  )
}

test("a deadline that has a line of its own is found there, not where the store gets it", async () => {
  const text = `async function f() {\n  const lockDeadline = new Date(Date.now() - ttl)\n  return db.next(name, lockDeadline)\n}`
  expect(await shown("a.ts", text)).toEqual(["const lockDeadline = new Date(Date.now() - ttl)"])
})

test.each([
  "jobs.updateOne({ lockedAt: { $lt: new Date() } }, set)",
  'knex("jobs").where("locked_until", "<", new Date()).update(set)',
  'pool.query("update locks set owner = $1 where expires_at < $2", [me, Date.now()])',
  "pool.query(`update jobs set worker = ${me} where lease_until < ${Date.now()}`)",
])("found: %s", async (text) => {
  expect(await shown("a.ts", text)).toHaveLength(1)
})

test.each([
  [
    "the database's clock",
    'pool.query("update locks set owner = $1 where expires_at < now()", [me])',
  ],
  [
    "another column's time",
    'pool.query("update jobs set worker = $1 where lease_until < now() and run_at < $2", [me, Date.now()])',
  ],
  ["a cache's expiry", 'pool.query("delete from cache where expires_at < $1", [Date.now()])'],
  [
    "a time that is given",
    'pool.query("update locks set owner = $1 where expires_at < $2", [me, serverTime])',
  ],
  [
    "a user who is locked out",
    'pool.query("update users set tries = 0 where locked_until < $1", [Date.now()])',
  ],
  ["a lease in memory", "if (leases.get(name).expiresAt < Date.now()) leases.delete(name)"],
])("silent: %s", async (_what, text) => {
  expect(await shown("a.ts", text)).toEqual([])
})

test("the old recipe keeps its end in the value", async () => {
  const text = `def acquire_lock():\n  if r.setnx(lock_key, time.time() + 9): return True\n  return r.getset(lock_key, time.time() + 9)`
  expect(await shown("a.py", text)).toEqual(["r.setnx(lock_key, time.time() + 9)"])
})

const TAKE = (read: string): string =>
  `async function takeLease(name) {\n  const lease = ${read}\n  if (lease.expiresAt > Date.now()) return false\n  await db.leases.update(lease)\n}`

test("a row that is read and compared here counts, an entry of a map does not", async () => {
  expect(await shown("a.ts", TAKE("await db.leases.findOne({ name })"))).toEqual([
    "lease.expiresAt > Date.now()",
  ])
  expect(await shown("a.ts", TAKE("leases.get(name)"))).toEqual([])
})

test("the class says that what expires is a lock", async () => {
  const text = (name: string): string =>
    `class ${name} {\n  Bson expired(Clock clock) { return lte("expiresAt", clock.instant()); }\n  Instant leaseEndsAt;\n}`
  expect(await shown("A.java", text("MongoLockService"))).toEqual([
    'lte("expiresAt", clock.instant())',
  ])
  expect(await shown("A.java", text("MongoTokenService"))).toEqual([])
})
