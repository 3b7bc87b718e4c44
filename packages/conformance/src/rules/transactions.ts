import { expect } from "vitest"
import type { StoreTransaction } from "drover/store"
import type { Rules } from "../rules.ts"
import { minute, second, settlementKinds, settlements } from "../world.ts"

const patient = { timeoutMs: minute }

/** Enqueues inside transactions, the store's own and the user's. */
export const transactionRules: Rules = {
  "what a body enqueued is there after it resolved, together with the user's rows": async (
    world,
  ) => {
    const reply = await world.store.transaction(async (tx) => {
      await world.harness.writeIn(tx.connection, "order 7")
      const outcomes = await tx.enqueue(world.jobs(3))
      expect(outcomes.map(({ status }) => status)).toEqual(["enqueued", "enqueued", "enqueued"])
      return "done"
    }, patient)
    expect(reply).toBe("done")
    expect(await world.other.count({}, 10)).toBe(3)
    expect(await world.harness.written()).toEqual(["order 7"])
  },

  "a body that rejects leaves nothing, and its error survives": async (world) => {
    const error = new Error("the user's")
    const failed = world.unchanged(async () => {
      const body = world.store.transaction(async (tx) => {
        await world.harness.writeIn(tx.connection, "order 7")
        await tx.enqueue(world.jobs(3))
        throw error
      }, patient)
      await expect(body).rejects.toBe(error)
    })
    await failed
    expect(await world.harness.written()).toEqual([])
    expect((await world.enqueue()).status).toBe("enqueued")
  },

  "nothing is seen by others before the commit": async (world) => {
    await world.store.transaction(async (tx) => {
      await tx.enqueue(world.jobs(1))
      if (world.harness.ownConnection !== undefined) {
        expect(await world.other.count({}, 10)).toBe(0)
      }
    }, patient)
    expect(await world.other.count({}, 10)).toBe(1)
  },

  "writes of the same process beside a transaction all land": async (world) => {
    let outside: Promise<unknown> | undefined
    await world.store.transaction(async (tx) => {
      outside = world.enqueue()
      await tx.enqueue(world.jobs(1))
    }, patient)
    await outside
    expect(await world.store.count({}, 10)).toBe(2)
  },

  "a rolled back transaction does not take the writes beside it along": async (world) => {
    let outside: Promise<unknown> | undefined
    const body = world.store.transaction(async (tx) => {
      await tx.enqueue(world.jobs(1))
      outside = world.enqueue()
      throw new Error("no")
    }, patient)
    await expect(body).rejects.toThrow("no")
    await outside
    expect(await world.store.count({}, 10)).toBe(1)
  },

  "a transaction that takes too long is rolled back": async (world) => {
    const never = new Promise<void>(() => {})
    const enqueued = Promise.withResolvers<void>()
    const body = world.store.transaction(
      async (tx) => {
        await tx.enqueue(world.jobs(1))
        enqueued.resolve()
        await never
      },
      { timeoutMs: 5 * second },
    )
    // Its time runs from when it began, which takes a round trip or more.
    await enqueued.promise
    const error = body.then(
      () => "resolved",
      (error: unknown) => error,
    )
    await world.advance(6 * second)
    expect(await error).toMatchObject({ code: "DROVER_TRANSACTION" })
    expect(await world.store.count({}, 10)).toBe(0)
    expect((await world.enqueue()).status).toBe("enqueued")
  },

  "a transaction cannot be used after it ended": async (world) => {
    let kept: StoreTransaction | undefined
    await world.store.transaction((tx) => {
      kept = tx
    }, patient)
    await expect(kept?.enqueue(world.jobs(1))).rejects.toMatchObject({ code: "DROVER_TRANSACTION" })
    expect(await world.store.count({}, 10)).toBe(0)
  },

  "transactions of one process that are begun at once are each whole": async (world) => {
    const run = (index: number): Promise<void> =>
      world.store.transaction(async (tx) => {
        await world.harness.writeIn(tx.connection, String(index))
        await tx.enqueue(world.jobs(1))
        if (index === 2) throw new Error("no")
      }, patient)
    const ends = await Promise.allSettled([run(1), run(2), run(3)])
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"])
    expect((await world.harness.written()).toSorted()).toEqual(["1", "3"])
    expect(await world.store.count({}, 10)).toBe(2)
  },

  "a unique key taken in a transaction that rolls back is free": async (world) => {
    const unique = world.unique("k")
    const body = world.store.transaction(async (tx) => {
      await tx.enqueue([world.job({ unique })])
      throw new Error("no")
    }, patient)
    await expect(body).rejects.toThrow("no")
    expect((await world.enqueue({ unique })).status).toBe("enqueued")
  },

  "the user's own connection: the jobs commit and roll back with it": async (world) => {
    const own = await world.harness.ownConnection?.()
    if (own === undefined) return
    try {
      await own.begin()
      await own.write("kept")
      const [kept] = await world.store.adopt(own.connection).enqueue([world.job()])
      await own.commit()
      expect(kept?.status).toBe("enqueued")
      await own.begin()
      await own.write("gone")
      await world.store.adopt(own.connection).enqueue([world.job()])
      await own.rollback()
      expect(await world.harness.written()).toEqual(["kept"])
      expect((await world.allJobs(world.other)).map(({ id }) => id)).toEqual([kept?.id])
      expect((await (await world.worker()).claimOne()).jobId).toBe(kept?.id)
    } finally {
      await own.close()
    }
  },

  "a settlement in a transaction commits with the user's rows": async (world) => {
    const { id, worker, attempt } = await world.running()
    await world.store.transaction(async (tx) => {
      await world.harness.writeIn(tx.connection, "paid")
      expect(await tx.settle({ attempt, settlement: settlements.completed })).toBe("settled")
    }, patient)
    expect(await world.state(id)).toBe("completed")
    expect(await world.harness.written()).toEqual(["paid"])
    const { result, workerId } = await world.get(id)
    expect({ result, workerId }).toEqual({ result: "1", workerId: null })
    expect((await world.store.trail(id)).at(-1)).toMatchObject({
      to: "completed",
      attempt: 1,
      workerId: worker.id,
      actor: null,
    })
    expect(await worker.settle(attempt, settlements.completed)).toBe("repeated")
  },

  "a settlement in a transaction that rolls back never was, and its attempt goes on": async (
    world,
  ) => {
    const { id, worker, attempt } = await world.running()
    await world.unchanged(async () => {
      const body = world.store.transaction(async (tx) => {
        await tx.settle({ attempt, settlement: settlements.completed })
        throw new Error("no")
      }, patient)
      await expect(body).rejects.toThrow("no")
    })
    expect(await worker.settle(attempt, settlements.snoozed)).toBe("settled")
    expect(await world.state(id)).toBe("scheduled")
  },

  "every way to settle works in a transaction, under the fence": async (world) => {
    for (const kind of settlementKinds) {
      const { id, worker, attempt } = await world.running({ kind })
      const inTransaction = (): Promise<string> =>
        world.store.transaction(
          (tx) => tx.settle({ attempt, settlement: settlements[kind] }),
          patient,
        )
      expect(await inTransaction()).toBe("settled")
      const state = await world.state(id)
      expect(state).not.toBe("running")
      expect(await world.unchanged(inTransaction)).toBe("repeated")
      expect(await world.unchanged(() => worker.settle(attempt, settlements[kind]))).toBe(
        "repeated",
      )
    }
  },

  "a superseded attempt settles nothing in a transaction, and the transaction goes on": async (
    world,
  ) => {
    const { id, worker, attempt } = await world.running()
    await worker.retire()
    const status = await world.store.transaction(async (tx) => {
      await world.harness.writeIn(tx.connection, "kept")
      return tx.settle({ attempt, settlement: settlements.completed })
    }, patient)
    expect(status).toBe("fenced")
    expect(await world.state(id)).toBe("available")
    expect(await world.harness.written()).toEqual(["kept"])
  },

  "the user's own connection: a settlement commits and rolls back with it": async (world) => {
    const own = await world.harness.ownConnection?.()
    if (own === undefined) return
    try {
      const { id, attempt } = await world.running()
      const settlement = settlements.completed
      await own.begin()
      await own.write("gone")
      await world.store.adopt(own.connection).settle({ attempt, settlement })
      await own.rollback()
      expect(await world.state(id)).toBe("running")
      await own.begin()
      await own.write("kept")
      expect(await world.store.adopt(own.connection).settle({ attempt, settlement })).toBe(
        "settled",
      )
      await own.commit()
      expect(await world.state(id)).toBe("completed")
      expect(await world.harness.written()).toEqual(["kept"])
    } finally {
      await own.close()
    }
  },

  "a connection that is no connection, or not in a transaction, is refused": async (world) => {
    const refused = expect.objectContaining({ code: "DROVER_TRANSACTION" })
    for (const wrong of [null, {}, "file.db", 7]) {
      expect(() => world.store.adopt(wrong), JSON.stringify(wrong)).toThrow(refused)
    }
    const own = await world.harness.ownConnection?.()
    if (own === undefined) return
    try {
      expect(() => world.store.adopt(own.connection)).toThrow(refused)
    } finally {
      await own.close()
    }
  },
}
