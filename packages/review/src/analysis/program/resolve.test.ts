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

test("a call of a method that only says that there is one leads to those of the subclasses", async () => {
  const text = [
    "class Policy(ABC):",
    "    @abstractmethod",
    "    def delay(self): ...",
    "    def run(self):",
    "        self.delay()",
    "class Fixed(Policy):",
    "    def delay(self):",
    "        return 1",
    "class Growing(Policy):",
    "    def delay(self):",
    "        return 2 ** self.n",
  ].join("\n")
  const program = await programOf([{ path: "a.py", text }])
  const file = program.file("a.py")!
  const [call] = file.callsNamed("delay")
  const owners = resolveCall(program, file, call!).map(({ fn }) => file.classOf(fn)?.name)
  expect(owners).toEqual(["Fixed", "Growing"])
})

test("a method that a subclass replaces is still meant where it has work of its own", async () => {
  const text = [
    "class Policy:",
    "    def delay(self):",
    "        return 1",
    "    def run(self):",
    "        self.delay()",
    "class Growing(Policy):",
    "    def delay(self):",
    "        return 2",
  ].join("\n")
  const program = await programOf([{ path: "a.py", text }])
  const file = program.file("a.py")!
  const [call] = file.callsNamed("delay")
  const owners = resolveCall(program, file, call!).map(({ fn }) => file.classOf(fn)?.name)
  expect(owners).toEqual(["Policy"])
})
