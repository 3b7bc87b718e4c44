/** Clients of services that try again by themselves unless they are told not to, and loops that try again around them. */
import type { Call, Class, Node } from "../ir/nodes.ts"
import { walk } from "../ir/children.ts"
import type { File } from "./file.ts"
import { dotted } from "./names.ts"
import type { Program } from "./program.ts"
import { roundOf } from "./retries.ts"
import { waitsOf } from "./waits.ts"

export interface Doubled {
  /** Where the client is made. */
  readonly client: Call
  /** The wait of the loop that tries again around it. */
  readonly wait: Call
  readonly file: File
}

/** Clients that are generated alike: two retries each, unless `max_retries` says otherwise. */
const CLIENTS =
  /^(?:Async)?(?:Azure)?(?:OpenAI|Anthropic(?:Bedrock|Vertex)?|Groq|Cerebras|Together)$/
const MODULES = /openai|anthropic|groq|cerebras|together/i
const MENTIONED = /(?:OpenAI|Anthropic\w*|Groq|Cerebras|Together)\(/

/** Clients of a file that try again, within a loop of its class or of a class that it extends that does so too. */
export function doubledClients(program: Program, file: File): readonly Doubled[] {
  if (!MENTIONED.test(file.text)) return []
  return file.calls.flatMap((call) => {
    if (!CLIENTS.test(call.name) || !isOfLibrary(file, call) || isTold(file, call)) return []
    const around = loopAround(program, file, call)
    return around ? [{ client: call, ...around }] : []
  })
}

function isOfLibrary(file: File, call: Call): boolean {
  const root = dotted(call.callee).split(".", 1)[0]!
  const link = file.importOf(root)
  if (link) return MODULES.test(link.module)
  return file.language === "python" && new RegExp(`import ${root}\\b`).test(file.text)
}

/** `max_retries=0`, `{ maxRetries: 0 }`, also in what is spread into the call. */
function isTold(file: File, call: Call): boolean {
  if (/max_?retries/i.test(file.textOf(call))) return true
  const isGiven = call.args.some(
    (arg) => arg.kind === "spread" || (arg.kind === "name" && !/key|client/i.test(arg.name)),
  )
  if (!isGiven) return false
  const method = file.methodOf(call)
  return !method || /max_?retries/i.test(file.textOf(method)) || !isMadeHere(file, call)
}

/** What is spread is made in the same function: all of it can be seen. */
function isMadeHere(file: File, call: Call): boolean {
  return call.args.every((arg) => {
    const value = arg.kind === "spread" ? arg.value : arg
    if (arg.kind !== "spread" || value.kind !== "name") return arg.kind !== "spread"
    return file
      .assignmentsTo(value.name)
      .some((one) => one.value?.kind === "object" && one.end < call.start)
  })
}

/** A loop that waits and tries again what goes through the client. */
function loopAround(
  program: Program,
  file: File,
  client: Call,
): { readonly wait: Call; readonly file: File } | null {
  const holder = file.parentOf(client)
  const target = holder?.kind === "assign" ? holder.targets[0] : undefined
  const name = target && (target.kind === "member" || target.kind === "name") ? target.name : null
  if (name === null) return null
  const own = file.classOf(client)
  const inOwn = retryIn(program, file, own, (node) => usesClient(file, own, node, name))
  if (inOwn) return { wait: inOwn, file }
  for (const base of own?.bases ?? [])
    for (const ref of program.classesNamed(base.split(".").at(-1)!).slice(0, 3)) {
      const from = program.file(ref.source.path)
      const found = from?.classes.find((one) => one.name === ref.name)
      if (!from || !found) continue
      const wait = retryIn(program, from, found, (node) => callsSelf(node))
      if (wait) return { wait, file: from }
    }
  return null
}

/** The wait of a retry in a class, or in a file outside of classes, whose round does something. */
function retryIn(
  program: Program,
  file: File,
  within: Class | null,
  does: (round: Node) => boolean,
): Call | null {
  for (const wait of waitsOf(program, file)) {
    if (within && (wait.call.start < within.start || wait.call.end > within.end)) continue
    const { purpose, around } = roundOf(program, file, wait)
    if (purpose === "retry" && around?.kind === "loop" && does(around.body)) return wait.call
  }
  return null
}

/** The round calls something of the client, or a method of the class that does. */
function usesClient(file: File, own: Class | null, round: Node, name: string): boolean {
  const through = new RegExp(`\\b${name.replaceAll("$", "\\$")}\\.`)
  const isMethod = new Set(
    (own?.methods ?? []).filter((one) => through.test(file.textOf(one))).map((one) => one.name),
  )
  let found = false
  walk(round, (node) => {
    if (node.kind === "call")
      found ||=
        through.test(`${dotted(node.callee)}.`) && dotted(node.callee).includes(`${name}.`)
          ? true
          : isSelfCall(node) && isMethod.has(node.name)
    return !found
  })
  return found
}

function isSelfCall({ callee }: Call): boolean {
  return (
    callee.kind === "member" &&
    callee.object.kind === "name" &&
    /^(?:self|this)$/.test(callee.object.name)
  )
}

function callsSelf(round: Node): boolean {
  let found = false
  walk(round, (node) => {
    if (node.kind === "call") found ||= isSelfCall(node) && !/log|emit|sleep|wait/i.test(node.name)
    return !found
  })
  return found
}
