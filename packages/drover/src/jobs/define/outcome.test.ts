import { describe, expect, test } from "vitest"
import { cancel, discard, outcomeOf, outcomeType, retryIn, snooze } from "./outcome.ts"

describe("outcomes", () => {
  test("are recognised whichever copy of the package made them", () => {
    const foreign = { [Symbol.for("drover.outcome")]: "snooze", delayMs: 5, reason: null }
    expect(outcomeOf(foreign)).toBe(foreign)
    expect(outcomeType(snooze("5m"))).toBe("snooze")
    expect(outcomeType(cancel("no"))).toBe("cancel")
    expect(outcomeType(discard("never"))).toBe("discard")
    expect(outcomeType(retryIn(10))).toBe("retryIn")
  })

  test("carry their delays as whole milliseconds", () => {
    expect(snooze("1.5s")).toMatchObject({ delayMs: 1_500, reason: null })
    expect(snooze({ delay: "5m", reason: "not yet" })).toMatchObject({
      delayMs: 300_000,
      reason: "not yet",
    })
    expect(retryIn(0.2, "why")).toMatchObject({ delayMs: 1, error: "why" })
  })

  test("carry reasons that every store takes, whatever the handler gave", () => {
    const half = String.fromCharCode(0xd800)
    expect(discard(`a\0b${half}`)).toMatchObject({ reason: "ab\uFFFD" })
    expect(cancel("x".repeat(5_000)).reason).toHaveLength(1_000)
    expect(snooze({ delay: 1, reason: `${half}c` })).toMatchObject({ reason: "\uFFFDc" })
    // From JavaScript, which no type holds back.
    expect(cancel(undefined as never).reason).toBe("")
    expect(discard(new Error("gone") as never).reason).toBe("Error: gone")
    expect(discard(Object.create(null) as never).reason).toBe("")
  })

  test("refuse what is no duration", () => {
    expect(() => snooze("soon")).toThrow(expect.objectContaining({ code: "DROVER_CONFIG" }))
    expect(() => retryIn(-1)).toThrow(expect.objectContaining({ code: "DROVER_CONFIG" }))
  })

  test.each<[string, unknown]>([
    ["a result", { delayMs: 5 }],
    ["undefined", undefined],
    ["null", null],
    ["a text", "snooze"],
    [
      "a proxy that throws",
      new Proxy(
        {},
        {
          get() {
            throw new Error("no")
          },
        },
      ),
    ],
  ])("%s is none, and asking never throws", (_, value) => {
    expect(outcomeOf(value)).toBeNull()
  })
})
