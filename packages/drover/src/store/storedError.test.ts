import { runInNewContext } from "node:vm"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { describeError, reviveError } from "./storedError.ts"
import type { StoredError } from "./jobRow.ts"

const LIMIT = 65_536

function bytes(stored: StoredError): number {
  return Buffer.byteLength(JSON.stringify(stored))
}

// What no store and no terminal may get to see.
// oxlint-disable-next-line no-control-regex -- looking for control characters is what this does
const HOSTILE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/

function expectStorable(stored: StoredError): void {
  expect(bytes(stored)).toBeLessThanOrEqual(LIMIT + 1_024)
  for (let part: StoredError | undefined = stored; part !== undefined; part = part.cause) {
    for (const text of [part.name, part.message, part.code ?? "", part.stack ?? ""]) {
      expect(text).not.toMatch(HOSTILE)
      expect(text.isWellFormed()).toBe(true)
    }
  }
}

const throwing = new Proxy(
  {},
  {
    get() {
      throw new Error("get")
    },
    has() {
      throw new Error("has")
    },
    getPrototypeOf() {
      throw new Error("proto")
    },
    ownKeys() {
      throw new Error("keys")
    },
  },
)

function circular(): Error {
  const error = new Error("a")
  error.cause = new Error("b", { cause: error })
  return error
}

function withGetters(): Error {
  const error = new Error("x")
  for (const key of ["message", "stack", "name", "code", "cause"]) {
    Object.defineProperty(error, key, {
      get() {
        throw new Error(key)
      },
    })
  }
  return error
}

describe("describing a failure", () => {
  test.each<[string, unknown, RegExp]>([
    ["undefined", undefined, /undefined/],
    ["null", null, /null/],
    ["a number", 42, /42/],
    ["a text", "no luck", /'no luck'/],
    ["a BigInt", 10n, /10n/],
    ["a symbol", Symbol("s"), /Symbol\(s\)/],
    ["a function", () => 1, /Function/],
    ["a plain object", { status: 500 }, /status: 500/],
    ["an error-like object", { name: "HttpError", message: "teapot", code: 418 }, /^teapot$/],
    ["a proxy that throws", throwing, /./],
    ["an error whose getters throw", withGetters(), /cannot be read/],
    ["an error of another realm", runInNewContext("new TypeError('far')"), /^far$/],
    ["a circular cause", circular(), /^a$/],
    ["NUL and escapes", new Error("a\0b\u001b[2Jc\ud800"), /^ab\[2Jc\ufffd$/],
    [
      "an object with an inspect of its own",
      {
        [Symbol.for("nodejs.util.inspect.custom")]() {
          throw new Error("x")
        },
      },
      /./,
    ],
    ["a revoked proxy", revoked(), /./],
  ])("%s is described", (_, thrown, message) => {
    const stored = describeError(thrown)
    expectStorable(stored)
    expect(stored.message).toMatch(message)
  })

  test("a message of 100 MB is cut", () => {
    const stored = describeError(new Error("x".repeat(100_000_000)))
    expectStorable(stored)
    expect(stored.message.endsWith("…")).toBe(true)
    expect(stored.stack).toMatch(/^\s+at /)
  })

  test("a text that grows when it is written as JSON is cut by what it becomes", () => {
    const error = new Error('"'.repeat(16_384), { cause: new Error("\n".repeat(16_384)) })
    error.stack = "\\".repeat(16_384)
    const stored = describeError(error)
    expectStorable(stored)
    expect(stored.message.length).toBeLessThan(16_384)
  })

  test("five causes of 16 KiB each stay within the limit together, the outer ones whole", () => {
    let error = new Error("deepest")
    for (let i = 0; i < 10; i++) error = new Error(`${i}:${"m".repeat(15_000)}`, { cause: error })
    const stored = describeError(error)
    expectStorable(stored)
    expect(stored.message).toHaveLength(15_002)
  })

  test("anything at all can be described and stored", () => {
    const storable = fc.property(
      fc.anything({ withBigInt: true }),
      fc.string({ unit: "binary" }),
      (value, text) => {
        expectStorable(describeError(value))
        expectStorable(describeError(Object.assign(new Error(text), { cause: value, code: text })))
      },
    )
    expect(() => {
      fc.assert(storable, { numRuns: 300 })
    }).not.toThrow()
  })

  test("name, code, stack and causes are kept", () => {
    const error = Object.assign(new TypeError("outer", { cause: new RangeError("inner") }), {
      code: "E_OUT",
    })
    expect(describeError(error)).toMatchObject({
      name: "TypeError",
      message: "outer",
      code: "E_OUT",
      stack: expect.stringContaining("storedError.test"),
      cause: { name: "RangeError", message: "inner" },
    })
  })

  test("of an AggregateError the first error is the cause", () => {
    const stored = describeError(new AggregateError([new Error("one"), new Error("two")], "both"))
    expect(stored).toMatchObject({ message: "both", cause: { message: "one" } })
  })
})

test("a stored error comes back as an Error with its name, code, stack and cause", () => {
  const stored = describeError(
    Object.assign(new TypeError("outer", { cause: new Error("inner") }), { code: "E" }),
  )
  const revived = reviveError(stored)
  expect(revived).toBeInstanceOf(Error)
  expect(revived).toMatchObject({
    name: "TypeError",
    message: "outer",
    code: "E",
    stack: stored.stack,
  })
  expect(revived.cause).toMatchObject({ message: "inner" })
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
