import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { advisoryLockLeak } from "./advisoryLockLeak.ts"
import { applyRule } from "./applyRule.ts"

async function messagesOf(path: string, text: string): Promise<string[]> {
  const program = await programOf([{ path, text }])
  return applyRule(advisoryLockLeak, program.file(path)!, program).map((draft) => draft.message)
}

const LOCK = "SELECT pg_advisory_lock(1)"
const UNLOCK = "SELECT pg_advisory_unlock(1)"

test("a statement of its own through a pool leaves its lock in some session", async () => {
  const [message] = await messagesOf("a.ts", `await pool.query("${LOCK}")`)
  expect(message).toMatch(/taken through a pool/)
})

test("an unlock through a pool misses the session of a client", async () => {
  const text = `const client = await pool.connect()\nawait client.query("${LOCK}")\nawait pool.query("${UNLOCK}")`
  expect((await messagesOf("a.ts", text))[0]).toMatch(/given back through a pool/)
})

test("a connection that ends its block goes back with its lock", async () => {
  const text = `def f():\n  with engine.connect() as conn:\n    conn.execute("${LOCK}")`
  expect((await messagesOf("a.py", text))[0]).toMatch(/goes back to its pool/)
})

test("a connection that is really closed ends its session and its locks", async () => {
  const text = `def f():\n  with psycopg.connect(dsn) as conn:\n    conn.execute("${LOCK}")`
  expect(await messagesOf("a.py", text)).toEqual([])
})

test("a connection that is kept for later is given back with its unlock elsewhere", async () => {
  const text = `package a
func (s *S) Take(ctx context.Context) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "${LOCK}"); err != nil {
		conn.Release()
		return err
	}
	s.conn = conn
	return nil
}
func (s *S) Give(ctx context.Context) {
	s.conn.Exec(ctx, "${UNLOCK}")
	s.conn.Release()
}`
  expect(await messagesOf("a.go", text)).toEqual([])
})

test("a session that commits between lock and unlock has another connection afterwards", async () => {
  const text = (between: string): string =>
    `def f(session):\n  session.execute(text("${LOCK}"))\n  ${between}\n  session.execute(text("${UNLOCK}"))\n  session.commit()`
  expect((await messagesOf("a.py", text("session.commit()")))[0]).toMatch(/with the commit/)
  expect(await messagesOf("a.py", text("session.flush()"))).toEqual([])
})
