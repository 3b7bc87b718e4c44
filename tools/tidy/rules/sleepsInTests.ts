import type { Node } from "oxc-parser"
import type { SourceFile } from "../repository.ts"
import type { Finding, Rule } from "../rule.ts"
import { walkAst } from "../walkAst.ts"

/** A test waits for an event or moves a clock by hand; a sleep is either too short or too long. */
export const sleepsInTests: Rule = {
  name: "sleeps-in-tests",
  mend: "Wait for an event (probe.next) or move the clock (clock.advance).",
  check(repository) {
    return repository.typescript.filter(({ isTest }) => isTest).flatMap(sleepsIn)
  },
}

const SLEEPERS = new Set(["setTimeout", "setInterval", "setImmediate", "sleep", "delay"])
const MODULES = new Set(["timers", "timers/promises"])

function sleepsIn(file: SourceFile): Finding[] {
  const found: Finding[] = []
  const add = (node: Node, what: string): void => {
    found.push({ path: file.path, line: file.lineAt(node.start), message: `${what} in a test` })
  }
  walkAst(file.program, (node) => {
    if (node.type === "ImportDeclaration") {
      const module = node.source.value.replace(/^node:/, "")
      if (MODULES.has(module)) add(node, `import of ${module}`)
    }
    if (node.type !== "CallExpression") return
    const name = calledName(node.callee)
    if (name !== undefined && (SLEEPERS.has(name) || name === "Atomics.wait")) add(node, name)
  })
  return found
}

/** `sleep` for a bare call, `Atomics.wait` for a member of a global; a method such as `clock.sleep` is neither. */
function calledName(callee: Node): string | undefined {
  if (callee.type === "Identifier") return callee.name
  if (callee.type !== "MemberExpression" || callee.object.type !== "Identifier") return undefined
  if (callee.property.type !== "Identifier") return undefined
  const object = callee.object.name
  if (object === "globalThis") return callee.property.name
  return object === "Atomics" ? `Atomics.${callee.property.name}` : undefined
}
