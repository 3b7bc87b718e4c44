/**
 * A compact form of the intermediate tree for threads and the cache: about a tenth of its JSON. Objects of one shape
 * (the same keys in the same order, the same kind) share one description, strings stand in a table, and a place is
 * told by its distance from the place before. It knows no kind of node by name, so that new fields need no change here.
 */
import type { SourceUnit } from "../ir/nodes.ts"

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

interface Shape {
  readonly kind: string | null
  readonly keys: readonly string[]
}

/** What the bytes begin with, as JSON. */
interface Table {
  readonly strings: readonly string[]
  /** The kind and the keys of each, as numbers of strings; -1 for no kind. */
  readonly shapes: readonly (readonly number[])[]
}

interface NumberedShape {
  readonly number: number
  readonly keys: readonly string[]
}

/** Where the kind and the keys of an object lead, one after the other: a name of them all would be made for each node. */
interface Step {
  readonly next: Map<string | null, Step>
  /** Of what has these keys and no more. */
  shape: NumberedShape | null
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
  /** The first steps to shapes. An object may have no kind, and a kind may be called "null". */
  readonly #kinds = new Map<string | null, Step>()
  readonly #shapeList: Shape[] = []

  encode(value: unknown): Uint8Array {
    this.#value(value)
    // Names of kinds and keys are strings of the table too: written out in every shape they were a fifth of all bytes.
    const shapes = this.#shapeList.map(({ kind, keys }) =>
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
    const kind = typeof value["kind"] === "string" ? value["kind"] : null
    let step = stepTo(this.#kinds, kind)
    for (const key of Object.keys(value)) {
      if (value[key] !== undefined && (key !== "kind" || kind === null))
        step = stepTo(step.next, key)
    }
    step.shape ??= this.#newShape(kind, value)
    const { number, keys } = step.shape
    if (SHAPES + number < MORE_SHAPES) this.#byte(SHAPES + number)
    else {
      this.#byte(MORE_SHAPES)
      this.#varint(number)
    }
    for (const key of keys) {
      const field = value[key]
      if (isPlaceKey(key) && Number.isInteger(field)) this.#distance(field as number)
      else if (isPlaceKey(key))
        throw new RangeError(`${key} of ${kind ?? "an object"} is no offset`)
      else this.#value(field)
    }
  }

  #newShape(kind: string | null, value: Record<string, unknown>): NumberedShape {
    const keys = Object.keys(value).filter(
      (key) => value[key] !== undefined && (key !== "kind" || kind === null),
    )
    return { number: this.#shapeList.push({ kind, keys }) - 1, keys }
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
    const empty = JSON.parse(
      `{${[...(typeof kind === "string" ? [["kind", kind]] : []), ...fields]
        .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
        .join()}}`,
    ) as Record<string, unknown>
    mould = { keys, places: keys.map(isPlaceKey), empty }
    if (moulds.size < MAX_MOULDS) moulds.set(name, mould)
  }
  return mould
}

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
    const items: unknown[] = []
    for (let i = 0; i < length; i++) items.push(this.#value())
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

function isPlaceKey(key: string): boolean {
  return key === "start" || key === "end" || key === "nameStart"
}

function stepTo(steps: Map<string | null, Step>, key: string | null): Step {
  let step = steps.get(key)
  if (!step) steps.set(key, (step = { next: new Map(), shape: null }))
  return step
}

function indexIn(table: Map<string, number>, value: string): number {
  const known = table.get(value)
  if (known !== undefined) return known
  table.set(value, table.size)
  return table.size - 1
}
