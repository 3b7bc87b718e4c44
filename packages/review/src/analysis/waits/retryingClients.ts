/** Clients of services that try again by themselves unless they are told not to, and what tries again around them. */
import type { Annotation, Call, Class, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import type { File } from "../program/file.ts"
import { dotted, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall, resolveFunction } from "../program/resolve.ts"
import { roundOf } from "./retries.ts"
import { waitsOf } from "./waits.ts"
import { countedAttempts, countedWithin, pathToLoop } from "./ways.ts"

/** Functions of libraries that try again what they are given. */
export const RETRYING =
  /^(?:pRetry|p_retry|retry|withRetry|withRetries|with_retries|retryAsync|asyncRetry|backOff|retryWhen|Retry|RetryNotify|retry_call|RetryWithData|executeWithRetry|executeSupplier)$/

/** Decorators and annotations that make a function try again. */
export const ANNOTATIONS =
  /^(?:tenacity\.)?retry(?:ing)?$|^backoff\.on_(?:exception|predicate)$|(?:^|\.)Retryable$|(?:^|\.)Retry$/

export interface Doubled {
  /** Where the client is made. */
  readonly client: Call
  /** What tries again around it: the wait of a loop, the call of a function that does, an annotation. */
  readonly again: Call | Annotation
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
    const around = loopAround(program, file, call) ?? retrierAround(program, file, call)
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
function loopAround(program: Program, file: File, client: Call): Omit<Doubled, "client"> | null {
  const name = nameOf(file, client)
  if (name === null) return null
  const own = file.classOf(client)
  const inOwn = retryIn(program, file, own, (node) => usesClient(file, own, node, name))
  if (inOwn) return { again: inOwn, file }
  for (const base of own?.bases ?? [])
    for (const ref of program.classesNamed(base.split(".").at(-1)!).slice(0, 3)) {
      const from = program.file(ref.source.path)
      const found = from?.classes.find((one) => one.name === ref.name)
      if (!from || !found) continue
      const wait = retryIn(program, from, found, (node) => callsSelf(node))
      if (wait) return { again: wait, file: from }
    }
  return null
}

/** The variable or the field that a client is put into. */
function nameOf(file: File, client: Call): string | null {
  for (const outer of file.ancestorsOf(client)) {
    if (outer.kind === "assign") {
      const [target] = outer.targets
      return target?.kind === "member" || target?.kind === "name" ? target.name : null
    }
    // `self.client = client or OpenAI(…)`
    if (outer.kind !== "binary" && outer.kind !== "conditional") return null
  }
  return null
}

/** A function that tries again what it is given, or a method that is made to try again, with the client in it. */
function retrierAround(program: Program, file: File, client: Call): Omit<Doubled, "client"> | null {
  const name = nameOf(file, client)
  if (name === null) return null
  const own = file.classOf(client)
  const within = (node: Node): boolean =>
    own === null || (node.start >= own.start && node.end <= own.end)
  const uses = new RegExp(`\\b${name.replaceAll("$", "\\$")}\\.`)
  for (const method of own?.methods ?? []) {
    const annotation = method.annotations.find((one) => ANNOTATIONS.test(one.name))
    if (annotation && uses.test(file.textOf(method))) return { again: annotation, file }
  }
  const again = file.calls.find(
    (call) =>
      within(call) &&
      call.args.some((arg) => textsOf(program, file, arg).some((text) => uses.test(text))) &&
      triesAgain(program, file, call),
  )
  return again ? { again, file } : null
}

/** The text of a function that is given to a call, and of the functions of the file that it names. */
function textsOf(program: Program, file: File, arg: Node, steps = 2): string[] {
  if (arg.kind !== "lambda" && arg.kind !== "name" && arg.kind !== "member") return []
  return resolveFunction(program, file, arg).flatMap(({ file: at, fn }) => {
    if (at !== file) return []
    const named: string[] = []
    if (steps > 1)
      for (const call of file.calls)
        if (call.start >= fn.start && call.end <= fn.end)
          named.push(
            ...[call.callee, ...call.args].flatMap((one) => textsOf(program, file, one, steps - 1)),
          )
    return [file.textOf(fn), ...named]
  })
}

/** Whether the function behind a call runs one of its parameters in a loop of attempts, or is one of a library. */
function triesAgain(program: Program, file: File, call: Call): boolean {
  if (!wordsOf(call.name).some((word) => /^(?:retry|retries|retrying|attempts?)$/.test(word)))
    return false
  const targets = resolveCall(program, file, call)
  if (targets.length === 0) return RETRYING.test(call.name)
  return targets.some(({ file: at, fn }) =>
    at.calls.some((one) => {
      if (one.start < fn.start || one.end > fn.end || one.callee.kind !== "name") return false
      const { name } = one.callee
      const loop = pathToLoop(at, one).loop
      return (
        fn.params.some((param) => param.name === name) &&
        loop !== null &&
        (countedAttempts(loop) ?? countedWithin(loop)) !== null
      )
    }),
  )
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
