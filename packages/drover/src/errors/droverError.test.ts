import { expect, test } from "vitest"
import type * as original from "./droverError.ts"
import {
  assert,
  Cancelled,
  DroverError,
  errorCodes,
  isDroverError,
  LeaseLost,
  Shutdown,
  Timeout,
  unreachable,
} from "./index.ts"

// A second copy of the module, as two installed versions of the package would be.
async function otherCopy(): Promise<typeof original> {
  const url = "./droverError.ts?copy"
  return (await import(/* @vite-ignore */ url)) as typeof original
}

test("an error carries its code, its details and its cause", () => {
  const cause = new Error("disk")
  const error = new DroverError("DROVER_STORE_IO", "cannot write", {
    details: { file: "a" },
    cause,
  })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ code: "DROVER_STORE_IO", details: { file: "a" }, cause })
  expect(new DroverError("DROVER_CLOSED", "x")).not.toHaveProperty("cause")
})

test("errors of another copy of the package are recognised, by code too", async () => {
  const copy = await otherCopy()
  const error: unknown = new copy.DroverError("DROVER_TIMEOUT", "late")
  expect(error).not.toBeInstanceOf(DroverError)
  expect(isDroverError(error)).toBe(true)
  expect(isDroverError(error, "DROVER_TIMEOUT")).toBe(true)
  expect(isDroverError(error, "DROVER_CLOSED")).toBe(false)
})

test("nothing else is recognised, and judging a hostile value never throws", () => {
  const hostile = new Proxy(
    {},
    {
      has: () => {
        throw new Error("trap")
      },
    },
  )
  for (const value of [undefined, null, 1, "DROVER_TIMEOUT", {}, new Error("x"), hostile]) {
    expect(isDroverError(value)).toBe(false)
  }
  expect(isDroverError({ code: "DROVER_TIMEOUT" }, "DROVER_TIMEOUT")).toBe(false)
})

test("the mark of the class appears neither in keys nor in JSON", () => {
  const error = new DroverError("DROVER_CLOSED", "closed")
  expect(Object.getOwnPropertySymbols(Object.assign({}, error))).toEqual([])
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    name: "DroverError",
    code: "DROVER_CLOSED",
    details: {},
  })
})

test("each reason of an abort has its own class, name and code", () => {
  const reasons = [new Timeout("a"), new Cancelled("b"), new Shutdown("c"), new LeaseLost("d")]
  expect(reasons.map((reason) => `${reason.name} ${reason.code}`)).toEqual([
    "Timeout DROVER_TIMEOUT",
    "Cancelled DROVER_CANCELLED",
    "Shutdown DROVER_SHUTDOWN",
    "LeaseLost DROVER_LEASE_LOST",
  ])
  expect(reasons.every((reason) => isDroverError(reason))).toBe(true)
})

test("a broken invariant throws, a kept one does not", () => {
  expect(() => assert(1, "order")).not.toThrow()
  expect(() => assert(0, "order")).toThrow(/^order \(this is a bug in Drover/)
  expect(() => unreachable("x" as never, "state")).toThrow(/state: unexpected "x"/)
})

test("every code says in one sentence what it means", () => {
  for (const [code, meaning] of Object.entries(errorCodes)) {
    expect(code).toMatch(/^DROVER_[A-Z_]+$/)
    expect(meaning).toMatch(/^[A-Z].*\.$/)
  }
})
