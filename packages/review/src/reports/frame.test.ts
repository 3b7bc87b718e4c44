import { expect, test } from "vitest"
import { layOut, widthOfText } from "./columns.ts"
import { frame, type Mark } from "./frame.ts"
import { styleOf } from "./style.ts"

const options = { style: styleOf(false), gutter: 2, width: 60 }

function mark(
  line: number,
  column: number,
  endColumn: number,
  label = "",
  primary = label === "",
): Mark {
  return { path: "a.go", line, column, endLine: line, endColumn, label, primary }
}

/** What stands above the markers of the row after a line of code. */
function marked(rows: readonly string[], sign = "^"): string {
  const at = rows.findIndex((row) => row.includes(sign.repeat(1)) && /^ +\| +[-^]/.test(row))
  const row = rows[at]!
  const from = row.indexOf(sign)
  const to = row.lastIndexOf(sign) + 1
  let column = 0
  let out = ""
  for (const char of rows[at - 1]!) {
    if (column >= from && column < to) out += char
    column += widthOfText(char)
  }
  return out
}

test.each([
  ["after tabs", "\t\ttime.Sleep(d)", "time.Sleep(d)"],
  ["after a tab inside", "a\tbc\td", "d"],
  ["after wide characters", "説明 := wait(x)", "wait(x)"],
  ["after an emoji", 'log("🙂"); wait()', "wait()"],
  ["after combining marks", "e\u0301e\u0301 = wait()", "wait()"],
  ["after hidden characters", "a\u202eb\u200b = wait()", "wait()"],
  ["of wide characters", "x = 待つ()", "待つ()"],
])("markers stand under the text %s", (_where, line, part) => {
  const start = line.indexOf(part)
  const rows = frame(line, [mark(1, start + 1, start + 1 + part.length)], options)
  expect(marked(rows)).toBe(part)
})

test("two lines of context are shown, one line left out is shown too, and more are dots", () => {
  const text = Array.from({ length: 20 }, (_, i) => `line${i + 1}`).join("\n")
  const rows = frame(
    text,
    [mark(10, 1, 5), mark(6, 1, 3, "first"), mark(2, 1, 3, "second")],
    options,
  )
  expect(rows).toEqual([
    " 2 | line2",
    "   | -- second",
    "...",
    " 6 | line6",
    "   | -- first",
    " 7 | line7",
    " 8 | line8",
    " 9 | line9",
    "10 | line10",
    "   | ^^^^",
    "11 | line11",
    "12 | line12",
  ])
})

test("a place over several lines is marked to the end of its first", () => {
  const rows = frame("for {\n  x()\n}", [{ ...mark(1, 1, 2), endLine: 3 }], options)
  expect(rows.slice(0, 2)).toEqual([" 1 | for {", "   | ^^^^^"])
})

test("an empty place and one past the end of its line still get a marker", () => {
  expect(frame("ab", [mark(1, 2, 2)], options)[1]).toBe("   |  ^")
  expect(frame("ab", [mark(1, 9, 12)], options)[1]).toBe("   |   ^")
})

test("a line that is gone is not shown", () => {
  expect(frame("ab", [mark(7, 1, 2)], options)).toEqual([])
})

test("a long line is cut around what is marked", () => {
  const line = `${"x".repeat(5_000)}TARGET${"y".repeat(5_000)}`
  const rows = frame(line, [mark(1, 5_001, 5_007)], options)
  expect(marked(rows)).toBe("TARGET")
  expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(options.width + 3)
  const far = frame(line, [mark(1, 1, 9_000)], options)
  expect(Math.max(...far.map((row) => row.length))).toBeLessThanOrEqual(options.width + 3)
})

test("tabs reach the next multiple of four", () => {
  expect(layOut("\ta\tb").shown).toBe("    a   b")
  expect(layOut("abcd\te").shown).toBe("abcd    e")
})
