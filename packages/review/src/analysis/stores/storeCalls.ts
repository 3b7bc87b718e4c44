/**
 * Calls to a store of keys and values (Redis, memcached, a cache in front of them), whatever the client: setting a key
 * that must not exist, deleting, reading, writing, giving it an expiry.
 */
import type { Call, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { elementOf } from "../program/listElements.ts"
import { argNamed, dotted, receiverOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { typeOf } from "../program/resolve.ts"

export interface StoreCall {
  /** `claim` sets a key only when it does not exist. */
  readonly kind: "claim" | "delete" | "read" | "write" | "expire" | "script"
  readonly call: Call
  readonly key: Node
  /** What is written; null where it cannot be told. */
  readonly value: Node | null
  /** Whether the same call gives an expiry; null where it cannot be told. */
  readonly expires: boolean | null
}

const CLAIM =
  /^(?:set_?nx|setnxex|set_?if_?(?:absent|not_?exists?)|trySet|trySetAsync|setIfAbsentAsync|setNxEx|putIfAbsent)$/i
const DELETE =
  /^(?:del|unlink|delete|remove|evict|del_?key|delete_?key|remove_?key|delete_many|delAsync|unlinkAsync|deleteAsync)$/i
const READ = /^(?:get|exists|hasKey|getAsync|get_?string|get_?value|has|getBucket)$/i
const EXPIRE =
  /^(?:p?expire(?:_?at)?|expireAsync|pexpireAsync|set_?(?:expire|ttl|expiry|expiration))$/i
const COMMAND =
  /^(?:do|docontext|execute_command|executecommand|sendcommand|send_command|call|send|command|rawcommand)$/i
const SCRIPT = /^(?:eval|evalsha|evalro|run|runro|execute|evalAsync|evalshaAsync)$/i

/** Words of what keys are kept in; anything may be called `get`. */
const STORE_WORDS = new Set(
  "redis rdb jedis lettuce valkey upstash keydb cache caches memcache memcached mc client clients cli conn connection kv store storage backend template ops commands pool db r rc c service util utils sync async pipe pipeline multi tx stringredistemplate redistemplate api driver".split(
    " ",
  ),
)

const KINDS = Symbol("calls to stores")

/** Every such call of a file, in the order of the text. */
export function storeCallsOf(program: Program, file: File): readonly StoreCall[] {
  return program.memo<File, readonly StoreCall[]>(KINDS, file, [], () =>
    file.calls.flatMap((call) => classified(program, file, call) ?? []),
  )
}

/** Headers and parameters of a request are its own, whatever the name of what serves it. */
const OF_REQUEST =
  /(?:^|\.)(?:\w*[hH]eaders?|[cC]ookies|[qQ]uery|[sS]earchParams|[fF]ormData)(?:\(\))?$/

function classified(program: Program, file: File, call: Call): StoreCall | null {
  const keys = argNamed(call, "keys")
  if (keys) return { kind: "script", call, key: keys, value: null, expires: null }
  const receiver = receiverOf(call)
  if (!receiver || OF_REQUEST.test(dotted(receiver))) return null
  if (/^(?:Nx|Key)$/.test(call.name)) return built(file, call)
  const args = argumentsOf(call)
  const scripted = SCRIPT.test(call.name) ? keyOfScript(args) : null
  if (scripted) return { kind: "script", call, key: scripted, value: null, expires: null }
  const first = args[0] ?? argNamed(call, "name", "key")
  if (!first) return null
  if (COMMAND.test(call.name)) {
    const flat = first.kind === "list" ? first.items : args
    if (flat[0]?.kind === "string") return commanded(call, flat[0].value, flat.slice(1))
    return null
  }
  const { name } = call
  if (CLAIM.test(name)) return claimed(program, file, call, args)
  if (!isStore(receiver) && !isOfStoreType(program, file, call, receiver)) return null
  if (/^set(?:_?args|Async)?$/i.test(name)) return written(program, file, call, args, first)
  if (/^add(?:Async)?$/i.test(name)) return added(call, args)
  const plain = { call, key: first, value: null, expires: null }
  // `del(...keys)`: each is a key of its own, and made alike.
  if (DELETE.test(name)) {
    const keys = first.kind === "spread" ? first.value : first
    return { kind: "delete", ...plain, key: elementOf(program, file, keys) ?? first }
  }
  if (EXPIRE.test(name)) return { kind: "expire", ...plain }
  if (READ.test(name)) return { kind: "read", ...plain }
  return null
}

/** `eval(script, 1, key, …)`, `eval(script, [key], …)`, `execute(script, List.of(key), token)`. */
function keyOfScript(args: readonly Node[]): Node | null {
  const count = args.findIndex((arg) => arg.kind === "number")
  if (count > 0) return args[count + 1] ?? null
  const isKeys = (arg: Node): boolean =>
    arg.kind === "list" || (arg.kind === "call" && LISTS.test(arg.name))
  return args.slice(0, 3).find(isKeys) ?? null
}

const LISTS = /^(?:of|asList|listOf|singletonList|singleton|arrayOf|newArrayList)$/

/** Positional arguments without Go's context. */
function argumentsOf(call: Call): Node[] {
  const args = call.args.filter((arg) => arg.kind !== "named")
  const [first] = args
  return first && args.length > 1 && isContext(first) ? args.slice(1) : args
}

function isContext(node: Node): boolean {
  const name = dotted(node)
  return /(?:^|\.)(?:\w*[cC]tx|context)$|^context\.\w+\(\)$|\.Context\(\)$|^\w*[cC]ontext\(\)$/.test(
    name,
  )
}

/** Whether an expression is called after a store. */
export function isStore(receiver: Node): boolean {
  return wordsOf(dotted(receiver)).some((word) => STORE_WORDS.has(word))
}

const STORE_TYPE = /Jedis|Redis|Valkey|Memcached/

/** `void release(Jedis j, …)`: what the name does not say, its type does. */
function isOfStoreType(program: Program, file: File, call: Call, receiver: Node): boolean {
  if (receiver.kind !== "name") return false
  const isNamed = [DELETE, READ, EXPIRE, /^(?:set|add)/i].some((one) => one.test(call.name))
  return isNamed && STORE_TYPE.test(typeOf(program, file, receiver, call) ?? "")
}

/** `SetNX(ctx, key, value, ttl)`, `setIfAbsent(key, value, ttl)`, `bucket.setIfAbsent(value, ttl)`. */
function claimed(
  program: Program,
  file: File,
  call: Call,
  args: readonly Node[],
): StoreCall | null {
  const bound = boundKey(program, file, receiverOf(call)!)
  const [key, value, ttl] = bound ? [bound, args[0], args[1]] : args
  if (!key || !value) return null
  // A map of one's own has no expiry to give.
  if (/^putIfAbsent$/i.test(call.name) && (args.length < 3 || !isStore(receiverOf(call)!)))
    return null
  const isZero = ttl?.kind === "number" && ttl.value === 0
  const named = argNamed(call, "ex", "px", "ttl", "timeout", "expire", "expiration") !== null
  return { kind: "claim", call, key, value, expires: named || (ttl !== undefined && !isZero) }
}

/** The key of `redisson.getBucket(key)` and `template.boundValueOps(key)`, also through a name. */
function boundKey(program: Program, file: File, receiver: Node): Node | null {
  const sources =
    receiver.kind === "call"
      ? [receiver]
      : definitionsOf(program, file, receiver).flatMap((one) => one.value ?? [])
  for (const source of sources) {
    if (source.kind === "call" && /^(?:getBucket|boundValueOps)$/.test(source.name)) {
      return source.args[0] ?? null
    }
  }
  return null
}

/** SET, with or without NX among its options. */
function written(
  program: Program,
  file: File,
  call: Call,
  args: readonly Node[],
  key: Node,
): StoreCall | null {
  const value = args[1] ?? argNamed(call, "value")
  if (!value) return null
  const options = [...args.slice(2), ...call.args.filter((arg) => arg.kind === "named")].flatMap(
    (arg) => [arg, ...followed(program, file, arg)],
  )
  const isClaim = options.some((option) => says(option, NX))
  const expires = options.some((option) => says(option, TTL) || isDuration(option))
  return { kind: isClaim ? "claim" : "write", call, key, value, expires }
}

function followed(program: Program, file: File, node: Node): Node[] {
  if (node.kind !== "name") return []
  return definitionsOf(program, file, node).flatMap((one) => (one.value ? [one.value] : []))
}

const NX = /^(?:nx|set_if_absent|ifAbsent|setIfAbsent|if_?not_?exists?)$/i
const TTL = /^(?:[ep]x(?:at|seconds|milliseconds)?|ttl|expiration|expire|timeout|px_?ms)$/i

/** Whether an option, or anything within it, names one of some words and does not switch it off. */
function says(option: Node, words: RegExp): boolean {
  let found = false
  walk(option, (node) => {
    if (node.kind === "string" && words.test(node.value)) found = true
    if ((node.kind === "member" || node.kind === "name") && words.test(node.name)) found = true
    if (node.kind === "named" && words.test(node.name)) found ||= isOn(node.value)
    if (node.kind === "object") {
      found ||= node.entries.some(
        (entry) => entry.key !== null && words.test(entry.key) && isOn(entry.value),
      )
    }
    return !found && node.kind !== "named"
  })
  return found
}

function isOn(value: Node): boolean {
  return !(value.kind === "bool" && !value.value) && value.kind !== "null"
}

/** A third argument that is a time: `set(key, value, 30 * time.Second)`, `set(key, value, Duration.ofSeconds(30))`. */
function isDuration(option: Node): boolean {
  if (option.kind === "number") return option.value > 0
  return /^(?:time|Duration|TimeUnit|timedelta)\b/.test(dotted(option)) || option.kind === "binary"
}

/** memcached's and Django's `add`, which says whether the key was free. */
function added(call: Call, args: readonly Node[]): StoreCall | null {
  const receiver = receiverOf(call)!
  const isCache = wordsOf(dotted(receiver)).some((word) =>
    /^(?:caches?|memcached?|mc|memcacheclient)$/.test(word),
  )
  const item = args[0]?.kind === "unary" ? args[0].operand : args[0]
  if (item?.kind === "object" && item.type?.endsWith("Item")) {
    const part = (name: string) => item.entries.find((entry) => entry.key === name)?.value ?? null
    const key = part("Key")
    return (
      key && {
        kind: "claim",
        call,
        key,
        value: part("Value"),
        expires: part("Expiration") !== null,
      }
    )
  }
  const [key, second, third] = args
  if (!isCache || !key || !second) return null
  // spymemcached has the expiry in the middle.
  const value = third && second.kind === "number" && third.kind !== "number" ? third : second
  return { kind: "claim", call, key, value, expires: true }
}

/** A command by its name: `conn.Do("SET", key, value, "NX")`, `sendCommand(["DEL", key])`. */
function commanded(call: Call, command: string, args: readonly Node[]): StoreCall | null {
  const [key, value = null] = args
  if (!key) return null
  const options = args.slice(2)
  const plain = { call, key, value: null, expires: null }
  switch (command.toUpperCase()) {
    case "SETNX":
      return { kind: "claim", call, key, value, expires: false }
    case "SET":
      return {
        kind: options.some((one) => says(one, NX)) ? "claim" : "write",
        call,
        key,
        value,
        expires: options.some((one) => says(one, TTL)),
      }
    case "DEL":
    case "UNLINK":
      return { kind: "delete", ...plain }
    case "GET":
    case "EXISTS":
      return { kind: "read", ...plain }
    case "EXPIRE":
    case "PEXPIRE":
      return { kind: "expire", ...plain }
    default:
      return null
  }
}

/** rueidis builds commands: `c.B().Set().Key(k).Value(v).Nx().Px(ttl).Build()`, `c.B().Del().Key(k).Build()`. */
function built(file: File, call: Call): StoreCall | null {
  const chain = new Map<string, Node | null>()
  for (let at = receiverOf(call); at?.kind === "call"; at = receiverOf(at)) {
    chain.set(at.name, at.args[0] ?? null)
  }
  const [first] = call.args
  const plain = { value: null, expires: null }
  if (call.name === "Key") {
    if (!first) return null
    if (chain.has("Del") || chain.has("Unlink"))
      return { kind: "delete", call, key: first, ...plain }
    if (chain.has("Get") || chain.has("Exists")) return { kind: "read", call, key: first, ...plain }
    return chain.has("Expire") ? { kind: "expire", call, key: first, ...plain } : null
  }
  const key = chain.get("Key")
  if (!key || !chain.has("Set")) return null
  let expires = false
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind !== "member" && outer.kind !== "call") break
    if (outer.kind === "member" && /^[EP]x/.test(outer.name)) expires = true
  }
  return { kind: "claim", call, key, value: chain.get("Value") ?? null, expires }
}
