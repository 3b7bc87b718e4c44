import { describe, expect, test } from "vitest"
import type { OpenOptions, Store } from "../store/index.ts"
import { StoreGate } from "./storeGate.ts"

class Door {
  readonly dialect: "sqlite" | "postgres"
  readonly opens: OpenOptions[] = []
  closes = 0
  failures = 0
  hold: Promise<void> = Promise.resolve()

  constructor(dialect: "sqlite" | "postgres" = "sqlite") {
    this.dialect = dialect
  }

  async open(options: OpenOptions): Promise<void> {
    this.opens.push(options)
    await this.hold
    if (this.failures-- > 0) throw new Error("not ready")
  }

  async close(): Promise<void> {
    this.closes++
  }
}

function gateOf(door: Door, migrate: boolean | null = null): StoreGate {
  return new StoreGate(() => door as unknown as Store, migrate)
}

describe("opening the store", () => {
  test("nothing happens before the first use, and many first uses open once", async () => {
    const door = new Door()
    const gate = gateOf(door)
    expect(door.opens).toEqual([])
    expect(gate.opened).toBeNull()
    const [one, two] = await Promise.all([gate.open(), gate.open()])
    expect(one).toBe(two)
    expect(gate.opened).toBe(one)
    expect(door.opens).toHaveLength(1)
  })

  test("a failure is told to every caller, and the next use tries again", async () => {
    const door = new Door()
    door.failures = 1
    const gate = gateOf(door)
    const results = await Promise.allSettled([gate.open(), gate.open()])
    expect(results.map((result) => result.status)).toEqual(["rejected", "rejected"])
    await expect(gate.open()).resolves.toBe(door)
  })

  test("migrations are applied on SQLite and refused on Postgres, unless told otherwise", async () => {
    const doors = [
      new Door("sqlite"),
      new Door("postgres"),
      new Door("sqlite"),
      new Door("postgres"),
    ]
    const settings = [null, null, false, true]
    for (const [index, door] of doors.entries()) await gateOf(door, settings[index]).open()
    expect(doors.map((door) => door.opens[0]?.migrate)).toEqual([true, false, false, true])
  })
})

describe("closing the store", () => {
  test("twice is once, and using it afterwards is refused", async () => {
    const door = new Door()
    const gate = gateOf(door)
    await gate.open()
    await Promise.all([gate.close(), gate.close()])
    expect(door.closes).toBe(1)
    expect(gate.opened).toBeNull()
    await expect(gate.open()).rejects.toMatchObject({ code: "DROVER_CLOSED" })
  })

  test("while it opens waits for the open, so that nothing stays open", async () => {
    const door = new Door()
    const { promise, resolve } = Promise.withResolvers<void>()
    door.hold = promise
    const gate = gateOf(door)
    const opening = gate.open()
    const closing = gate.close()
    resolve()
    await Promise.all([opening, closing])
    expect(door.closes).toBe(1)
    expect(gate.opened).toBeNull()
  })

  test("without an open, or after a failed one, does nothing", async () => {
    const never = new Door()
    await gateOf(never).close()
    const failing = new Door()
    failing.failures = 1
    const gate = gateOf(failing)
    await gate.open().catch(() => {})
    await gate.close()
    expect([never.closes, failing.closes]).toEqual([0, 0])
  })
})
