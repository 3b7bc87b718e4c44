import { expect, test } from "vitest"
import { shownLines } from "./hunks.ts"

test("lines of a patch are known by both numbers, new ones by one", () => {
  const patch = [
    "@@ -3,3 +3,4 @@ func x() {",
    " a",
    "-b",
    "+c",
    "+d",
    " e",
    "@@ -20 +21,2 @@",
    " f",
    "+--- g",
    "\\ No newline at end of file",
  ]
  expect([...shownLines(patch.join("\n"))]).toEqual([
    [3, { hunk: 0, oldLine: 3 }],
    [4, { hunk: 0, oldLine: null }],
    [5, { hunk: 0, oldLine: null }],
    [6, { hunk: 0, oldLine: 5 }],
    [21, { hunk: 1, oldLine: 20 }],
    [22, { hunk: 1, oldLine: null }],
  ])
})

test("a file whose patch is left out shows no line", () => {
  expect(shownLines(undefined).size).toBe(0)
  expect(shownLines("").size).toBe(0)
  expect(shownLines("--- a/x\n+++ b/x\n").size).toBe(0)
})
