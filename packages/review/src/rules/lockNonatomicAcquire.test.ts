import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { lockNonatomicAcquire } from "./lockNonatomicAcquire.ts"

async function shown(text: string): Promise<string[]> {
  const program = await programOf([{ path: "a.py", text }])
  return applyRule(lockNonatomicAcquire, program.file("a.py")!, program).map(({ at }) =>
    text.slice(at.start, at.end),
  )
}

test("an expiry that comes in a second call is found where the key is set", async () => {
  expect(await shown("def f():\n  if r.setnx(k, 1):\n    r.expire(k, 9)")).toEqual([
    "r.setnx(k, 1)",
  ])
})

test("the expiry of another key is no second step", async () => {
  expect(await shown("def f():\n  if r.setnx(k, 1):\n    r.expire(other, 9)")).toEqual([])
})

test("where nobody looks at the result nothing is taken", async () => {
  expect(await shown("def f():\n  r.setnx(k, 1)\n  r.expire(k, 9)")).toEqual([])
})

const LOOK = "def f():\n  if r.exists(lock_key):\n    return\n  r.set(lock_key, 1, ex=9)\n"

test("a lock that is looked at and then set is found where it is set, once it is given back", async () => {
  expect(await shown(`${LOOK}  r.delete(lock_key)`)).toEqual(["r.set(lock_key, 1, ex=9)"])
  expect(await shown(LOOK)).toEqual([])
})

test("a mark that something else decides on is no lock", async () => {
  const text =
    "def f():\n  if r.exists(locked):\n    raise Locked()\n  if tries > 5:\n    r.set(locked, 1, ex=9)\ndef unlock():\n  r.delete(locked)"
  expect(await shown(text)).toEqual([])
})
