/** Steps that a saga is built of: chains, lists of steps, and calls that add one step each. */
import type { Call, Node, Obj } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf } from "../program/names.ts"

export interface SagaStep {
  /** What it is called, or what it calls; "" where neither tells. */
  readonly name: string
  readonly at: Node
  readonly action: Node | null
  readonly compensation: Node | null
}

const COMPENSATION =
  /^(?:with_?)?(?:compensat\w*|rollback\w*|undo\w*|revert\w*|on_?rollback|on_?failure|backward|cancel_?action|reverse\w*)$/i
const ACTION =
  /^(?:action|execute|invoke\w*|run|do|forward|handler|transaction|fn|perform|task|call|activity|operation|func)$/i
const ADDS =
  /^(?:addStep|add_step|AddStep|step|Step|addTransaction|add|withStep|SagaStep|saga_step|NewStep|newStep|addActivity|then)$/

/** The sagas of a file, each as its steps in order. */
export function sagasOf(file: File): readonly (readonly SagaStep[])[] {
  return [...chainsOf(file), ...listsOf(file), ...addedOf(file)]
}

// --- `.step("charge").invoke(charge).withCompensation(refund).step(…)` ---------------------------------------------------

function chainsOf(file: File): SagaStep[][] {
  const found: SagaStep[][] = []
  for (const call of file.calls) {
    if (isContinued(file, call)) continue
    const chain = chainOf(call)
    const starts = chain.filter((one) => one.name === "step").length
    if (starts < 2) continue
    const steps = segmentsOf(chain)
    if (steps.some((one) => one.compensation) || speaksOfSaga(file, call)) found.push(steps)
  }
  return found
}

/** Whether another call is made on the result of this one. */
function isContinued(file: File, call: Call): boolean {
  const parent = file.parentOf(call)
  return parent?.kind === "member" && file.parentOf(parent)?.kind === "call"
}

/** The calls of a chain, the first one first. */
function chainOf(last: Call): Call[] {
  const chain: Call[] = []
  for (let at: Node | null = last; at?.kind === "call"; at = receiverOf(at)) chain.unshift(at)
  return chain
}

function segmentsOf(chain: readonly Call[]): SagaStep[] {
  const steps: SagaStep[] = []
  let open: { at: Node; name: string; action: Node | null; compensation: Node | null } | null = null
  for (const call of chain) {
    if (call.name === "step") {
      if (open) steps.push(open)
      const [first, second] = call.args
      open = {
        at: headOf(call),
        name: first?.kind === "string" ? first.value : "",
        action: first && first.kind !== "string" ? first : (second ?? null),
        compensation: null,
      }
      open.name ||= nameOf(open.action)
    } else if (open) {
      if (COMPENSATION.test(call.name)) open.compensation = call.args[0] ?? call
      else if (ACTION.test(call.name)) {
        open.action = call.args[0] ?? call
        open.name ||= nameOf(open.action)
      }
    }
  }
  if (open) steps.push(open)
  return steps
}

/** The last name of a chained call is what a reader sees; the call itself begins with the chain. */
function headOf(call: Call): Node {
  const { callee } = call
  return callee.kind === "member"
    ? { kind: "name", name: callee.name, start: callee.end - callee.name.length, end: call.end }
    : call
}

// --- `[{ name, action, compensate }, …]`, `[SagaStep(action=…, compensation=…), …]` --------------------------------------

function listsOf(file: File): SagaStep[][] {
  const byList = new Map<Node, SagaStep[]>()
  const add = (node: Node, step: SagaStep | null): void => {
    const parent = listAround(file, node)
    if (!step || !parent) return
    byList.set(parent, [...(byList.get(parent) ?? []), step])
  }
  for (const object of file.objects) add(object, ofObject(object))
  for (const call of file.calls) {
    if (/Step$|^(?:step|saga_step)$/.test(call.name)) add(call, ofNamed(call))
  }
  return [...byList.values()]
    .map((steps) => [...steps].sort((a, b) => a.at.start - b.at.start))
    .filter((steps) => steps.some((one) => one.compensation))
}

/** The list, or Go's slice literal, that a node stands in directly. */
function listAround(file: File, node: Node): Node | null {
  const parent = file.parentOf(node)
  if (parent?.kind === "unary") return listAround(file, parent)
  if (parent?.kind === "list") return parent
  return parent?.kind === "call" &&
    /^(?:listOf|of|asList|mutableListOf|sequence|Saga|NewSaga|new_saga|arrayOf)$/.test(parent.name)
    ? parent
    : null
}

function ofObject(object: Obj): SagaStep | null {
  return ofPairs(
    object,
    object.entries.flatMap((one) => (one.key === null ? [] : [[one.key, one.value] as const])),
  )
}

function ofNamed(call: Call): SagaStep | null {
  const named = call.args.flatMap((arg) =>
    arg.kind === "named" ? [[arg.name, arg.value] as const] : [],
  )
  if (named.length > 0) {
    const [first] = call.args
    const pairs = first?.kind === "string" ? [["name", first] as const, ...named] : named
    return ofPairs(call, pairs)
  }
  return ofPositional(call)
}

function ofPairs(at: Node, pairs: readonly (readonly [string, Node])[]): SagaStep | null {
  const action = pairs.find(([key]) => ACTION.test(key))?.[1] ?? null
  const compensation = pairs.find(([key]) => COMPENSATION.test(key))?.[1] ?? null
  if (!action) return null
  const name = pairs.find(([key]) => /^(?:name|id|title)$/i.test(key))?.[1]
  return {
    name: name?.kind === "string" ? name.value : nameOf(action),
    at,
    action,
    compensation: isNothing(compensation) ? null : compensation,
  }
}

/** `("charge", charge, refund)`: a name that may be left out, what is done, what takes it back. */
function ofPositional(call: Call): SagaStep | null {
  const args = call.args.filter((arg) => arg.kind !== "named" && !isContext(arg))
  const [first, ...rest] = args
  if (!first) return null
  const hasName = first.kind === "string"
  const [action, compensation = null] = hasName ? rest : args
  if (!action || !isCallable(action)) return null
  return {
    name: hasName ? first.value : nameOf(action),
    at: call,
    action,
    compensation: isNothing(compensation) ? null : compensation,
  }
}

function isContext(node: Node): boolean {
  return /^(?:ctx|context)$/.test(dotted(node))
}

function isCallable(node: Node): boolean {
  return /^(?:lambda|name|member|other)$/.test(node.kind)
}

/** `null`, `noop`, `() => {}`. */
function isNothing(node: Node | null): boolean {
  if (!node || node.kind === "null") return true
  if (node.kind === "lambda") return (node.fn.body?.body.length ?? 0) === 0
  return /^(?:noop|no_op|nothing|NoOp|empty)$/i.test(dotted(node).split(".").at(-1) ?? "")
}

// --- `saga.addStep("charge", charge, refund)` ----------------------------------------------------------------------------

function addedOf(file: File): SagaStep[][] {
  const byOwner = new Map<string, SagaStep[]>()
  for (const call of file.calls) {
    if (!ADDS.test(call.name)) continue
    const receiver = receiverOf(call)
    // Chains of `step` are read above; a list holds its own.
    if (!receiver || call.name === "step" || listAround(file, call)) continue
    const owner = rootName(receiver)
    if (
      !/saga|orchestrat|compensat/i.test(owner) &&
      !(/step/i.test(call.name) && speaksOfSaga(file, call))
    )
      continue
    const step = inner(call) ?? ofNamed(call)
    if (!step) continue
    const fn = file.methodOf(call) ?? file.functionOf(call)
    const key = `${fn?.start ?? 0} ${owner}`
    byOwner.set(key, [
      ...(byOwner.get(key) ?? []),
      { ...step, at: isChained(receiver) ? headOf(call) : step.at },
    ])
  }
  return [...byOwner.values()].map((steps) => [...steps].sort((a, b) => a.at.start - b.at.start))
}

/** `saga.AddStep(&Step{Action: …, Compensate: …})`, `saga.addStep({ … })`. */
function inner(call: Call): SagaStep | null {
  for (const arg of call.args) {
    const bare = arg.kind === "unary" ? arg.operand : arg
    if (bare.kind === "object") {
      const step = ofObject(bare)
      const [first] = call.args
      if (step) return first?.kind === "string" ? { ...step, name: first.value } : step
    }
    if (bare.kind === "call" && bare.name.endsWith("Step")) return ofNamed(bare)
  }
  return null
}

function isChained(receiver: Node): boolean {
  return receiver.kind === "call" && receiver.callee.kind === "member"
}

function rootName(node: Node): string {
  let at = node
  while (at.kind === "call" && at.callee.kind === "member" && ADDS.test(at.name))
    at = at.callee.object
  return dotted(at)
}

function nameOf(node: Node | null): string {
  if (!node) return ""
  if (node.kind === "name" || node.kind === "member") return node.name
  if (node.kind === "call") return node.name
  if (node.kind === "other" && node.children.length > 0) return nameOf(node.children.at(-1)!)
  if (node.kind !== "lambda") return ""
  const only = node.fn.body?.body.at(0)
  const value = only?.kind === "return" ? only.value : (only ?? null)
  return nameOf(value?.kind === "await" ? value.value : value)
}

function speaksOfSaga(file: File, call: Call): boolean {
  const fn = file.methodOf(call)
  const owner = file.classOf(call)
  return /saga/i.test(
    `${dotted(call.callee)} ${fn?.name ?? ""} ${owner?.name ?? ""} ${owner?.bases.join(" ") ?? ""} ${file.path.split("/").at(-1) ?? ""} ${file.unit.imports.map((one) => one.module).join(" ")}`,
  )
}
