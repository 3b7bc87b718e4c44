import { expect, test } from "vitest"
import { isSameKey, keyFamilyOf } from "./keys.ts"
import { programOf } from "./programOf.ts"

/** Whether the arguments of the calls of `use` are the same entries. */
async function areSame(path: string, text: string): Promise<boolean> {
  const program = await programOf([{ path, text }])
  const file = program.file(path)!
  const [a, b] = file.calls
    .filter((call) => call.name === "use")
    .map((call) => keyFamilyOf(program, file, call.args[0]!))
  return isSameKey(a!, b!)
}

test.each([
  ["one text", "a.ts", "use(`lock:${a}`); use(`lock:${b}`)"],
  ["text put together", "a.ts", "const k = 'lock:' + a; use(k); use(`lock:${b}`)"],
  ["one maker", "a.py", "use(lock_key(a))\nuse(lock_key(b))"],
  [
    "what a maker returns",
    "a.ts",
    "function k(id) { return `lock:${id}` }\nuse(k(1)); use(`lock:${x}`)",
  ],
  ["one name", "a.go", "package a\nfunc f(key string) { use(key) }\nfunc g(l L) { use(l.key) }"],
  ["bytes of it", "a.go", "package a\nfunc f(key string) { use(key); use([]byte(key)) }"],
])("%s means the same entries", async (_what, path, text) => {
  expect(await areSame(path, text)).toBe(true)
})

test.each([
  ["another text", "a.ts", "use(`lock:${a}`); use(`cache:${a}`)"],
  [
    "another text under one name",
    "a.ts",
    "function f() { const key = `lock:${a}`; use(key) }\nfunction g() { const key = `user:${a}`; use(key) }",
  ],
  ["another maker", "a.py", "use(lock_key(a))\nuse(cache_key(a))"],
])("%s means other entries", async (_what, path, text) => {
  expect(await areSame(path, text)).toBe(false)
})
