import fc from "fast-check"
import { expect, test } from "vitest"
import { cut, plainJson, plainLines, plainText } from "./plainText.ts"
import { table } from "./table.ts"

const OBEYED = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

test("whatever the text, nothing in it is obeyed by a terminal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(plainText(text)).not.toMatch(OBEYED)
      expect(plainJson(text)).not.toMatch(OBEYED)
    }),
  )
})

test("every mark that turns the reading direction is written as an escape", () => {
  for (const mark of "\u061c\u200e\u200f\u202a\u202e\u2066\u2069") {
    expect(plainText(mark)).toMatch(/^\\u[0-9a-f]{4}$/)
    expect(plainJson(mark)).toMatch(/^"\\u[0-9a-f]{4}"$/)
  }
})

test("plain JSON has the value of the JSON it was made from", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(plainJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test("ordinary text of any language stays as it is", () => {
  for (const text of ["resize cat.png", "naïve café", "日本語", "👩‍🚀 go"])
    expect(plainText(text)).toBe(text)
})

test("line breaks stay where a text is meant to have lines, and only there", () => {
  expect(plainLines("a\n\tb\u001b[0m")).toBe("a\n\tb\\u001b[0m")
  expect(plainText("a\n\tb")).toBe(String.raw`a\n\tb`)
})

test("a cut text says that something is missing", () => {
  expect(cut("abcdef", 4)).toBe("abc…")
  expect(cut("abcd", 4)).toBe("abcd")
})

test("a table pads by characters, aligns numbers right and cuts wide cells", () => {
  const text = table(
    [
      { title: "name", of: (row: { name: string; n: number }) => row.name, width: 5 },
      { title: "n", of: (row) => row.n, align: "right" },
    ],
    [
      { name: "ann", n: 7 },
      { name: "bartholomew", n: 1234 },
    ],
  )
  expect(text).toBe(["name      n", "ann       7", "bart…  1234"].join("\n"))
})
