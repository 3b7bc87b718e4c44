import { expect, test } from "vitest"
import { matchesName, matchesPattern, parsePattern } from "./gitignore.ts"
import { TreeRules } from "./treeRules.ts"

function isIgnored(gitignore: string, path: string, isFolder = false): boolean {
  const rules = new TreeRules()
  rules.add("", ".gitignore", gitignore)
  return rules.isIgnored(path, isFolder)
}

test("a name without a slash is meant at every depth, one with a slash from its own folder", () => {
  expect(isIgnored("a.go", "a.go")).toBe(true)
  expect(isIgnored("a.go", "x/y/a.go")).toBe(true)
  expect(isIgnored("/a.go", "x/a.go")).toBe(false)
  expect(isIgnored("x/a.go", "x/a.go")).toBe(true)
  expect(isIgnored("x/a.go", "y/x/a.go")).toBe(false)
})

test("a slash at the end means folders only, with everything in them", () => {
  expect(isIgnored("out/", "out")).toBe(false)
  expect(isIgnored("out/", "out", true)).toBe(true)
  expect(isIgnored("out/", "x/out/a.go")).toBe(true)
})

test("the last pattern that matches decides, and takes back what one before it said", () => {
  expect(isIgnored("*.go\n!keep.go", "keep.go")).toBe(false)
  expect(isIgnored("!keep.go\n*.go", "keep.go")).toBe(true)
})

test("a file in an ignored folder cannot be taken back", () => {
  expect(isIgnored("gone/\n!gone/keep.go", "gone/keep.go")).toBe(true)
  expect(isIgnored("gone/*\n!gone/keep.go", "gone/keep.go")).toBe(false)
})

test("a nested file speaks of its own folder and wins over those above it", () => {
  const rules = new TreeRules()
  rules.add("", ".gitignore", "*.log.go")
  rules.add("a", ".gitignore", "!keep.log.go\n/b.go")
  expect(rules.isIgnored("a/keep.log.go", false)).toBe(false)
  expect(rules.isIgnored("keep.log.go", false)).toBe(true)
  expect(rules.isIgnored("a/b.go", false)).toBe(true)
  expect(rules.isIgnored("b.go", false)).toBe(false)
})

test("two stars cross folders at the start, in the middle and at the end", () => {
  expect(isIgnored("**/a.go", "a.go")).toBe(true)
  expect(isIgnored("**/x/a.go", "q/x/a.go")).toBe(true)
  expect(isIgnored("x/**/a.go", "x/a.go")).toBe(true)
  expect(isIgnored("x/**/a.go", "x/y/z/a.go")).toBe(true)
  expect(isIgnored("x/**", "x/y/a.go")).toBe(true)
  expect(isIgnored("x/**", "x", true)).toBe(false)
  expect(isIgnored("x/**/y", "z/x/y")).toBe(false)
})

test("stars, question marks and classes stay within a name", () => {
  expect(matchesName("a*c", "abbbc")).toBe(true)
  expect(matchesName("a?c", "abc")).toBe(true)
  expect(matchesName("[a-c]x", "bx")).toBe(true)
  expect(matchesName("[!a-c]x", "bx")).toBe(false)
  expect(matchesName("[]a]x", "]x")).toBe(true)
  expect(matchesName("*.*.go", "a.b.go")).toBe(true)
  expect(matchesName("a*", "b")).toBe(false)
  expect(isIgnored("/*.go", "x/a.go")).toBe(false)
})

test("comments, blank lines, escaped marks and spaces at the end are read as Git reads them", () => {
  expect(parsePattern("# a.go")).toBeNull()
  expect(parsePattern("   ")).toBeNull()
  expect(isIgnored("\\#a.go", "#a.go")).toBe(true)
  expect(isIgnored("\\!a.go", "!a.go")).toBe(true)
  expect(isIgnored("a.go   ", "a.go")).toBe(true)
  expect(isIgnored("a.go\r\n", "a.go")).toBe(true)
})

test("a pattern made to run away costs only its length times the name's", () => {
  const pattern = parsePattern("*a".repeat(200))!
  expect(matchesPattern(pattern, `${"a".repeat(4_000)}b`, false)).toBe(false)
  const deep = parsePattern(`${"**/a/".repeat(90)}b`)!
  expect(matchesPattern(deep, `${"a/".repeat(2_000)}c`, false)).toBe(false)
  expect(parsePattern("x".repeat(600))).toBeNull()
})

test("what .gitattributes calls generated or vendored is left out, and may be taken back", () => {
  const rules = new TreeRules()
  rules.add("", ".gitattributes", "*.go linguist-generated\napi/*.go linguist-vendored=true")
  rules.add("mine", ".gitattributes", "*.go -linguist-generated\nb.go linguist-generated=false")
  expect(rules.isGenerated("x/a.go")).toBe(true)
  expect(rules.isGenerated("mine/a.go")).toBe(false)
  expect(rules.isGenerated("mine/b.go")).toBe(false)
  expect(rules.isGenerated("a.py")).toBe(false)
})
