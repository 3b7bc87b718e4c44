import { expect, test } from "vitest"
import { programOf } from "./programOf.ts"
import { isStub } from "./stubs.ts"

/** Whether the only function of a text of Python has no work of its own. */
async function stub(text: string): Promise<boolean> {
  const program = await programOf([{ path: "a.py", text }])
  return isStub(program.file("a.py")!.functions[0]!)
}

test.each([
  ["class A:\n    def f(self): ..."],
  ['class A:\n    def f(self):\n        """Says what it is."""'],
  ["class A:\n    def f(self):\n        raise NotImplementedError"],
  ['class A:\n    def f(self):\n        """Says."""\n        raise NotImplementedError("f")'],
  ["class A:\n    @abc.abstractmethod\n    def f(self):\n        pass"],
])("a body that only says that there is a method is a stub: %s", async (text) => {
  expect(await stub(text)).toBe(true)
})

test.each([
  ["class A:\n    def f(self):\n        pass"],
  ["class A:\n    def f(self):\n        return 1"],
  ["class A:\n    def f(self):\n        raise ValueError"],
  ["class A:\n    @abc.abstractmethod\n    def f(self):\n        self.n = 1\n        self.g()"],
])("a body that does something, or chooses to do nothing, is none: %s", async (text) => {
  expect(await stub(text)).toBe(false)
})
