/**
 * A compact form of the intermediate tree for threads and the cache: about a tenth of its JSON. Objects of one shape
 * (the same keys in the same order, the same kind) share one description, strings stand in a table, and a place is
 * told by its distance from the place before. It knows no kind of node by name, so that new fields need no change here.
 */
import type { SourceUnit } from "../ir/nodes.ts"
import { PARENT_KEY } from "../ir/parents.ts"
import { isPlaceKey, shapeOf, type Shape } from "./shapes.ts"

const NULL = 0
const TRUE = 1
const FALSE = 2
const WHOLE = 3
const FLOAT = 4
const STRING = 5
const LIST = 6
/** Tags from here on are shapes. */
const SHAPES = 7
/** This tag is followed by the number of the shape. */
const MORE_SHAPES = 255

/** What the bytes begin with, as JSON. */
interface Table {
  readonly strings: readonly string[]
  /** The kind and the keys of each, as numbers of strings; -1 for no kind. */
  readonly shapes: readonly (readonly number[])[]
}

/** The unit as bytes. */
export function encodeUnit(unit: SourceUnit): Uint8Array {
  return new Encoder().encode(unit)
}

/**
 * The unit of bytes that encodeUnit made.
 * @throws RangeError when they are something else
 */
export function decodeUnit(bytes: Uint8Array): SourceUnit {
  return new Decoder(bytes).decode() as SourceUnit
}

class Encoder {
  #bytes = Buffer.allocUnsafe(16_384)
  #length = 0
  #place = 0
  readonly #strings = new Map<string, number>()
  /** In the order of their numbers. */
  readonly #shapes = new Map<Shape, number>()

  encode(value: unknown): Uint8Array {
    this.#value(value)
    // Names of kinds and keys are strings of the table too: written out in every shape they were a fifth of all bytes.
    const shapes = Array.from(this.#shapes.keys(), ({ kind, keys }) =>
      [kind, ...keys].map((name) => (name === null ? -1 : indexIn(this.#strings, name))),
    )
    const table: Table = { strings: [...this.#strings.keys()], shapes }
    const head = Buffer.from(JSON.stringify(table), "utf8")
    const whole = new Uint8Array(4 + head.length + this.#length)
    new DataView(whole.buffer).setUint32(0, head.length)
    whole.set(head, 4)
    whole.set(this.#bytes.subarray(0, this.#length), 4 + head.length)
    return whole
  }

  #value(value: unknown): void {
    if (value === null || value === undefined) this.#byte(NULL)
    else if (value === true) this.#byte(TRUE)
    else if (value === false) this.#byte(FALSE)
    else if (typeof value === "number") this.#number(value)
    else if (typeof value === "string") {
      this.#byte(STRING)
      this.#varint(indexIn(this.#strings, value))
    } else if (Array.isArray(value)) {
      this.#byte(LIST)
      this.#varint(value.length)
      for (const item of value) this.#value(item)
    } else this.#object(value as Record<string, unknown>)
  }

  #number(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value < 2 ** 31 && !Object.is(value, -0)) {
      this.#byte(WHOLE)
      this.#varint(value)
      return
    }
    this.#byte(FLOAT)
    this.#room(8)
    this.#bytes.writeDoubleLE(value, this.#length)
    this.#length += 8
  }

  #object(value: Record<string, unknown>): void {
    const shape = shapeOf(value)
    const { kind, keys, places } = shape
    const number = this.#numberOf(shape)
    if (SHAPES + number < MORE_SHAPES) this.#byte(SHAPES + number)
    else {
      this.#byte(MORE_SHAPES)
      this.#varint(number)
    }
    for (let i = 0; i < keys.length; i++) {
      const field = value[keys[i]!]
      if (!places[i]!) this.#value(field)
      else if (Number.isInteger(field)) this.#distance(field as number)
      else throw new RangeError(`${keys[i]!} of ${kind ?? "an object"} is no offset`)
    }
  }

  #numberOf(shape: Shape): number {
    let number = this.#shapes.get(shape)
    if (number === undefined) this.#shapes.set(shape, (number = this.#shapes.size))
    return number
  }

  /** Zigzag: small distances in both directions are small numbers. */
  #distance(place: number): void {
    const distance = place - this.#place
    this.#place = place
    this.#varint(distance >= 0 ? distance * 2 : -distance * 2 - 1)
  }

  #varint(value: number): void {
    this.#room(5)
    let rest = value
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest & 127) | 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
  }

  #byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#length++] = value
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(this.#bytes.length * 2)
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

/** What objects of one shape are made from. */
interface Mould {
  readonly keys: readonly string[]
  /** Whether each key is a place. */
  readonly places: readonly boolean[]
  /** Has all keys and the kind. */
  readonly empty: Readonly<Record<string, unknown>>
}

/** Shapes are much the same in all files. */
const moulds = new Map<string, Mould>()
/** Files of other sources than this program's own are not remembered for ever. */
const MAX_MOULDS = 10_000

function mouldOf([kind, ...names]: readonly (string | null)[]): Mould {
  const name = JSON.stringify([kind, names])
  let mould = moulds.get(name)
  if (!mould) {
    const keys = names.map((key) => key ?? "")
    const fields = keys.map((key): [string, unknown] => [key, null])
    // Parsed, because an object that grows key by key keeps most of them apart.
    const isNode = typeof kind === "string"
    const empty = JSON.parse(
      `{${[...(isNode ? [["kind", kind]] : []), ...fields, ...(isNode ? [[PARENT_KEY, null]] : [])]
        .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
        .join()}}`,
    ) as Record<string, unknown>
    // There is room for the link, and none yet.
    if (isNode) empty[PARENT_KEY] = undefined
    mould = { keys, places: keys.map(isPlaceKey), empty }
    if (moulds.size < MAX_MOULDS) moulds.set(name, mould)
  }
  return mould
}

const NOTHING: unknown[] = []

class Decoder {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #strings: readonly string[]
  readonly #shapes: readonly Mould[]
  #at: number
  #place = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const length = this.#view.getUint32(0)
    const head = Buffer.from(bytes.buffer, bytes.byteOffset + 4, length).toString("utf8")
    const { strings, shapes } = JSON.parse(head) as Table
    this.#strings = strings
    this.#shapes = shapes.map((numbers) =>
      mouldOf(numbers.map((one) => (one === -1 ? null : this.#known(strings, one)))),
    )
    this.#at = 4 + length
  }

  decode(): unknown {
    const value = this.#value()
    if (this.#at !== this.#bytes.length) throw new RangeError("bytes are left over")
    return value
  }

  #value(): unknown {
    const tag = this.#bytes[this.#at++]
    switch (tag) {
      case NULL:
        return null
      case TRUE:
        return true
      case FALSE:
        return false
      case WHOLE:
        return this.#varint()
      case FLOAT:
        this.#at += 8
        return this.#view.getFloat64(this.#at - 8, true)
      case STRING:
        return this.#known(this.#strings, this.#varint())
      case LIST:
        return this.#list()
      case undefined:
        throw new RangeError("the bytes end too early")
      default:
        return this.#object(tag === MORE_SHAPES ? this.#varint() : tag - SHAPES)
    }
  }

  #list(): unknown[] {
    const length = this.#varint()
    if (length > this.#bytes.length - this.#at)
      throw new RangeError("a list is longer than its bytes")
    // A list that grows has room for seventeen with its first item, and most lists are short. Nobody changes a tree.
    if (length === 0) return NOTHING
    if (length === 1) return [this.#value()]
    if (length === 2) return [this.#value(), this.#value()]
    // oxlint-disable-next-line unicorn/no-new-array -- One that has its length from the start.
    const items = new Array<unknown>(length)
    for (let i = 0; i < length; i++) items[i] = this.#value()
    return items
  }

  #object(number: number): Record<string, unknown> {
    const { keys, places, empty } = this.#known(this.#shapes, number)
    // A copy of what has all keys is a third smaller than what is given one key after the other.
    const object = { ...empty }
    for (let i = 0; i < keys.length; i++)
      object[keys[i]!] = places[i]! ? this.#distance() : this.#value()
    return object
  }

  #known<Item>(table: readonly Item[], at: number): Item {
    const item = table[at]
    if (item === undefined) throw new RangeError(`entry ${at} is not in the table`)
    return item
  }

  #distance(): number {
    const zigzag = this.#varint()
    this.#place += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    return this.#place
  }

  #varint(): number {
    let value = 0
    let factor = 1
    for (;;) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new RangeError("the bytes end too early")
      value += (byte & 127) * factor
      if (byte < 128) return value
      factor *= 128
    }
  }
}

function indexIn(table: Map<string, number>, value: string): number {
  const known = table.get(value)
  if (known !== undefined) return known
  table.set(value, table.size)
  return table.size - 1
}
