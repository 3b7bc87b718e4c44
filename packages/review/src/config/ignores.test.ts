import { describe, expect, test } from "vitest"
import { readIgnores } from "./ignores.ts"

const one = (text: string) => {
  const found = readIgnores(text, null)
  expect(found).toHaveLength(1)
  return found[0]!
}

describe("ignore comments", () => {
  test.each([
    ["sleep(1) // drover-ignore[x]: because", "because"],
    ["sleep(1)  # drover-ignore[x]: because", "because"],
    ["sleep(1) /* drover-ignore[x]: because */", "because"],
    ["select 1 -- drover-ignore[x]: because", "because"],
    ["<a/> <!-- drover-ignore[x]: because -->", "because"],
  ])("%s means its own line", (text, reason) => {
    expect(one(text)).toEqual({
      line: 1,
      target: 1,
      trailing: true,
      rules: ["x"],
      reason,
      problem: null,
    })
  })

  test("alone on its line it means the next line of code", () => {
    expect(one("// drover-ignore[x]: a\n\n// more\nsleep(1)")).toMatchObject({
      target: 4,
      trailing: false,
    })
    expect(one("/**\n * drover-ignore[x]: a\n */\nsleep(1)")).toMatchObject({ line: 2, target: 4 })
  })

  test("several rules share a reason", () => {
    expect(one("# drover-ignore[a, b]: r").rules).toEqual(["a", "b"])
  })

  test("it can mean the whole file", () => {
    expect(one("# drover-ignore-file[a]: r").target).toBeNull()
  })

  test("a rule and a reason are required", () => {
    expect(one("x() // drover-ignore[a]").problem).toBe("no-reason")
    expect(one("x() // drover-ignore[a]:  ").problem).toBe("no-reason")
    expect(one("x() /* drover-ignore[a]: */").problem).toBe("no-reason")
    expect(one("x() // drover-ignore: all of it").problem).toBe("no-rule")
    expect(one("x() // drover-ignore[]: r").problem).toBe("no-rule")
  })

  test("words that only begin like it are none", () => {
    expect(readIgnores("// drover-ignored[a]: r\n// drover-ignore-files", null)).toEqual([])
  })

  test("in a string it is none", () => {
    const text = 'say("drover-ignore[a]: r")\nx() // drover-ignore[b]: r'
    expect(readIgnores(text, null).map(({ rules }) => rules)).toEqual([["b"]])
    // With the places of comments also where the string looks like one.
    const tricky = 'say("// drover-ignore[a]: r") // drover-ignore[b]: r'
    const start = tricky.lastIndexOf("//")
    const found = readIgnores(tricky, [{ start, end: tricky.length }])
    expect(found.map(({ rules, trailing }) => [rules, trailing])).toEqual([[["b"], true]])
  })

  test("lines of a block comment are not the code that it means", () => {
    const text = "/* drover-ignore[a]: r\nsleep(0)\n*/\nsleep(1)"
    const end = text.indexOf("*/") + 2
    expect(readIgnores(text, [{ start: 0, end }])[0]).toMatchObject({ target: 4, trailing: false })
  })

  test("a file cannot have any number of them", () => {
    expect(readIgnores("# drover-ignore[a]: r\n".repeat(2_000), null)).toHaveLength(500)
  })
})
