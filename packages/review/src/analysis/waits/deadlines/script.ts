/** Calls of JavaScript that nothing ends: axios and got without a timeout, fetch without a signal in the background. */
import type { Call, Node } from "../../../ir/nodes.ts"
import { definitionsOf } from "../../program/definitions.ts"
import type { File } from "../../program/file.ts"
import { dotted, receiverOf } from "../../program/names.ts"
import type { Program } from "../../program/program.ts"
import { backgroundOf } from "./background.ts"
import type { Unbounded } from "./unbounded.ts"

const BROWSER =
  /\.[jt]sx$|\.vue$|(?:^|\/)(?:frontend|client|web|webapp|ui|components|hooks|pages|browser|public|static|views|dashboard|admin|composables|mobile)\//
const VERBS = /^(?:get|post|put|patch|delete|head|request|options)$/
const LIMITS = /^(?:timeout|signal|cancelToken)$/

export function unboundedInScript(program: Program, file: File): Unbounded[] {
  if (BROWSER.test(file.path) || /['"]use client['"]/.test(file.text.slice(0, 200))) return []
  return file.calls.flatMap((call) => ofCall(program, file, call))
}

function ofCall(program: Program, file: File, call: Call): Unbounded[] {
  const client = clientOf(program, file, call)
  if (!client || isLimited(program, file, call) || isBoundedAround(file, call)) return []
  const background = backgroundOf(program, file, call)
  if (client.name === "fetch" && !background) {
    return [finding(call, "context", client, null)]
  }
  return [finding(call, "likely", client, background)]
}

function finding(
  call: Call,
  tier: Unbounded["tier"],
  client: Client,
  background: ReturnType<typeof backgroundOf>,
): Unbounded {
  return {
    at: call,
    tier,
    severity: background ? "medium" : "low",
    what: `\`${dotted(call.callee)}\``,
    why:
      client.name === "fetch"
        ? "has no signal that ends it, and nobody waits for what runs it"
        : "has no timeout: the default is to wait for ever",
    facts: [
      ...(client.made ? [{ text: "the client has no timeout", at: client.made }] : []),
      ...(background
        ? [{ text: "runs in the background of this", at: background.at, file: background.file }]
        : []),
    ],
    checked: [
      "no timeout and no signal is among the options",
      "no race against a timer is around the call",
      ...(client.name === "fetch" ? [] : ["the client's defaults have no timeout"]),
    ],
    fix:
      client.name === "fetch"
        ? "Pass signal: AbortSignal.timeout(10_000)."
        : "Pass timeout: 10_000 (milliseconds), or give the client one when it is made.",
  }
}

interface Client {
  readonly name: "fetch" | "axios" | "got"
  /** `axios.create({ … })`. */
  readonly made: Node | null
}

function clientOf(program: Program, file: File, call: Call): Client | null {
  const name = dotted(call.callee)
  if (call.args.length === 0) return null
  if (name === "fetch" || name === "globalThis.fetch") return { name: "fetch", made: null }
  const receiver = receiverOf(call)
  const root = receiver ?? call.callee
  if (receiver && !VERBS.test(call.name)) return null
  const library = libraryOf(file, root)
  if (library === "axios" && hasDefault(program, file)) return null
  if (library) return { name: library, made: null }
  if (!receiver || receiver.kind === "call") return null
  for (const one of definitionsOf(program, file, receiver)) {
    const made = one.value
    if (made?.kind !== "call" || !/^(?:create|extend)$/.test(made.name)) continue
    const from = receiverOf(made)
    const library = from ? libraryOf(one.file, from) : null
    if (!library || isLimited(program, one.file, made) || hasDefault(program, file)) return null
    return { name: library, made }
  }
  return null
}

function libraryOf(file: File, node: Node): "axios" | "got" | null {
  if (node.kind !== "name") return null
  const link = file.unit.imports.find((one) => one.local === node.name)
  // `import { isCancel } from "axios"` brings a question, not the client.
  if (link && !/^(?:default|\*|axios|got)$/.test(link.name)) return null
  if (link) return link.module === "axios" ? "axios" : link.module === "got" ? "got" : null
  return requiredAs(file, node.name)
}

/** `const axios = require("axios")`. */
function requiredAs(file: File, name: string): "axios" | "got" | null {
  for (const assign of file.assignments) {
    if (!assign.targets.some((target) => target.kind === "name" && target.name === name)) continue
    const value = assign.value?.kind === "member" ? assign.value.object : assign.value
    const first = value?.kind === "call" && value.name === "require" ? value.args[0] : undefined
    if (first?.kind === "string" && /^(?:axios|got)$/.test(first.value))
      return first.value as "axios" | "got"
  }
  return null
}

function hasDefault(program: Program, file: File): boolean {
  return (
    program.evidence.find(file.path, /axios\.defaults\.timeout\s*=/, "sources", "axios default") !==
    null
  )
}

/** Whether the options hold a limit, or cannot be told to hold none. */
function isLimited(program: Program, file: File, call: Call): boolean {
  for (const [index, arg] of call.args.entries()) {
    if (arg.kind === "spread") return true
    if (arg.kind === "object" && holdsLimit(program, file, arg)) return true
    const isOptions = index > 0 || call.args.length === 1
    if (isOptions && (arg.kind === "name" || arg.kind === "member" || arg.kind === "call")) {
      if (mayHoldLimit(program, file, arg, index)) return true
    }
  }
  return false
}

function mayHoldLimit(program: Program, file: File, arg: Node, index: number): boolean {
  const values = definitionsOf(program, file, arg).flatMap((one) => one.value ?? [])
  const objects = values.filter((one) => one.kind === "object")
  if (objects.some((one) => one.kind === "object" && holdsLimit(program, file, one))) return true
  const name = dotted(arg)
  const isSet = file.assignments.some((assign) =>
    assign.targets.some(
      (target) =>
        target.kind === "member" && LIMITS.test(target.name) && dotted(target.object) === name,
    ),
  )
  if (isSet) return true
  // A name that says that it is options, and is not seen whole.
  return objects.length === 0 && index > 0 && /opt|config|init|settings|params/i.test(name)
}

function holdsLimit(program: Program, file: File, object: Node & { kind: "object" }): boolean {
  return object.entries.some((entry) => {
    if (entry.key !== null) return LIMITS.test(entry.key)
    const spread = entry.value.kind === "spread" ? entry.value.value : entry.value
    const known = definitionsOf(program, file, spread).flatMap((one) => one.value ?? [])
    if (known.length === 0) return true
    return known.some((one) => one.kind !== "object" || holdsLimit(program, file, one))
  })
}

function isBoundedAround(file: File, call: Call): boolean {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "call" && outer !== call && /race|timeout|deadline/i.test(outer.name))
      return true
    if (outer.kind === "function" && !outer.isLambda) return false
  }
  return false
}
