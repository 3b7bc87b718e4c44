/** What a library is told of how long it waits before it tries again. */
import type { At, Node } from "../../../ir/nodes.ts"
import type { File } from "../../program/file.ts"
import { dotted } from "../../program/names.ts"

export interface Policy {
  /** Where the delay is declared. */
  readonly at: At
  /** Who waits, to show: `wait_fixed`, `p-retry`. */
  readonly who: string
  /** Why the delay is the same for everyone. */
  readonly why: string
  /** What was looked for and would have spread it. */
  readonly missing: string
}

/** The name of an expression with its import put in: `tenacity.wait_fixed`; null for what is not imported. */
export function originOf(file: File, node: Node): string | null {
  const name = dotted(node)
  const [root, ...rest] = name.split(".")
  const link = file.importOf(root!)
  if (link) {
    const own = link.name === "*" || link.name === "default" ? [] : [link.name]
    return [link.module, ...own, ...rest].join(".")
  }
  const module = requiredAs(file, root!)
  return module === null ? null : [module, ...rest].join(".")
}

/** `const pRetry = require("p-retry")`, also with `.default` or a name taken out of it. */
function requiredAs(file: File, local: string): string | null {
  if (file.language !== "javascript" && file.language !== "typescript") return null
  for (const { targets, value } of file.assignmentsTo(local)) {
    const call = value?.kind === "member" ? value.object : value
    if (call?.kind !== "call" || call.name !== "require") continue
    const [module] = call.args
    if (module?.kind !== "string") continue
    if (value?.kind === "member" && value.name !== "default") return `${module.value}.${value.name}`
    return targets.length > 1 ? `${module.value}.${local}` : module.value
  }
  return null
}

/** The outermost expression that holds a node: what a statement, a decorator or a field is given. */
export function expressionAround(file: File, node: Node): Node {
  let at = node
  for (const outer of file.ancestorsOf(node)) {
    if (/^(?:block|function|class|assign|return|lambda|throw|loop|if|try|with)$/.test(outer.kind))
      break
    at = outer
  }
  return at
}
