import { expect, test } from "vitest"
import { heldLocksOf } from "./heldLocks.ts"
import { programOf } from "../program/programOf.ts"

/** `take -> give, give` of the locks of the first function. */
async function locksOf(path: string, text: string): Promise<string[]> {
  const program = await programOf([{ path, text }])
  const file = program.file(path)!
  return heldLocksOf(program, file, file.functions[0]!).map(
    ({ take, gives }) =>
      `${file.textOf(take)} -> ${gives.map((give) => file.textOf(give)).join(", ")}`,
  )
}

test.each([
  [
    "a mutex",
    "a.go",
    "package a\nfunc f() { mu.Lock(); defer mu.Unlock() }",
    "mu.Lock() -> mu.Unlock()",
  ],
  [
    "a handle",
    "a.ts",
    "async function f() { const l = await redlock.acquire([k], 5); await l.release() }",
    "redlock.acquire([k], 5) -> l.release()",
  ],
  [
    "a function that gives back",
    "a.ts",
    "async function f() { const done = await mutex.acquire(); done() }",
    "mutex.acquire() -> done()",
  ],
  [
    "a registry with the same key",
    "a.py",
    "def f(key):\n  locks.lock(key)\n  locks.unlock(key)",
    "locks.lock(key) -> locks.unlock(key)",
  ],
  [
    "functions named as a pair",
    "a.py",
    "def f():\n  acquire_import_lock()\n  release_import_lock()",
    "acquire_import_lock() -> release_import_lock()",
  ],
  [
    "a store's key",
    "a.ts",
    "async function f() { if (await redis.set('lock:a', t, 'PX', 5, 'NX')) await redis.del('lock:a') }",
    "redis.set('lock:a', t, 'PX', 5, 'NX') -> redis.del('lock:a')",
  ],
  [
    "a lock that is first made",
    "a.py",
    "def f():\n  l = r.lock('a')\n  l.acquire()\n  l.release()",
    "l.acquire() -> l.release()",
  ],
])("%s is one lock", async (_what, path, text, expected) => {
  expect(await locksOf(path, text)).toEqual([expected])
})

test.each([
  ["another key", "a.py", "def f(a, b):\n  locks.lock(a)\n  locks.unlock(b)"],
  ["readers and writers", "a.go", "package a\nfunc f() { mu.RLock(); mu.Unlock() }"],
  ["a connection", "a.py", "def f():\n  c = pool.acquire()\n  pool.release(c)"],
  ["another pair", "a.py", "def f():\n  acquire_import_lock()\n  release_export_lock()"],
])("%s makes none", async (_what, path, text) => {
  expect(await locksOf(path, text)).toEqual([])
})
