/** Where a key is given by which the other side knows a repetition: options, headers, setters, fields. */
import type { Call, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { receiverOf } from "../program/names.ts"

export interface KeyUse {
  /** The key as written: `Idempotency-Key`, `idempotencyKey`. */
  readonly name: string
  readonly value: Node
  /** The option, call or assignment that gives it. */
  readonly at: Node
}

/** Keys that only mean one thing. A client token of the clouds' libraries is left out: those make it themselves. */
const KEY =
  /^(?:x[-_])?(?:idempotency|idempotence|idempotent)[-_]?(?:key|token|id)?$|^(?:message)?dedup(?:e|lication)?[-_]?(?:id|key|token)$|^paypal-request-id$/i

/** Every such use of a file, in the order of the text. */
export function keyUsesOf(file: File): KeyUse[] {
  const found: KeyUse[] = []
  for (const object of file.objects) {
    for (const entry of object.entries) {
      const name = entry.key ?? stringOf(entry.keyNode)
      if (name && KEY.test(name)) found.push({ name, value: entry.value, at: entry.value })
    }
  }
  for (const call of file.calls) found.push(...ofCall(call))
  for (const assign of file.assignments) {
    const [target] = assign.targets
    if (!assign.value || !target || assign.targets.length > 1) continue
    if (target.kind === "member" && KEY.test(target.name))
      found.push({ name: target.name, value: assign.value, at: assign })
    if (target.kind === "index" && target.index.kind === "string" && KEY.test(target.index.value))
      found.push({ name: target.index.value, value: assign.value, at: assign })
  }
  return found.sort((a, b) => a.at.start - b.at.start)
}

function ofCall(call: Call): KeyUse[] {
  const found: KeyUse[] = []
  for (const arg of call.args) {
    if (arg.kind === "named" && KEY.test(arg.name))
      found.push({ name: arg.name, value: arg.value, at: arg })
  }
  const [first, second] = call.args
  // `header.Set("Idempotency-Key", key)`, `.header("Idempotency-Key", key)`, `"Idempotency-Key" to key`
  if (first && second && first.kind === "string" && KEY.test(first.value))
    found.push({ name: first.value, value: second, at: call })
  if (
    call.name === "to" &&
    first &&
    call.callee.kind === "member" &&
    call.callee.object.kind === "string"
  ) {
    if (KEY.test(call.callee.object.value))
      found.push({ name: call.callee.object.value, value: first, at: call })
  }
  // `.setIdempotencyKey(key)`, `.idempotencyKey(key)`, `.WithIdempotencyKey(key)`
  const bare = call.name.replace(/^(?:set|with|add|Set|With)_?/, "")
  if (
    first &&
    call.args.length === 1 &&
    receiverOf(call) &&
    KEY.test(bare) &&
    !/^idempotent$/i.test(bare)
  )
    found.push({ name: bare, value: first, at: call })
  return found
}

function stringOf(node: Node | null): string | null {
  return node?.kind === "string" ? node.value : null
}
