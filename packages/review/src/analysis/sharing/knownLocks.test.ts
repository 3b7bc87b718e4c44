import { expect, test } from "vitest"
import { NOTHING_KNOWN } from "../program/known.ts"
import { programOf } from "../program/programOf.ts"
import { sectionsAt } from "./sections.ts"

const TEXT = `import { alone } from "elsewhere"
export async function onOrder(order: Order) {
  return alone("orders", async () => {
    await save(order)
  })
}
`

test("a lock that the configuration names makes a section of its callback", async () => {
  const sections = async (locks: readonly string[]) => {
    const known = { ...NOTHING_KNOWN, locks }
    const program = await programOf([{ path: "a.ts", text: TEXT }], { known })
    const file = program.file("a.ts")!
    const save = file.calls.find(({ name }) => name === "save")!
    return sectionsAt(program, file, save).map(({ lock }) => lock)
  }
  expect(await sections([])).toEqual([])
  expect(await sections(["alone"])).toEqual(["alone"])
})
