/** Go's contexts: whether one ends by itself, with a request, or with the process only. */
import type { Node } from "../../../ir/nodes.ts"
import { callersOf, definitionsOf } from "../../program/definitions.ts"
import type { File } from "../../program/file.ts"
import { dotted } from "../../program/names.ts"
import type { Program } from "../../program/program.ts"
import { resolveCall } from "../../program/resolve.ts"
import { endsByItself } from "./endings.ts"

/** `bounded` has a deadline; `request` ends when somebody's request does; `process` never ends before the process. */
export type Lifetime = "bounded" | "request" | "process" | "unknown"

const MAX_STEPS = 6
const BOUNDS = /^With(?:Timeout|Deadline)(?:Cause)?$/

/** How long the context that an expression gives lives. */
export function lifetimeOf(program: Program, file: File, node: Node, steps = MAX_STEPS): Lifetime {
  if (steps === 0) return "unknown"
  if (node.kind === "call") return ofCall(program, file, node, steps)
  if (node.kind === "unary") return lifetimeOf(program, file, node.operand, steps)
  if (node.kind !== "name" && node.kind !== "member") return "unknown"
  return ofName(program, file, node, steps)
}

function ofCall(
  program: Program,
  file: File,
  call: Node & { kind: "call" },
  steps: number,
): Lifetime {
  const name = dotted(call.callee)
  if (BOUNDS.test(call.name)) return "bounded"
  if (/^context\.(?:Background|TODO)$/.test(name)) return "process"
  if (call.name === "Context" && call.args.length === 0) return "request"
  const [first] = call.args
  for (const target of resolveCall(program, file, call)) {
    if (target.file.calls.some((one) => isWithin(one, target.fn) && BOUNDS.test(one.name)))
      return "bounded"
  }
  return first ? lifetimeOf(program, file, first, steps - 1) : "unknown"
}

function ofName(
  program: Program,
  file: File,
  node: Node & { kind: "name" | "member" },
  steps: number,
): Lifetime {
  const own = definitionsOf(program, file, node).filter((one) => one.value !== null)
  const found = own
    .filter((one) => one.file !== file || one.at.start < node.start || one.isParam)
    .map((one) =>
      one.value === node ? "unknown" : lifetimeOf(program, one.file, one.value!, steps - 1),
    )
  if (found.length === 0) return "unknown"
  for (const lifetime of ["bounded", "request", "unknown"] as const)
    if (found.includes(lifetime)) return lifetime
  return "process"
}

function isWithin(node: Node, outer: Node): boolean {
  return node.start >= outer.start && node.end <= outer.end
}

/** Whether a function gives a context of its own a deadline before a place in it. */
export function boundsBefore(file: File, from: Node, before: Node): Node | null {
  return (
    file.calls.find(
      (call) => isWithin(call, from) && call.end <= before.start && BOUNDS.test(call.name),
    ) ?? null
  )
}

/** The endless loop that leads to a call, through callers that pass their context on as it is. */
export function loopBehind(
  program: Program,
  file: File,
  call: Node,
  steps = 3,
): { readonly file: File; readonly loop: Node } | null {
  const method = file.methodOf(call)
  if (!method || /^(?:main|init)$/.test(method.name)) return null
  for (const outer of file.ancestorsOf(call)) {
    if (outer === method) break
    if (boundsBefore(file, outer, call)) return null
    if (outer.kind === "loop" && isEndless(file, outer)) return { file, loop: outer }
  }
  if (steps === 0 || boundsBefore(file, method, call)) return null
  for (const site of passesOn(program, file, method)) {
    const found = loopBehind(program, site.file, site.call, steps - 1)
    if (found) return found
  }
  return null
}

/** Callers of a function, those through an interface too: by name, by number of arguments, by the receiver's name. */
function passesOn(
  program: Program,
  file: File,
  fn: Node & { kind: "function" },
): readonly { readonly file: File; readonly call: Node & { kind: "call" } }[] {
  const direct = callersOf(program, { file, fn })
  if (direct.length > 0 || !fn.receiver) return direct
  const owner = fn.receiver.type.toLowerCase()
  return program.sourcesCalling(fn.name).flatMap((source) => {
    const from = source.language === "go" ? program.file(source.path) : null
    return (from?.calls ?? []).flatMap((call) => {
      if (call.name !== fn.name || call.args.length !== fn.params.length) return []
      const receiver = call.callee.kind === "member" ? dotted(call.callee.object) : ""
      const last = receiver.split(".").at(-1)?.toLowerCase() ?? ""
      return last.length > 2 && owner.includes(last) ? [{ file: from!, call }] : []
    })
  })
}

/** `for { … }` and `for range ticker.C`: rounds until the process ends. */
function isEndless(file: File, loop: Node & { kind: "loop" }): boolean {
  if (loop.form === "each")
    return loop.iterable !== null && /\.C$|tick/i.test(file.textOf(loop.iterable))
  return (
    loop.test === null && loop.update === null && loop.init === null && !endsByItself(file, loop)
  )
}
