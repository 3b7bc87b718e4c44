import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { lockNotReleasedOnThrow } from "./lockNotReleasedOnThrow.ts"
import type { Draft } from "./rule.ts"

async function draftsOf(path: string, text: string): Promise<Draft[]> {
  const program = await programOf([{ path, text }])
  return applyRule(lockNotReleasedOnThrow, program.file(path)!, program)
}

const python = (body: string): string =>
  `def f(lock, db, x):\n    ${body.replaceAll("\n", "\n    ")}\n`
const go = (body: string): string => `package a\nfunc f(mu *sync.Mutex) error {\n${body}\n}\n`

test.each([
  ["a call that may fail", python("lock.acquire()\ndb.save(x)\nlock.release()")],
  ["a return before", python("lock.acquire()\nif x:\n    return\nlock.release()")],
  [
    "a catch of something else",
    python("lock.acquire()\ntry:\n    db.save(x)\nexcept KeyError:\n    pass\nlock.release()"),
  ],
])("found: %s", async (_what, text) => {
  expect(await draftsOf("a.py", text)).toHaveLength(1)
})

test.each([
  ["nothing that fails", python("lock.acquire()\nitems.append(x)\nlock.release()")],
  ["another lock's release", python("lock.acquire()\ndb.save(x)\nother.release()")],
  [
    "a release in a catch too",
    python(
      "lock.acquire()\ntry:\n    db.save(x)\nexcept KeyError:\n    lock.release()\n    raise\nlock.release()",
    ),
  ],
  ["a context", python("with lock:\n    db.save(x)")],
  ["a pool", python("conn = pool.acquire()\ndb.save(x)\npool.release(conn)")],
])("silent: %s", async (_what, text) => {
  expect(await draftsOf("a.py", text)).toEqual([])
})

test("calls do not throw in Go: only a return on the way counts", async () => {
  expect(await draftsOf("a.go", go("mu.Lock()\nsave()\nmu.Unlock()\nreturn nil"))).toEqual([])
  const early = go(
    "mu.Lock()\nif err := save(); err != nil {\nreturn err\n}\nmu.Unlock()\nreturn nil",
  )
  expect((await draftsOf("a.go", early)).map((draft) => draft.severity)).toEqual(["high"])
})

test("a lock in a store ends some time: it weighs less", async () => {
  const text = `async function f(redlock) {\n  const lock = await redlock.acquire(["a"], 9)\n  if (x) return\n  await lock.release()\n}`
  expect((await draftsOf("a.ts", text)).map((draft) => draft.severity)).toEqual(["medium"])
})

test("what follows the release belongs to the next time the lock is taken", async () => {
  const text = go(
    "if x {\nmu.Lock()\nn++\nmu.Unlock()\n}\nif y {\nreturn nil\n}\nmu.Lock()\nn--\nmu.Unlock()\nreturn nil",
  )
  expect(await draftsOf("a.go", text)).toEqual([])
})
