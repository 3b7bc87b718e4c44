/** Values that are computed from what was read: sums and differences, through names and getters. */
import { walk } from "../../ir/children.ts"
import type { Call, Node } from "../../ir/nodes.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { receiverOf, rootOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { stepsOf } from "./rowSteps.ts"
import type { RowCall } from "./rowCall.ts"
import { bare } from "./rows.ts"

export interface Changed {
  /** Without case and underscores. */
  readonly column: string
  /** Where the new value is computed. */
  readonly at: Node
  /** The variable that holds the row. */
  readonly entity: string | null
}

const METHODS = /^(?:add|subtract|plus|minus|multiply|times|sub|mul|Add|Sub|Mul|dec|inc)$/

/** The sum or difference that an expression is made of, one of whose parts is what is asked for; null without. */
export function arithmeticOn(
  program: Program,
  file: File,
  value: Node,
  asks: (node: Node) => boolean,
  steps = 3,
): Node | null {
  let found: Node | null = null
  walk(value, (node) => {
    if (found || node.kind === "function") return false
    if (
      node.kind === "binary" &&
      /^[-+*/]$/.test(node.op) &&
      !isText(node.left) &&
      !isText(node.right)
    ) {
      if (partIs(node.left, asks) || partIs(node.right, asks)) found = node
    }
    if (node.kind === "call" && METHODS.test(node.name)) {
      const receiver = receiverOf(node)
      if (receiver && node.args.length === 1 && partIs(receiver, asks)) found = node
    }
    if (!found && node.kind === "name" && steps > 0 && !asks(node)) {
      for (const one of definitionsOf(program, file, node)) {
        if (one.file !== file || one.isParam || !one.value || one.at.start >= node.start) continue
        if (one.op !== "=") continue
        found ??= arithmeticOn(program, file, one.value, asks, steps - 1)
      }
    }
    return undefined
  })
  return found
}

function isText(node: Node): boolean {
  return node.kind === "string" || node.kind === "template"
}

/** An operand, its conversions and its fallback passed over. */
function partIs(node: Node, asks: (node: Node) => boolean): boolean {
  if (asks(node)) return true
  if (node.kind === "binary")
    return (
      partIs(node.left, asks) || (node.op !== "??" && node.op !== "||" && partIs(node.right, asks))
    )
  // `(found ? Number(found) : 0) + 1`
  if (node.kind === "conditional") return partIs(node.then, asks) || partIs(node.otherwise, asks)
  if (node.kind === "call" && node.callee.kind !== "member" && isConversion(node))
    return partIs(node.args[0]!, asks)
  if (
    node.kind === "call" &&
    /^(?:parseInt|parseFloat|intValue|longValue|toInt|toLong|toDouble|orElse|valueOf|Atoi|ParseInt)$/.test(
      node.name,
    )
  ) {
    const receiver = receiverOf(node)
    return (
      (receiver !== null && partIs(receiver, asks)) || node.args.some((arg) => partIs(arg, asks))
    )
  }
  if (node.kind === "unary") return partIs(node.operand, asks)
  return node.kind === "await" && partIs(node.value, asks)
}

/** `Number(x)`, and `parseInt(x, 10)` whose base is a number. */
function isConversion({ args }: Call): boolean {
  return args.length === 1 || (args.length === 2 && args[1]!.kind === "number")
}

/** Whether an expression is what a read found in a column; null asks for the whole of what was read. */
export function columnRead(read: RowCall, node: Node, column: string | null): boolean {
  const root = rootOf(node)
  if (root === null || !read.results.includes(root)) return false
  if (node.kind === "member") return column === null || bare(node.name) === column
  if (node.kind === "index") {
    const key = node.index
    if (column === null) return true
    if (key.kind === "string") return bare(key.value) === column
    if (key.kind === "member") return bare(key.name) === column
    return key.kind === "number" && saysColumn(read, column)
  }
  if (node.kind === "call") {
    const name = bare(node.name)
    return column === null || name === `get${column}` || (name === column && node.args.length === 0)
  }
  if (node.kind !== "name") return false
  if (column === null) return true
  const name = bare(node.name)
  return (
    name === column || column.endsWith(name) || name.endsWith(column) || saysColumn(read, column)
  )
}

/** Whether the text of a read names a column. */
function saysColumn(read: RowCall, column: string): boolean {
  if (read.query) return bare(read.query.text).includes(column)
  // `.select("id, usage_count")` of a builder.
  return stepsOf(read.call).some(
    (step) =>
      step.name === "select" &&
      step.args.some((arg) => arg.kind === "string" && bare(arg.value).includes(column)),
  )
}
