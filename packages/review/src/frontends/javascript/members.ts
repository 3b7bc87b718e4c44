/** Names of members, and what a function is called by them. */
import type { Annotation, Func, Node } from "../../ir/nodes.ts"
import { fieldOf, namedOf, type Syntax } from "../syntax.ts"
import { type Binding, type Context, modifiersOf, textOf } from "./context.ts"
import { functionOf } from "./functions.ts"
import { stringOf } from "./literals.ts"

/** The key of an object or the name of a member where the text tells it; null for a computed one. */
export function keyName(ctx: Context, node: Syntax): string | null {
  if (node.type === "string") return stringOf(ctx, node).value
  if (node.type !== "computed_property_name") return textOf(ctx, node)
  const held = namedOf(node)[0]
  return held?.type === "string" ? stringOf(ctx, held).value : null
}

/** The name of a member for people: `run`, `#run`, `[Symbol.iterator]`. */
export function memberName(ctx: Context, node: Syntax): string {
  return keyName(ctx, node) ?? textOf(ctx, node)
}

/** A method of a class or of an object, an accessor, a constructor, or the signature of one. */
export function methodOf(ctx: Context, node: Syntax, annotations: readonly Annotation[]): Func {
  const name = fieldOf(node, "name")
  return functionOf(ctx, node, {
    name: name ? memberName(ctx, name) : "",
    nameStart: name?.start ?? node.start,
    modifiers: modifiersOf(ctx, node),
    annotations,
  })
}

/** The expressions in a computed name. */
export function computedIn(ctx: Context, name: Syntax): Node[] {
  if (name.type !== "computed_property_name") return []
  return namedOf(name).map((held) => ctx.expression(held))
}

/** What a function is called that is assigned to one target: `run` of `exports.run = …`. */
export function boundLambda(targets: readonly Node[]): Binding | undefined {
  const [target] = targets
  if (targets.length !== 1 || !target) return undefined
  if (target.kind === "name") return { name: target.name, nameStart: target.start }
  if (target.kind !== "member") return undefined
  const nameStart = target.end - target.name.length
  const { object } = target
  const isExport = object.kind === "name" && object.name === "exports"
  const isModule = object.kind === "member" && object.name === "exports"
  const modifiers = isExport || isModule ? ["export"] : []
  return { name: target.name, nameStart, modifiers }
}
