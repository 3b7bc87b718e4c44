/** Things that are waited for together, and whose results come in their order. */
import type { Node } from "../../ir/nodes.ts"

const GATHERS = /^(?:all|gather|awaitAll)$/

/** The parts of `await Promise.all([a(), b()])` and `await asyncio.gather(a(), b())`; null for anything else. */
export function gatheredIn(value: Node): readonly Node[] | null {
  if (value.kind === "await") return gatheredIn(value.value)
  if (value.kind !== "call" || !GATHERS.test(value.name)) return null
  const [first] = value.args
  const parts = first?.kind === "list" && value.args.length === 1 ? first.items : value.args
  return parts.length > 1 && !parts.some((one) => one.kind === "spread") ? parts : null
}
