import { expect, test } from "vitest"
import { programOf } from "./programOf.ts"
import { resolveCall } from "./resolve.ts"

/** Names of the functions that the call of a name may run. */
async function targets(text: string, name: string): Promise<string[]> {
  const program = await programOf([{ path: "a/a.go", text: `package a\n${text}` }])
  const file = program.file("a/a.go")!
  const call = file.calls.find((one) => one.name === name)!
  return resolveCall(program, file, call).map(({ fn }) => fn.name)
}

test("a function that a literal puts into a field is what a call of the field runs", async () => {
  const text =
    "type B struct { add func() }\nfunc (b *B) Add() { b.add() }\nfunc grow() {}\nfunc n() *B { return &B{add: grow} }"
  expect(await targets(text, "add")).toEqual(["grow"])
})

test("literals that copy the field of each other are followed once", async () => {
  const text =
    "type B struct { add func() }\nfunc (b *B) Copy() *B {\n\tb.add()\n\treturn &B{add: b.add}\n}"
  expect(await targets(text, "add")).toEqual([])
})
