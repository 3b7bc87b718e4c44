/** Strings as they will be: concatenations put together, constants followed, holes marked. */
import type { Node } from "../../ir/nodes.ts"
import { definitionsOf } from "./definitions.ts"
import type { File } from "./file.ts"
import type { Program } from "./program.ts"

/** Stands where a value is put in. */
export const HOLE = "\uFFFC"

const MAX_STEPS = 8
const MAX_LENGTH = 20_000

/** The text of a string expression with holes where it is not known; null for what is no string at all. */
export function textOfString(
  program: Program,
  file: File,
  node: Node,
  steps = MAX_STEPS,
): string | null {
  if (steps === 0) return null
  if (node.kind === "string") return node.value
  if (node.kind === "template") {
    return node.parts
      .map((part) =>
        part.kind === "string"
          ? part.value
          : (textOfString(program, file, part, steps - 1) ?? HOLE),
      )
      .join("")
      .slice(0, MAX_LENGTH)
  }
  if (node.kind === "binary" && node.op === "+") {
    const left = textOfString(program, file, node.left, steps)
    const right = textOfString(program, file, node.right, steps)
    return left === null && right === null
      ? null
      : `${left ?? HOLE}${right ?? HOLE}`.slice(0, MAX_LENGTH)
  }
  if (node.kind === "call") return textOfCall(program, file, node, steps)
  if (node.kind !== "name" && node.kind !== "member") return null
  const definitions = definitionsOf(program, file, node).filter((one) => one.value !== null)
  const [first] = definitions
  if (!first || first.value === node || first.isParam) return null
  const start = textOfString(program, first.file, first.value!, steps - 1)
  if (start === null) return null
  const more = definitions
    .slice(1)
    .filter((one) => one.op === "+=")
    .map((one) => textOfString(program, one.file, one.value!, steps - 1) ?? HOLE)
  return [start, ...more].join("").slice(0, MAX_LENGTH)
}

function textOfCall(
  program: Program,
  file: File,
  call: Node & { kind: "call" },
  steps: number,
): string | null {
  if (call.isTagged && call.args[0]) return textOfString(program, file, call.args[0], steps - 1)
  const first = call.args[0]
  // `"…".format(x)`, `fmt.Sprintf("…", x)`, `String.format("…", x)`, `text("…")`, `"…".trimIndent()`
  if (
    /^(?:Sprintf|format|formatted|text|sql|raw|literal)$/.test(call.name) &&
    first?.kind !== "named" &&
    first
  ) {
    const text = textOfString(program, file, first, steps - 1)
    if (text !== null) return text.replaceAll(/%[sdvqfx]|\{\w*\}/g, HOLE)
  }
  if (
    call.callee.kind === "member" &&
    /^(?:format|formatted|trim|trimIndent|trimMargin|strip)$/.test(call.name)
  ) {
    const text = textOfString(program, file, call.callee.object, steps - 1)
    return text === null ? null : text.replaceAll(/%[sdvqfx]|\{\w*\}/g, HOLE)
  }
  return null
}
