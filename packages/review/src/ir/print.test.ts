import { expect, test } from "vitest"
import type { Func, Name, Node, SourceUnit } from "./nodes.ts"
import { printNode, printUnit } from "./print.ts"

const at = { start: 0, end: 0 }

function name(text: string): Name {
  return { kind: "name", name: text, ...at }
}

const fn: Func = {
  kind: "function",
  name: "f",
  nameStart: 0,
  params: [{ name: "a", type: "int", value: name("b"), ...at }],
  result: "error",
  body: { kind: "block", body: [{ kind: "return", value: null, ...at }], ...at },
  isAsync: true,
  receiver: { name: "s", type: "Store" },
  annotations: [{ name: "retry", args: [name("n")], ...at }],
  modifiers: ["public"],
  hasError: true,
  ...at,
}

test("atoms print as they are, everything else in parentheses behind its kind", () => {
  const call: Node = {
    kind: "call",
    callee: { kind: "member", object: name("time"), name: "Sleep", ...at },
    name: "Sleep",
    args: [
      {
        kind: "binary",
        op: "*",
        left: name("n"),
        right: { kind: "number", value: 2, ...at },
        ...at,
      },
    ],
    ...at,
  }
  expect(printNode(call)).toBe("(call time.Sleep (* n 2))")
})

test("a new target, a changed one and a constant are told apart", () => {
  const assign = {
    kind: "assign",
    op: "=",
    targets: [name("a"), name("b")],
    value: name("c"),
    type: null,
    ...at,
  } as const
  expect(printNode({ ...assign, declares: true })).toBe("(let a, b = c)")
  expect(printNode({ ...assign, declares: false, op: "+=" })).toBe("(set a, b += c)")
  expect(printNode({ ...assign, declares: true, isConst: true, type: "int" })).toBe(
    "(const a, b: int = c)",
  )
})

test("a function shows all that a rule may ask of it", () => {
  expect(printNode(fn)).toBe(
    "(@retry(n) public async func <s Store> f(a: int = b): error {(return)} !error)",
  )
})

test("a unit is one line for each import and each node of its top level", () => {
  const unit: SourceUnit = {
    language: "go",
    package: "p",
    imports: [{ module: "math/rand", name: "*", local: "rand", ...at }],
    body: [name("a"), { kind: "other", type: "goto", children: [name("b")], ...at }],
    comments: [at],
    errors: 2,
  }
  expect(printUnit(unit)).toBe(
    "(package p)\n(import math/rand * as rand)\na\n(other:goto b)\n(errors 2)",
  )
})
