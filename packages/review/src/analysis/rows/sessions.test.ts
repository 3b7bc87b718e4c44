import { expect, test } from "vitest"
import { programOf } from "../program/programOf.ts"
import { handleOf } from "./sessions.ts"

test.each([
  ["pool", "a.ts", "const pool = new Pool()\npool.query(q)"],
  ["pinned", "a.ts", "const one = await pool.connect()\none.query(q)"],
  ["pinned", "a.ts", "const pool = new Pool({ max: 1 })\npool.query(q)"],
  ["pinned", "a.ts", "db.transaction(async (it) => it.query(q))"],
  ["pool", "a.ts", "prisma.$queryRaw`${q}`"],
  ["pinned", "a.py", "def f(session: AsyncSession):\n  session.execute(q)"],
  ["pool", "a.go", "package a\nfunc f(x *sql.DB) { x.Exec(q) }"],
  ["pinned", "a.go", "package a\nfunc f(x *sql.Tx) { x.Exec(q) }"],
  ["unknown", "a.go", "package a\nfunc f(x Querier) { x.Exec(q) }"],
])("is %s: %s %s", async (handle, path, text) => {
  const program = await programOf([{ path, text }])
  const file = program.file(path)!
  const call = file.calls.find((one) => /^(?:query|execute|Exec|\$queryRaw)$/.test(one.name))!
  expect(handleOf(program, file, call)).toBe(handle)
})
