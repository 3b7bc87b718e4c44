import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { compileGlobs, globProblem } from "./glob.ts"

const cases: readonly [pattern: string, path: string, means: boolean][] = [
  ["src/**", "src/a/b.ts", true],
  ["src/**", "src", false],
  ["src", "src/a/b.ts", true],
  ["src", "lib/src/b.ts", true],
  ["/src".slice(1) + "/", "lib/src/b.ts", true],
  ["lib/src", "lib/src/b.ts", true],
  ["lib/src", "a/lib/src/b.ts", false],
  ["lib/src", "lib/srcs/b.ts", false],
  ["*.ts", "a/b/c.ts", true],
  ["*.ts", "a/b/c.tsx", false],
  ["src/*.ts", "src/a.ts", true],
  ["src/*.ts", "src/b/a.ts", false],
  ["src/**/*.ts", "src/a.ts", true],
  ["src/**/*.ts", "src/x/y/a.ts", true],
  ["**/test/**", "test/a.py", true],
  ["**/test/**", "a/test/b/c.py", true],
  ["**/test/**", "a/tests/c.py", false],
  ["a/**/b", "a/b/c", true],
  ["a/**/b", "ab", false],
  ["a/**/b", "a/xb", false],
  ["?.go", "a.go", true],
  ["?.go", "ab.go", false],
  ["x/?/y", "x//y", false],
  ["*.{js,ts}", "a/b.js", true],
  ["*.{js,ts}", "a/b.py", false],
  ["{a,b}/{c,d}", "b/c/x", true],
  ["a.b", "aXb", false],
  ["**", "any/thing", true],
]

describe("path patterns", () => {
  test.each(cases)("%s against %s: %s", (pattern, path, means) => {
    expect(globProblem(pattern)).toBeNull()
    expect(compileGlobs([pattern])(path)).toBe(means)
  })

  test("no pattern means no path", () => {
    expect(compileGlobs([])("a")).toBe(false)
  })

  test("a literal path means itself and what is below it, whatever its characters", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9.()+^$|-]{0,7}$/)
    fc.assert(
      fc.property(fc.array(name, { minLength: 2, maxLength: 5 }), name, (names, below) => {
        const path = names.join("/")
        const matches = compileGlobs([path])
        expect(matches(path)).toBe(true)
        expect(matches(`${path}/${below}`)).toBe(true)
        expect(matches(`${path}x`)).toBe(false)
      }),
    )
  })

  test("many stars against a long path that almost matches take steps in proportion to both", () => {
    // With backtracking this would not end.
    const pattern = `${"*a".repeat(200)}b`
    expect(compileGlobs([pattern])("a".repeat(2_000))).toBe(false)
    expect(compileGlobs(["**/".repeat(80) + "x"])("a/".repeat(800))).toBe(false)
  })

  test.each([
    ["", "is empty"],
    ["/etc/passwd", "is absolute"],
    ["C:/x", "is absolute"],
    ["../x", '".."'],
    ["a/../../x", '".."'],
    ["!a", '"!"'],
    ["a\\b", '"\\"'],
    ["{a", '"{" without "}"'],
    ["{a,{b,c}}", 'within "{…}"'],
    ["{a,b,c,d}".repeat(4), "more than 64"],
    ["a".repeat(600), "longer than 512"],
  ])("%s is refused", (pattern, because) => {
    expect(globProblem(pattern)).toContain(because)
  })
})
