/** Retries that libraries of JavaScript carry out: p-retry, retry, exponential-backoff, RxJS, TanStack Query, clients of stores. */
import type { Call, Entry, Func, Node, Obj } from "../../../ir/nodes.ts"
import { walk } from "../../../ir/children.ts"
import { definitionsOf } from "../../program/definitions.ts"
import { isEntropic } from "../../program/entropy.ts"
import type { File } from "../../program/file.ts"
import { dotted, positional } from "../../program/names.ts"
import type { Program } from "../../program/program.ts"
import { originOf, type Policy } from "./policy.ts"

const LIBRARIES =
  /p-retry|promise-retry|async-retry|['"]retry['"]|exponential-backoff|rxjs|react-query|tanstack|retryStrategy|reconnectStrategy|retryDelay|retry_strategy/i

interface Kind {
  readonly origin: RegExp
  /** Where the options stand. */
  readonly options: number
  readonly key: string
  /** What the key has to say for the delays to be spread. */
  readonly spread: (value: Node) => boolean
  /** Whether it is spread where nothing is said. */
  readonly byDefault: boolean
}

const isOn = (value: Node): boolean => !(value.kind === "bool" && !value.value)

const KINDS: readonly Kind[] = [
  { origin: /^p-retry$/, options: 1, key: "randomize", spread: isOn, byDefault: false },
  { origin: /^promise-retry$/, options: 0, key: "randomize", spread: isOn, byDefault: false },
  { origin: /^retry\.operation$/, options: 0, key: "randomize", spread: isOn, byDefault: false },
  { origin: /^async-retry$/, options: 1, key: "randomize", spread: isOn, byDefault: true },
  {
    origin: /^exponential-backoff\.backOff$/,
    options: 1,
    key: "jitter",
    spread: (value) => !(value.kind === "string" && value.value === "none"),
    byDefault: false,
  },
]

/** Options of clients that take a function from the number of attempts to a delay, or a delay. */
const DELAY_KEYS =
  /^(?:retryDelay|retryStrategy|retry_strategy|clusterRetryStrategy|sentinelRetryStrategy|reconnectStrategy|reconnectOnErrorDelay)$/

export function policiesOfScript(program: Program, file: File): readonly Policy[] {
  if (!LIBRARIES.test(file.text)) return []
  const found: Policy[] = []
  for (const call of file.calls) {
    const one = ofLibrary(program, file, call) ?? ofRxjs(program, file, call)
    if (one) found.push(one)
  }
  for (const object of file.objects)
    for (const entry of object.entries) {
      const one = ofEntry(program, file, object, entry)
      if (one) found.push(one)
    }
  return found
}

function ofLibrary(program: Program, file: File, call: Call): Policy | null {
  const origin = originOf(file, call.callee)
  const kind = origin === null ? undefined : KINDS.find((one) => one.origin.test(origin))
  if (!kind) return null
  if (call.args.length < kind.options) return null
  const given = positional(call)[kind.options]
  const options = given ? objectOf(program, file, given) : null
  // Options that cannot be seen may hold anything.
  if (given && !options && given.kind !== "lambda") return null
  if (options?.entries.some((one) => one.key === null)) return null
  const value = options?.entries.find((one) => one.key === kind.key)?.value
  if (value ? kind.spread(value) : kind.byDefault) return null
  if (options && isWithoutWait(options)) return null
  return {
    at: value ?? call,
    who: `\`${dotted(call.callee)}\``,
    why: value
      ? "its jitter is switched off"
      : "it does not spread its delays unless it is told to",
    missing: `${kind.key} is not switched on`,
  }
}

function objectOf(program: Program, file: File, node: Node): Obj | null {
  if (node.kind === "object") return node
  const values = definitionsOf(program, file, node).flatMap((one) => one.value ?? [])
  const [only] = values
  return values.length === 1 && only?.kind === "object" ? only : null
}

/** No second attempt, no delay, or a delay that is drawn by the caller. */
function isWithoutWait(options: Obj): boolean {
  return options.entries.some(
    ({ key, value }) =>
      (/^(?:retries|minTimeout|startingDelay)$/.test(key ?? "") &&
        value.kind === "number" &&
        value.value === 0) ||
      (key === "numOfAttempts" && value.kind === "number" && value.value <= 1) ||
      (/^(?:minTimeout|startingDelay)$/.test(key ?? "") &&
        value.kind !== "number" &&
        value.kind !== "name" &&
        value.kind !== "member"),
  )
}

/** `retry({ count: 3, delay: 1000 })`, `retryWhen((errors) => errors.pipe(delay(1000)))`. */
function ofRxjs(program: Program, file: File, call: Call): Policy | null {
  if (!/^retry(?:When|Backoff)?$/.test(call.name)) return null
  const origin = originOf(file, call.callee)
  if (origin === null || !/^(?:rxjs|backoff-rxjs)\b/.test(origin)) return null
  const [first] = call.args
  const delay =
    call.name === "retryWhen"
      ? first
      : call.name === "retryBackoff"
        ? call
        : first?.kind === "object"
          ? first.entries.find((one) => one.key === "delay")?.value
          : undefined
  if (!delay || (delay.kind === "number" && delay.value === 0)) return null
  const timed = call.name === "retryWhen" || delay.kind === "lambda" ? timerIn(delay) : delay
  if (!timed || isEntropic(program, file, timed) || isEntropic(program, file, delay)) return null
  if (SERVER_SAYS.test(file.textOf(call))) return null
  return {
    at: timed,
    who: `RxJS's ${call.name}`,
    why: "the delay depends on nothing but the number of attempts",
    missing: "no random source flows into the delay",
  }
}

const SERVER_SAYS = /retry[-_]?after/i

/** What a stream of failures is held up by: `timer(n)`, `delay(n)`. */
function timerIn(node: Node): Node | null {
  let found: Node | null = null
  walk(node, (one) => {
    if (one.kind === "call" && /^(?:timer|delay|interval)$/.test(one.name) && one.args[0])
      found ??= one.args[0]
    return found === null
  })
  return found
}

/** `retryStrategy: (times) => 1000`, TanStack's `retryDelay: 1000`; growth is found as a backoff of one's own. */
function ofEntry(program: Program, file: File, object: Obj, { key, value }: Entry): Policy | null {
  if (key === null || !DELAY_KEYS.test(key)) return null
  const delay = value.kind === "lambda" ? constantOf(program, file, value.fn) : value
  if (delay?.kind !== "number" || delay.value < 50) return null
  if (value.kind === "number" && !isOfQuery(file, object)) return null
  return {
    at: delay,
    who: `\`${key}\``,
    why: "every client waits equally long",
    missing: "no random source flows into the delay",
  }
}

/** A number is only then what is waited for when a library waits that is known to take it as it is. */
function isOfQuery(file: File, object: Obj): boolean {
  if (!file.unit.imports.some((one) => /^(?:@tanstack\/.*query|react-query)$/.test(one.module)))
    return false
  for (const outer of file.ancestorsOf(object)) {
    if (outer.kind === "call")
      return /^(?:use\w*(?:Query|Queries|Mutation)|QueryClient|queryOptions|fetchQuery|prefetchQuery|ensureQueryData)$/.test(
        outer.name,
      )
    if (outer.kind === "block") return false
  }
  return false
}

/** The number that every way through a function that waits comes back with. */
function constantOf(program: Program, file: File, fn: Func): Node | null {
  let found: Node | null = null
  let isOther = false
  if (!fn.body) return null
  walk(fn.body, (node) => {
    if (node.kind === "function") return false
    if (node.kind !== "return" || !node.value) return undefined
    const { value } = node
    if (value.kind === "number") found ??= value
    // Giving up, or an error in place of a delay.
    else if (!/^(?:null|bool|call)$/.test(value.kind) || isEntropic(program, file, value))
      isOther = true
    return undefined
  })
  return isOther ? null : found
}
