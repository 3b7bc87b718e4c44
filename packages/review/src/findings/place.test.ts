import { expect, test } from "vitest"
import { Lines, placeOf } from "./place.ts"

test("an offset and its position say the same, in every text", () => {
  for (const text of ["", "a", "a\n", "\n\n", "ab\ncd\r\nef", "\r\n\r\n", "é🙂\nx\u2028y\rz"]) {
    const lines = new Lines(text)
    for (let offset = 0; offset <= text.length; offset++) {
      const { line, column } = lines.positionOf(offset)
      const inLineEnd = text[offset] === "\n" && text[offset - 1] === "\r"
      if (!inLineEnd) expect(lines.offsetOf(line, column)).toBe(offset)
      expect(line).toBe(text.slice(0, offset).split("\n").length)
    }
  }
})

test("only a line feed ends a line, and a carriage return before it is no text", () => {
  const lines = new Lines("one\r\ntwo\rstill two\u2028too\n")
  expect(lines.count).toBe(3)
  expect(lines.textOf(1)).toBe("one")
  expect(lines.textOf(2)).toBe("two\rstill two\u2028too")
  expect(lines.textOf(3)).toBe("")
  expect(lines.textOf(4)).toBe("")
  expect(lines.textOf(0)).toBe("")
})

test("what lies outside the text is moved to its nearest end", () => {
  const lines = new Lines("ab\ncd")
  expect(lines.positionOf(-3)).toEqual({ line: 1, column: 1 })
  expect(lines.positionOf(99)).toEqual({ line: 2, column: 3 })
  expect(lines.offsetOf(0, 7)).toBe(0)
  expect(lines.offsetOf(1, 99)).toBe(2)
  expect(lines.offsetOf(9, 1)).toBe(5)
})

test("a place ends where its last character is seen", () => {
  const lines = new Lines("while x:\n  y()\r\n\nz")
  expect(placeOf("a.py", lines, { start: 0, end: 16 })).toEqual({
    path: "a.py",
    line: 1,
    column: 1,
    endLine: 2,
    endColumn: 6,
  })
  expect(placeOf("a.py", lines, { start: 17, end: 17 })).toMatchObject({
    line: 4,
    column: 1,
    endLine: 4,
    endColumn: 1,
  })
  expect(placeOf("a.py", lines, { start: 5, end: 2 })).toMatchObject({
    line: 1,
    column: 6,
    endLine: 1,
    endColumn: 6,
  })
})
