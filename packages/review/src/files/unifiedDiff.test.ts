import fc from "fast-check"
import { expect, test } from "vitest"
import { Ground } from "./ground.fixture.ts"
import { InputError } from "./inputError.ts"
import { changedLines, parseUnifiedDiff, revertPatch } from "./unifiedDiff.ts"

test("what Git printed is read, and taken back gives the text from before", () => {
  using ground = new Ground()
  const line = fc.constantFrom("a", "b", "--- x", "+++ y", "@@ -1 +1 @@", "\\ n", "", "c")
  const text = fc
    .tuple(fc.array(line, { maxLength: 12 }), fc.boolean())
    .map(([lines, isOpen]) => lines.join("\n") + (isOpen ? "" : "\n"))
  fc.assert(
    fc.property(text, text, (base, head) => {
      fc.pre(base !== head)
      ground.write({ a: base, b: head })
      const diff = printedDiff(ground, "a", "b")
      const [patch, ...others] = parseUnifiedDiff(diff)
      expect(others).toEqual([])
      expect(revertPatch(patch!, head)).toBe(base)
    }),
    { numRuns: 60 },
  )
})

/** `git diff --no-index` says with 1 that there are differences. */
function printedDiff(ground: Ground, a: string, b: string): string {
  try {
    return ground.git("diff", "--no-index", "--no-ext-diff", a, b)
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

test("a file that is new, gone or renamed has the paths that say so", () => {
  const diff = [
    "diff --git a/new.go b/new.go",
    "new file mode 100644",
    "--- /dev/null",
    "+++ b/new.go",
    "@@ -0,0 +1 @@",
    "+package a",
    "diff --git a/gone.go b/gone.go",
    "--- a/gone.go",
    "+++ /dev/null",
    "@@ -1 +0,0 @@",
    "-package a",
    "diff --git a/old.go b/moved.go",
    "similarity index 100%",
    "rename from old.go",
    "rename to moved.go",
    'diff --git "a/\\303\\244 b.go" "b/\\303\\244 b.go"',
    '--- "a/\\303\\244 b.go"\t2026-01-01',
    '+++ "b/\\303\\244 b.go"\t2026-01-01',
    "@@ -1 +1 @@",
    "-a",
    "+b",
  ].join("\n")
  expect(parseUnifiedDiff(diff).map(({ basePath, headPath }) => [basePath, headPath])).toEqual([
    [null, "new.go"],
    ["gone.go", null],
    ["old.go", "moved.go"],
    ["ä b.go", "ä b.go"],
  ])
})

test("changed lines leave the context of a hunk out", () => {
  const [patch] = parseUnifiedDiff(
    "--- a/x\n+++ b/x\n@@ -1,4 +1,5 @@\n a\n-b\n+B\n+C\n c\n+x\n-d\n",
  )
  expect(changedLines(patch!)).toEqual([
    { baseStart: 2, baseCount: 1, headStart: 2, headCount: 2 },
    { baseStart: 4, baseCount: 1, headStart: 5, headCount: 1 },
  ])
})

test("a text that the diff did not leave is not reverted", () => {
  const [patch] = parseUnifiedDiff("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n")
  expect(revertPatch(patch!, "a\nd\n")).toBeNull()
  expect(revertPatch(patch!, "")).toBeNull()
  expect(revertPatch(patch!, "a\r\nc\r\n")).toBe("a\r\nb\n")
})

test("a hunk that ends too early is refused, and text without a diff has no patches", () => {
  expect(() => parseUnifiedDiff("--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n a\n")).toThrow(InputError)
  expect(parseUnifiedDiff("hello\n-- \nworld")).toEqual([])
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("-", "+", "@", " ", "\n", "1", ",", "a", "\\") }),
      (text) => {
        try {
          parseUnifiedDiff(text)
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
        }
      },
    ),
  )
})
