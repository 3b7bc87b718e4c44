/** The names that hold what a call gave: a row that was read, and what was taken out of it. */
import type { Assign, Call, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { gatheredIn } from "../program/gatherings.ts"
import { handedOn } from "./handedOn.ts"
import { receiverOf, rootOf } from "../program/names.ts"
import { stepsOf } from "./rowSteps.ts"
import { unitAround } from "../program/units.ts"

/** The names that what a call gives back goes to, also by pointer. */
export function resultsOf(file: File, call: Call): string[] {
  const names = handedOn(file, call)
  for (const step of stepsOf(call)) {
    for (const arg of step.args)
      if (arg.kind === "unary" && arg.op === "&") names.push(rootOf(arg.operand) ?? "")
  }
  // A chain that is scanned further out: `QueryRow(…).Scan(&x)` is in the steps already.
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "assign") {
      if (outer.value && outer.value.start <= inner.start && inner.end <= outer.value.end)
        names.push(...namesFor(outer, call))
      break
    }
    if (
      outer.kind === "loop" &&
      outer.iterable &&
      outer.iterable.start <= inner.start &&
      inner.end <= outer.iterable.end
    )
      names.push(...outer.bindings.flatMap((one) => (one.kind === "name" ? [one.name] : [])))
    // `async with db.execute(…) as cursor`
    if (outer.kind === "with")
      for (const { value, binding } of outer.resources)
        if (binding?.kind === "name" && value.start <= call.start && call.end <= value.end)
          names.push(binding.name)
    if (/^(?:block|function|loop|with)$/.test(outer.kind)) break
    inner = outer
  }
  return [...names, ...derivedFrom(file, call, names)].filter(
    (name, index, all) =>
      name !== "" && !/^(?:err|error|ok|_)$/.test(name) && all.indexOf(name) === index,
  )
}

/** Of things that are waited for together, each has its own name: `[user, count] = await Promise.all([…])`. */
function namesFor(assign: Assign, call: Call): string[] {
  const parts = assign.value ? gatheredIn(assign.value) : null
  const index = parts?.findIndex((one) => one.start <= call.start && call.end <= one.end) ?? -1
  if (!parts || index < 0 || parts.length !== assign.targets.length) return namesOf(assign)
  const target = assign.targets[index]
  return target?.kind === "name" ? [target.name] : []
}

function namesOf(assign: Assign): string[] {
  return assign.targets.flatMap((target) => (target.kind === "name" ? [target.name] : []))
}

/** `const job = rows[0]`, `account = result.scalar_one()`, `rows.Scan(&x)`: what is taken out of a result. */
export function derivedFrom(file: File, call: Call, names: readonly string[]): string[] {
  const method = unitAround(file, call)
  const found: string[] = []
  const known = new Set(names)
  // A cursor hands its rows out later: `cur.execute(…)`, `row = cur.fetchone()`.
  const cursor = names.length === 0 && call.name === "execute" ? receiverOf(call) : null
  if (cursor?.kind === "name") known.add(cursor.name)
  const end = method?.end ?? Number.POSITIVE_INFINITY
  for (const assign of file.assignments) {
    if (assign.start < call.end || assign.end > end || !assign.value) continue
    if (!isTakenFrom(assign.value, known)) continue
    for (const name of namesOf(assign)) {
      known.add(name)
      found.push(name)
    }
  }
  for (const other of file.calls) {
    if (other.name !== "Scan" || other.start < call.end || other.end > end) continue
    if (!known.has(rootOf(other.callee) ?? "")) continue
    for (const arg of other.args)
      if (arg.kind === "unary" && arg.op === "&") found.push(rootOf(arg.operand) ?? "")
  }
  return found
}

const CONVERTS =
  /^(?:Number|parseInt|parseFloat|int|float|Decimal|int64|float64|BigInt|String|str|Atoi|ParseInt|ParseFloat|ParseUint|parseLong|parseDouble|valueOf|BigDecimal)$/

/** An access path that starts at one of some names, `?? fallback` and conversions passed over. */
export function isTakenFrom(node: Node, names: ReadonlySet<string>): boolean {
  if (node.kind === "await") return isTakenFrom(node.value, names)
  if (node.kind === "binary" && /^(?:\?\?|\|\|)$/.test(node.op))
    return isTakenFrom(node.left, names)
  if (node.kind === "call" && CONVERTS.test(node.name) && node.args[0])
    return isTakenFrom(node.args[0], names)
  if (
    node.kind === "name" ||
    node.kind === "member" ||
    node.kind === "index" ||
    node.kind === "call"
  )
    return names.has(rootOf(node) ?? "")
  return false
}
