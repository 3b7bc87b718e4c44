import { isDeepStrictEqual } from "node:util"
import { createContext, runInContext } from "node:vm"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { isDroverError } from "../errors/index.ts"
import { decodePayload, encodePayload, maxPayloadDepth } from "./payload.ts"

function refusal(value: unknown): string {
  try {
    return `accepted: ${encodePayload(value, "input")}`
  } catch (error) {
    if (!isDroverError(error, "DROVER_PAYLOAD_INVALID")) throw error
    return error.message
  }
}

function nested(levels: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = { a: value }
  return value
}

describe("what a payload may hold", () => {
  test("whatever is accepted comes back equal", () => {
    expect(() => {
      fc.assert(fc.property(fc.jsonValue(), roundTripsOrIsRefused), { numRuns: 500 })
    }).not.toThrow()
  })

  test("any value at all is either accepted without loss or refused with a path", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withNullPrototype: true,
      withUnicodeString: true,
    })
    expect(() => {
      fc.assert(fc.property(anything, roundTripsOrIsRefused), { numRuns: 1_000 })
    }).not.toThrow()
  })

  test.each([
    ["NUL in a text", "a\0b", "input: the text holds a NUL character"],
    ["NUL in a long text", `${"x".repeat(100)}\0`, "input: the text holds a NUL character"],
    ["a high surrogate alone", { a: "\ud800" }, "input.a: the text holds half of a surrogate pair"],
    [
      "a low surrogate in a key",
      { "\udc00": 1 },
      'input["\ufffd"]: the text holds half of a surrogate pair',
    ],
    ["NUL in a key", { "a\0": 1 }, 'input["a\\u0000"]: the text holds a NUL character'],
    ["a BigInt", { a: [1n] }, "input.a[0]: a BigInt is not JSON; convert it to a string"],
    [
      "NaN",
      { items: [0, { price: Number.NaN }] },
      "input.items[1].price: NaN is not a JSON number",
    ],
    ["1e400 as JSON.parse reads it", JSON.parse("1e400"), "input: Infinity is not a JSON number"],
    ["undefined in an array", [1, undefined], "input[1]: undefined is not JSON; use null"],
    // oxlint-disable-next-line no-sparse-arrays -- the hole is what is tested
    ["a hole in an array", [1, , 2], "input[1]: undefined is not JSON; use null"],
    ["undefined itself", undefined, "input: undefined is not JSON; use null"],
    ["a function", { f: () => 1 }, "input.f: a function is not JSON"],
    ["a symbol", [Symbol("s")], "input[0]: a symbol is not JSON"],
    ["a symbol key", { a: { [Symbol("s")]: 1 } }, "input.a: a key that is a symbol is not JSON"],
    ["a Date", { at: new Date(0) }, "input.at: a Date is not JSON; use toISOString() or getTime()"],
    ["a Map", new Map(), "input: a Map is not JSON; use Object.fromEntries(map)"],
    ["a Set", new Set(), "input: a Set is not JSON; use an array"],
    [
      "an instance",
      {
        "a b": new (class Money {
          amount = 1
        })(),
      },
      'input["a b"]: an instance of Money is not JSON; use a plain object',
    ],
    [
      "an array of a subclass",
      new (class List extends Array {})(),
      "input: an instance of List is not JSON; use a plain object",
    ],
    ["a boxed number", Object(1), "input: an instance of Number is not JSON; use a plain object"],
    [
      "a getter that throws",
      {
        a: {
          get b() {
            throw new Error("no")
          },
        },
      },
      "input.a.b: reading it threw an error",
    ],
    [
      "a proxy that throws",
      {
        p: new Proxy(
          {},
          {
            getPrototypeOf() {
              throw new Error("no")
            },
          },
        ),
      },
      "input.p: reading it threw an error",
    ],
    [
      "an own __proto__",
      JSON.parse('{"a":{"__proto__":{"admin":true}}}'),
      "input.a.__proto__: a key named __proto__ is not allowed",
    ],
    ["too deep", nested(maxPayloadDepth + 1), "nests deeper than 64 levels"],
    ["200 000 levels", nested(200_000), "nests deeper than 64 levels"],
  ])("%s is refused, naming the place", (_, value, message) => {
    expect(refusal(value)).toContain(message)
  })

  test("a cycle is refused as one", () => {
    const value: Record<string, unknown> = { list: [] }
    ;(value["list"] as unknown[]).push(value)
    expect(refusal(value)).toMatch(/contains itself$/)
  })

  test("the deepest allowed value and the same object twice are no cycle", () => {
    const shared = { a: 1 }
    expect(encodePayload([shared, shared], "input")).toBe('[{"a":1},{"a":1}]')
    expect(decodePayload(encodePayload(nested(maxPayloadDepth), "input"), "input")).toEqual(
      nested(maxPayloadDepth),
    )
  })

  test("undefined properties are left out and -0 becomes 0", () => {
    expect(encodePayload({ a: undefined, b: -0, c: 1 }, "input")).toBe('{"b":0,"c":1}')
  })

  test("plain objects and arrays of another realm are plain", () => {
    const foreign: unknown = runInContext(
      "({ list: [1, { a: 'x' }], none: null })",
      createContext(),
    )
    expect(encodePayload(foreign, "input")).toBe('{"list":[1,{"a":"x"}],"none":null}')
  })

  test("a getter is read once, so what was checked is what is stored", () => {
    let reads = 0
    const value = {
      get a(): unknown {
        return reads++ === 0 ? 1 : Number.NaN
      },
    }
    expect(encodePayload(value, "input")).toBe('{"a":1}')
  })
})

describe("how large a payload may be", () => {
  test("the limit counts bytes of UTF-8, not characters", () => {
    expect(encodePayload("ä".repeat(10), "input", 22)).toHaveLength(12)
    expect(() => encodePayload("ä".repeat(10), "input", 21)).toThrow(/more than 21 bytes/)
  })

  test("a payload just over 1 MiB is refused, one just under is not", () => {
    const limit = 1_048_576
    expect(encodePayload("x".repeat(limit - 2), "input")).toHaveLength(limit)
    expect(() => encodePayload("x".repeat(limit - 1), "input")).toThrow(
      expect.objectContaining({ code: "DROVER_PAYLOAD_TOO_LARGE" }),
    )
  })

  test("a huge value is refused before its text is built", () => {
    let read = 0
    const chunk = "y".repeat(100_000)
    const value = Array.from({ length: 500 }, () => ({
      get text(): string {
        read++
        return chunk
      },
    }))
    expect(() => encodePayload(value, "input")).toThrow(/more than 1048576 bytes/)
    expect(read).toBeLessThan(12)
  })
})

describe("reading a stored payload", () => {
  test("a __proto__ that somebody wrote into the row is dropped, in any spelling", () => {
    for (const key of ["__proto__", "\\u005f_proto__", "\\u005F\\u005Fproto__"]) {
      const value = decodePayload(`{"a":{"${key}":{"admin":true},"b":1}}`, "input") as { a: object }
      expect(value).toEqual({ a: { b: 1 } })
      expect(Object.hasOwn(value.a, "__proto__")).toBe(false)
    }
  })

  test("a text that mentions __proto__ is kept", () => {
    expect(decodePayload('{"a":"__proto__"}', "input")).toEqual({ a: "__proto__" })
  })

  test("a text that is not JSON is an error with a code", () => {
    expect(() => decodePayload("{", "result")).toThrow(
      expect.objectContaining({ code: "DROVER_PAYLOAD_INVALID" }),
    )
  })
})

// JSON itself has no negative zero and no absent value, so equality is that of its own round trip.
function roundTripsOrIsRefused(value: unknown): boolean {
  let text: string
  try {
    text = encodePayload(value, "input")
  } catch (error) {
    return isDroverError(error, "DROVER_PAYLOAD_INVALID") && error.message.startsWith("input")
  }
  const back = decodePayload(text, "input")
  if (encodePayload(back, "input") !== text) return false
  return isDeepStrictEqual(back, JSON.parse(JSON.stringify(value)))
}
