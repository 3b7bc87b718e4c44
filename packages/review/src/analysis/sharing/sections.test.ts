import { describe, expect, test } from "vitest"
import { programOf } from "../program/programOf.ts"
import { isCalledHeld, sectionsAt, shareSection } from "./sections.ts"
import type { Call } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import type { Program } from "../program/program.ts"

interface Read {
  readonly program: Program
  readonly file: File
  readonly at: (name: string) => Call
}

async function read(path: string, text: string): Promise<Read> {
  const program = await programOf([{ path, text }])
  const file = program.file(path)!
  return { program, file, at: (name) => file.calls.find((call) => call.name === name)! }
}

function held({ program, file, at }: Read, name: string): string[] {
  return sectionsAt(program, file, at(name)).map((section) => section.lock)
}

describe("a lock of Go", () => {
  test("is held from Lock to Unlock and no longer", async () => {
    const it = await read(
      "a.go",
      "package a\nfunc (q *Q) f() {\n\tq.mu.Lock()\n\tin()\n\tq.mu.Unlock()\n\tout()\n}",
    )
    expect(held(it, "in")).toEqual(["mu"])
    expect(held(it, "out")).toEqual([])
  })

  test("is held to the end after a deferred Unlock, but not in a goroutine that is begun meanwhile", async () => {
    const it = await read(
      "a.go",
      "package a\nfunc (q *Q) f() {\n\tq.Lock()\n\tdefer q.Unlock()\n\tin()\n\tgo func() { later() }()\n}",
    )
    expect(held(it, "in")).toEqual(["this"])
    expect(held(it, "later")).toEqual([])
  })

  test("that one branch gives back before it leaves is held on the other way", async () => {
    const it = await read(
      "a.go",
      "package a\nfunc (q *Q) f() {\n\tq.mu.Lock()\n\tif q.full {\n\t\tq.mu.Unlock()\n\t\tgone()\n\t\treturn\n\t}\n\tin()\n\tq.mu.Unlock()\n}",
    )
    expect(held(it, "gone")).toEqual([])
    expect(held(it, "in")).toEqual(["mu"])
  })

  test("that is taken twice makes two sections", async () => {
    const it = await read(
      "a.go",
      "package a\nfunc (q *Q) f() {\n\tq.mu.Lock()\n\tone()\n\tq.mu.Unlock()\n\tq.mu.Lock()\n\ttwo()\n\tq.mu.Unlock()\n}",
    )
    expect(held(it, "two")).toEqual(["mu"])
    expect(shareSection(it.program, it.file, it.at("one"), it.at("two"))).toBe(false)
  })
})

test.each([
  ["a.java", "class A { synchronized void f() { in(); } }", "this"],
  ["a.java", "class A { void f() { synchronized (lock) { in(); } } }", "lock"],
  [
    "a.java",
    "class A { void f() { lock.lock(); try { in(); } finally { lock.unlock(); } } }",
    "lock",
  ],
  ["a.kt", "class A { suspend fun f() { mutex.withLock { go() } } }\nfun go() = in_()", "mutex"],
  ["a.py", "class A:\n  def f(self):\n    with self._lock:\n      go()", "_lock"],
  ["a.ts", "class A { f() { return this.mutex.runExclusive(async () => { go() }) } }", "mutex"],
] as const)("%s: %s holds %s", async (path, text, lock) => {
  const it = await read(path, text)
  expect(held(it, text.includes("in()") ? "in" : "go")).toEqual([lock])
})

test("a function is called under a lock when every caller holds one, or when its name says so", async () => {
  const it = await read(
    "a.go",
    "package a\nfunc (q *Q) f() {\n\tq.mu.Lock()\n\tdefer q.mu.Unlock()\n\tq.growSlots()\n}\nfunc (q *Q) growSlots() { a() }\nfunc (q *Q) takeLocked() { b() }\nfunc (q *Q) free() { c() }",
  )
  const calledHeld = (name: string): boolean =>
    isCalledHeld(it.program, {
      file: it.file,
      fn: it.file.functions.find((fn) => fn.name === name)!,
    })
  expect([calledHeld("growSlots"), calledHeld("takeLocked"), calledHeld("free")]).toEqual([
    true,
    true,
    false,
  ])
})
