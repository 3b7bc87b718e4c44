import { DroverError } from "../errors/index.ts"

/** A value that JSON carries without loss. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined }

/** The largest payload unless configured otherwise: 1 MiB of UTF-8. */
export const defaultPayloadLimit: number = 1_048_576

/** How deep a payload may nest. Far below what any JSON parser or database refuses. */
export const maxPayloadDepth = 64

// What the walk has passed, written by depth: costs two stores per level and names the path of any fault.
interface Walk {
  readonly root: string
  readonly limit: number
  readonly keys: (string | number)[]
  readonly ancestors: object[]
  chars: number
  /** How many keys lead to what is being read. */
  at: number
}

// Beyond this length the native checks win over a loop in JavaScript.
const SHORT = 48
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

/**
 * Writes a value as JSON text that every store takes and gives back equal. Each property is read once, so
 * a getter cannot pass the check with one value and be stored with another.
 *
 * `undefined` properties are left out, as if they were absent; `-0` becomes `0`. Everything else that
 * would come back different is refused: NUL and lone surrogates (Postgres refuses them), BigInt, NaN,
 * Infinity, functions, symbols, class instances such as Date and Map, holes and `undefined` in arrays,
 * cycles, `__proto__` keys, nesting beyond 64 levels.
 * @param name what the value is called in messages: `"input"`, `"result"`.
 * @param limitBytes largest size in bytes of UTF-8.
 * @throws DroverError `DROVER_PAYLOAD_INVALID` naming the path, or `DROVER_PAYLOAD_TOO_LARGE`.
 */
export function encodePayload(
  value: unknown,
  name: string,
  limitBytes: number = defaultPayloadLimit,
): string {
  const walk: Walk = { root: name, limit: limitBytes, keys: [], ancestors: [], chars: 0, at: 0 }
  const text = encodeGuarded(value, walk)
  // One UTF-16 unit is one to three bytes: only texts near the limit need to be counted.
  if (text.length * 3 > limitBytes) {
    const bytes = Buffer.byteLength(text)
    if (bytes > limitBytes) throw tooLarge(walk, bytes)
  }
  return text
}

/**
 * Reads a stored JSON text. Keys named `__proto__`, which only a hand-edited row can hold, are dropped, so
 * that code that copies the value cannot change a prototype.
 * @throws DroverError `DROVER_PAYLOAD_INVALID` when the text is not JSON.
 */
export function decodePayload(text: string, name: string): unknown {
  try {
    return mayHoldProto(text) ? JSON.parse(text, dropProto) : JSON.parse(text)
  } catch (error) {
    throw new DroverError("DROVER_PAYLOAD_INVALID", `${name}: the stored text is not JSON`, {
      cause: error,
      details: { name },
    })
  }
}

function mayHoldProto(text: string): boolean {
  // "_" can also be written as an escape.
  return text.includes("__proto__") || text.includes("\\u005")
}

function dropProto(this: unknown, key: string, value: unknown): unknown {
  return key === "__proto__" ? undefined : value
}

function encodeGuarded(value: unknown, walk: Walk): string {
  try {
    return encode(value, walk, 0)
  } catch (error) {
    if (error instanceof DroverError) throw error
    // A getter or a proxy trap.
    return refuse(walk, walk.at, "reading it threw an error", error)
  }
}

function encode(value: unknown, walk: Walk, depth: number): string {
  switch (typeof value) {
    case "string":
      return encodeText(value, walk, depth)
    case "number":
      // `${-0}` is "0".
      return Number.isFinite(value)
        ? `${value}`
        : refuse(walk, depth, `${value} is not a JSON number`)
    case "boolean":
      return value ? "true" : "false"
    case "object":
      if (value === null) return "null"
      return encodeObject(value, walk, depth)
    case "bigint":
      return refuse(walk, depth, "a BigInt is not JSON; convert it to a string")
    case "undefined":
      return refuse(walk, depth, "undefined is not JSON; use null")
    case "function":
    case "symbol":
  }
  return refuse(walk, depth, `a ${typeof value} is not JSON`)
}

function encodeText(text: string, walk: Walk, depth: number): string {
  walk.chars += text.length
  if (walk.chars > walk.limit) throw tooLarge(walk, walk.chars)
  if (text.length <= SHORT && isPlain(text)) return `"${text}"`
  if (text.includes("\0")) refuse(walk, depth, "the text holds a NUL character")
  if (!text.isWellFormed()) refuse(walk, depth, "the text holds half of a surrogate pair")
  return JSON.stringify(text)
}

// Nothing that needs escaping or a closer look.
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code === 0x22 || code === 0x5c || code >= 0xd800) return false
  }
  return true
}

function encodeObject(value: object, walk: Walk, depth: number): string {
  if (depth >= maxPayloadDepth) return refuse(walk, depth, tooDeep(value, walk))
  walk.ancestors[depth] = value
  walk.at = depth
  const prototype = Object.getPrototypeOf(value) as object | null
  if (Array.isArray(value)) {
    if (!isRoot(prototype, Array.prototype)) return refuse(walk, depth, describeClass(value))
    return encodeArray(value, walk, depth)
  }
  if (!isRoot(prototype, Object.prototype)) return refuse(walk, depth, describeClass(value))
  return encodeRecord(value as Record<string, unknown>, walk, depth)
}

function encodeArray(value: readonly unknown[], walk: Walk, depth: number): string {
  const { length } = value
  walk.chars += length + 2
  if (walk.chars > walk.limit) throw tooLarge(walk, walk.chars)
  let text = "["
  for (let i = 0; i < length; i++) {
    walk.keys[depth] = i
    walk.at = depth + 1
    const item = encode(value[i], walk, depth + 1)
    text += i === 0 ? item : `,${item}`
  }
  return `${text}]`
}

function encodeRecord(value: Record<string, unknown>, walk: Walk, depth: number): string {
  let text = ""
  for (const key of Object.keys(value)) {
    walk.keys[depth] = key
    walk.at = depth + 1
    const item = value[key]
    if (item === undefined) continue
    if (key === "__proto__") refuse(walk, depth + 1, "a key named __proto__ is not allowed")
    walk.chars += 4
    text += `${text === "" ? "{" : ","}${encodeText(key, walk, depth + 1)}:${encode(item, walk, depth + 1)}`
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    refuse(walk, depth, "a key that is a symbol is not JSON")
  }
  return text === "" ? "{}" : `${text}}`
}

// Plain objects and arrays of another realm (a vm context, a worker) count as plain too.
function isRoot(prototype: object | null, own: object): boolean {
  if (prototype === own) return true
  if (prototype === null) return own === Object.prototype
  if (own === Array.prototype)
    return Array.isArray(prototype) && prototype !== own && isForeign(prototype)
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf")
}

function isForeign(prototype: object): boolean {
  return Object.hasOwn(prototype, "concat") && Object.hasOwn(prototype, "constructor")
}

function tooDeep(value: object, walk: Walk): string {
  return walk.ancestors.includes(value)
    ? "the value contains itself"
    : `the value nests deeper than ${maxPayloadDepth} levels`
}

function describeClass(value: object): string {
  if (value instanceof Date) return "a Date is not JSON; use toISOString() or getTime()"
  if (value instanceof Map) return "a Map is not JSON; use Object.fromEntries(map)"
  if (value instanceof Set) return "a Set is not JSON; use an array"
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name
  const what =
    typeof name === "string" && IDENTIFIER.test(name) ? `an instance of ${name}` : "this object"
  return `${what} is not JSON; use a plain object`
}

function refuse(walk: Walk, depth: number, problem: string, cause?: unknown): never {
  const path = pathOf(walk, depth)
  throw new DroverError("DROVER_PAYLOAD_INVALID", `${path}: ${problem}`, {
    details: { path },
    ...(cause === undefined ? {} : { cause }),
  })
}

function tooLarge(walk: Walk, bytes: number): DroverError {
  return new DroverError(
    "DROVER_PAYLOAD_TOO_LARGE",
    `${walk.root}: more than ${walk.limit} bytes of JSON (at least ${bytes}); store the data elsewhere and pass a reference, or raise payloadLimit`,
    { details: { name: walk.root, limit: walk.limit, bytes } },
  )
}

// "input.items[3].price"
function pathOf(walk: Walk, depth: number): string {
  let path = walk.root
  for (let i = 0; i < depth && i < walk.keys.length; i++) {
    const key = walk.keys[i]!
    if (typeof key === "number") path += `[${key}]`
    else if (IDENTIFIER.test(key) && key.length <= 80) path += `.${key}`
    else path += `[${JSON.stringify(key.slice(0, 80).toWellFormed())}]`
  }
  return path
}
