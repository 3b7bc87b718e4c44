import { describe, expect, test } from "vitest"
import { Lines } from "../findings/place.ts"
import { changed, offsetAt, positionAt } from "./documents.ts"

const at = (line: number, character: number) => ({ line, character })
const replace = (from: ReturnType<typeof at>, to: ReturnType<typeof at>, text: string) => ({
  range: { start: from, end: to },
  text,
})

describe("changes of a text", () => {
  test.each([
    ["abc\ndef", [replace(at(1, 1), at(1, 2), "X")], "abc\ndXf"],
    ["abc\ndef", [replace(at(0, 0), at(0, 0), "X")], "Xabc\ndef"],
    ["abc\ndef", [replace(at(0, 3), at(1, 0), "")], "abcdef"],
    ["abc\r\ndef", [replace(at(0, 99), at(1, 0), "-")], "abc-def"],
    ["abc", [replace(at(9, 9), at(9, 9), "!")], "abc!"],
    ["🐂b", [replace(at(0, 2), at(0, 3), "c")], "🐂c"],
    // Each counts in what the one before it left.
    ["ab", [replace(at(0, 0), at(0, 1), "xyz"), replace(at(0, 3), at(0, 4), "!")], "xyz!"],
    ["ab", [{ text: "new" }, replace(at(0, 0), at(0, 1), "N")], "New"],
  ])("%j", (text, changes, expected) => {
    expect(changed(text, changes)).toBe(expected)
  })

  test("positions and offsets are each other's reverse", () => {
    const text = "a🐂\nb\r\n\nc"
    const lines = new Lines(text)
    for (const offset of [0, 1, 3, 4, 5, 7, 8, 9]) {
      expect(offsetAt(lines, positionAt(lines, offset))).toBe(offset)
    }
  })
})
