/** What tests of frontends ask: how a text lowers, and whether all its calls arrive. */
import { walk } from "../ir/children.ts"
import type { Func, SourceUnit } from "../ir/nodes.ts"
import { printUnit } from "../ir/print.ts"
import { parseSource } from "./parse.ts"
import type { Syntax } from "./syntax.ts"

/** A file's imports and body, printed. */
export async function lowered(path: string, text: string): Promise<string> {
  return printUnit(await parseSource(path, text))
}

/** How many calls a unit has, those in arguments of annotations included. */
export function callsOf(unit: SourceUnit): number {
  let calls = 0
  for (const root of unit.body) {
    walk(root, (node) => {
      if (node.kind === "call") calls++
    })
  }
  return calls
}

/** How many nodes of a parse tree are calls. Types are text, and what stands below them is not counted. */
export function callsIn(
  root: Syntax,
  isCall: (node: Syntax) => boolean,
  isType: (node: Syntax) => boolean,
): number {
  if (isType(root)) return 0
  let calls = isCall(root) ? 1 : 0
  for (const child of root.children) calls += callsIn(child, isCall, isType)
  return calls
}

/** Every function of a unit, in the order of the text. */
export function functionsOf(unit: SourceUnit): Func[] {
  const found: Func[] = []
  for (const root of unit.body) {
    walk(root, (node) => {
      if (node.kind === "function") found.push(node)
    })
  }
  return found
}
