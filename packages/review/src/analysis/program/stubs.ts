/** Methods that only say that there is one: what runs is that of a subclass. */
import type { Func, Node } from "../../ir/nodes.ts"

/**
 * Whether a method has no work of its own: no body; in Python `@abstractmethod`, or a body that is a docstring, `...` or
 * `raise NotImplementedError`.
 */
export function isStub({ body, annotations }: Func): boolean {
  if (!body) return true
  const work = body.body.filter((one) => one.kind !== "string")
  const [only, ...others] = work
  if (others.length > 0) return false
  if (annotations.some(({ name }) => /(?:^|\.)abstractmethod$/.test(name))) return true
  // A body of `pass` alone is empty here, and may be what its class means by it.
  if (only === undefined) return body.body.length > 0
  if (only.kind === "other") return only.type === "ellipsis"
  return only.kind === "throw" && only.value !== null && isUnimplemented(only.value)
}

function isUnimplemented(node: Node): boolean {
  const name = node.kind === "call" ? node.name : node.kind === "name" ? node.name : ""
  return name === "NotImplementedError"
}
