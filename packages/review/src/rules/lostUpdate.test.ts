import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { lostUpdate } from "./lostUpdate.ts"

async function found(body: string): Promise<string[]> {
  const text = `async function f(id, n) {\n${body}\n}\n`
  const program = await programOf([{ path: "a.ts", text }])
  return applyRule(lostUpdate, program.file("a.ts")!, program).map((draft) => draft.severity)
}

const READ = "const row = await prisma.item.findUnique({ where: { id } })\n"

test("money and stock are graver than other numbers", async () => {
  const write = (column: string): string =>
    `${READ}await prisma.item.update({ where: { id }, data: { ${column}: row.${column} - n } })`
  expect(await found(write("stock"))).toEqual(["high"])
  expect(await found(write("views"))).toEqual(["medium"])
})

test("a value that is made of another column is left alone", async () => {
  expect(
    await found(
      `${READ}await prisma.item.update({ where: { id }, data: { total: row.price * n } })`,
    ),
  ).toEqual([])
})

test("a value that goes to another table is left alone", async () => {
  expect(
    await found(
      `${READ}await prisma.log.update({ where: { id }, data: { stock: row.stock - n } })`,
    ),
  ).toEqual([])
})

test("times that are moved on are left alone", async () => {
  expect(
    await found(
      `${READ}await prisma.item.update({ where: { id }, data: { runAt: row.runAt + n } })`,
    ),
  ).toEqual([])
})

test("values that are made of themselves are followed to an end", async () => {
  const spread =
    "let data = { name: n }\ndata = { ...data, views: row.views + n }\nawait prisma.item.update({ where: { id }, data })"
  expect(await found(`${READ}${spread}`)).toEqual(["medium"])
  const assigned = "let meta = row.meta\nmeta = meta\nrow.meta = meta\nawait row.save()"
  expect(await found(`${READ}${assigned}`)).toEqual([])
})
