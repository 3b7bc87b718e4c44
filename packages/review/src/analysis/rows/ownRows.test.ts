import { expect, test } from "vitest"
import { programOf } from "../program/programOf.ts"
import { ownRowsOf } from "./ownRows.ts"
import { takesLock } from "./rowLocks.ts"

async function rowsIn(path: string, text: string) {
  const program = await programOf([{ path, text }])
  return ownRowsOf(program, program.file(path)!)
}

test("of reads that are waited for together each has its own name", async () => {
  const rows = await rowsIn(
    "a.ts",
    "async function f() { const [user, order] = await Promise.all([prisma.user.findFirst({ where: { id } }), prisma.order.findFirst({ where: { id } })]) }",
  )
  expect(rows.map((row) => [row.table, row.results])).toEqual([
    ["user", ["user"]],
    ["order", ["order"]],
  ])
})

test("an insert that gives back its row is an insert", async () => {
  const [row] = await rowsIn(
    "a.ts",
    'async function f() { return supabase.from("bookings").insert({ seat }).select().single() }',
  )
  expect(row).toMatchObject({ kind: "insert", table: "booking" })
})

test("the name of a finder tells its columns in Python as well", async () => {
  const [row] = await rowsIn(
    "a.py",
    "async def f():\n    x = await member_repository.get_by_email_and_team(email, team)\n",
  )
  expect(row?.where.map((one) => one.column)).toEqual(["email", "team"])
})

test.each(["async with pool.acquire() as conn:", 'path = f"/watch/{id}"', "advisory.save()"])(
  "what only sounds like a lock is none: %s",
  (text) => {
    expect(takesLock(text)).toBe(false)
  },
)

test.each([
  "lock.acquire()",
  'redis.execute("WATCH", key)',
  "select pg_advisory_xact_lock(1)",
  'isolation_level="SERIALIZABLE"',
])("what holds others off is a lock: %s", (text) => {
  expect(takesLock(text)).toBe(true)
})
