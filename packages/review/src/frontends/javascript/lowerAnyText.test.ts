import fc from "fast-check"
import { expect, test } from "vitest"
import { walk } from "../../ir/children.ts"
import { callsIn, callsOf } from "../lowered.fixture.ts"
import type { GrammarName } from "../parse.ts"
import { parseSyntax } from "../parse.ts"
import type { Syntax } from "../syntax.ts"
import { lowerJavaScript } from "./lower.ts"
import { isType } from "./typeSyntax.ts"

const GRAMMARS: readonly GrammarName[] = ["javascript", "typescript", "tsx"]

const WORDS = [
  "async function f", "class A", "extends", "(", ")", "{", "}", "[", "]", "<T>", "`q`", "`${", "=>", "=", ";", ",",
  "await", "g()", "new X", "x", ".", "?.", "!", "for", "while", "if", "else", "try", "catch", "switch", "case 1:",
  "const", "using", "export", "default", "import", '"s"', "@d", "static", "#p", "get", "...", "<A b={", "/>", ":",
  "yield", "enum", "interface", "namespace", "declare", "abstract", "return", "1", "++", "??=", "\n", "as", "require",
] // oxfmt-ignore

const code = fc.oneof(
  fc.array(fc.constantFrom(...WORDS), { maxLength: 40 }).map((words) => words.join(" ")),
  fc.string({ unit: "binary", maxLength: 200 }),
)

test("no text of any kind makes the lowering throw, and every span lies in the text", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...GRAMMARS), code, async (grammar, text) => {
      const root = await parseSyntax(grammar, text)
      const unit = lowerJavaScript(root, text, grammar === "javascript" ? grammar : "typescript")
      for (const top of unit.body) {
        walk(top, ({ start, end }) => {
          expect(start >= 0 && start <= end && end <= text.length).toBe(true)
        })
      }
    }),
    { numRuns: 300 },
  )
})

function isCall(node: Syntax): boolean {
  return node.type === "call_expression" || node.type === "new_expression"
}

const expression = fc.letrec<Record<string, string>>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    ...["leaf", "leaf", "call", "arrow", "object", "rest", "jsx"].map((name) => tie(name)),
  ),
  leaf: fc.constantFrom(
    "a",
    "this.b",
    "1",
    "f()",
    "new X",
    "`t ${g()}`",
    "tag`u`",
    "x++",
    "(await h())",
  ),
  call: fc.tuple(tie("any"), tie("any")).map(([a, b]) => `k(${a}, ...[${b}])`),
  arrow: fc
    .tuple(tie("any"), tie("any"))
    .map(
      ([a, b]) =>
        `(async ({ p = ${a}, [${b}]: q } = {}) => { const { r = ${b} } = ${a}; return r })`,
    ),
  object: fc
    .tuple(tie("any"), tie("any"))
    .map(([a, b]) => `({ a: ${a}, [${b}]: 1, async m(p = ${a}) { ${b} }, ...${b} })`),
  rest: fc
    .tuple(tie("any"), tie("any"))
    .map(
      ([a, b]) =>
        `(${a} ? class extends (${b}) { static x = ${a}; [${b}]() { for (const i of ${a}) { try { ${b} } catch ({ e = ${a} }) {} } } } : typeof (${b}))`,
    ),
  jsx: fc.tuple(tie("any"), tie("any")).map(([a, b]) => `<A b={${a}} {...${b}}>t {${a}}</A>`),
}))

test("every call of the parse tree is there after lowering", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("javascript", "tsx"),
      expression["any"]!,
      async (grammar, text) => {
        const root = await parseSyntax(grammar as GrammarName, text)
        const unit = lowerJavaScript(root, text, grammar === "tsx" ? "typescript" : "javascript")
        expect(unit.errors).toBe(0)
        expect(callsOf(unit)).toBe(callsIn(root, isCall, isType))
      },
    ),
    { numRuns: 100 },
  )
})
