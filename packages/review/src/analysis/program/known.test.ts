import { expect, test } from "vitest"
import { isKnown, NOTHING_KNOWN } from "./known.ts"
import { isRequestHandler } from "./handlers.ts"
import { programOf } from "./programOf.ts"

test.each([
  ["next", "next", true],
  ["next", "backoff.next", true],
  ["backoff.next", "this.backoff.next", true],
  ["backoff.next", "next", false],
  ["next", "getnext", false],
  ["off.next", "backoff.next", false],
])("%s means a call of %s: %s", (name, written, expected) => {
  expect(isKnown([name], written)).toBe(expected)
})

const TEXT = `import { alone } from "elsewhere"
export async function onOrder(order: Order) {
  return alone("orders", async () => {
    await save(order)
  })
}
`

test("a handler that the configuration names is one", async () => {
  const isHandler = async (handlers: readonly string[]) => {
    const known = { ...NOTHING_KNOWN, handlers }
    const program = await programOf([{ path: "a.ts", text: TEXT }], { known })
    const file = program.file("a.ts")!
    return isRequestHandler(
      file,
      file.functions.find(({ name }) => name === "onOrder")!,
    )
  }
  expect(await isHandler([])).toBe(false)
  expect(await isHandler(["onOrder"])).toBe(true)
})
