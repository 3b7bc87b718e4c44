/** The names that Kotlin's declarations, loops and lambdas bind. */
import type { Node } from "../../ir/nodes.ts"
import { childOf, named, nameNode, type Lowering } from "../lowering.ts"
import type { Syntax } from "../syntax.ts"
import { identifier, isType } from "./typeNames.ts"

/** What a `variable_declaration` or `multi_variable_declaration` binds. */
export function bindingOf(
  node: Syntax,
  to: Lowering,
): { names: string[]; targets: Node[]; type: string | null } {
  const one = node.type === "multi_variable_declaration" ? [] : [node]
  const variables = one.length > 0 ? one : named(node)
  const words = variables.flatMap((variable) => childOf(variable, "identifier") ?? [])
  const type = one[0]?.children.find(isType)
  return {
    names: words.map((word) => identifier(word, to)),
    targets: words.map((word) => nameNode(word, identifier(word, to))),
    type: type ? to.textOf(type) : null,
  }
}
