import { DroverError } from "../../errors/index.ts"
import type { AttemptRef, StoreTransaction } from "../../store/index.ts"

/** Under this name a transaction of the client gives out where a settlement inside of it goes. */
export const settleTarget: unique symbol = Symbol("drover.settleTarget")

/** A transaction of the client, as `JobContext.settle` takes it. */
export interface SettlingTransaction {
  readonly [settleTarget]: Pick<StoreTransaction, "settle">
}

/** Tells whether this is a transaction of a client, and no connection of the user's own. */
export function isSettlingTransaction(value: unknown): value is SettlingTransaction {
  return typeof value === "object" && value !== null && settleTarget in value
}

/** The error of a settlement that comes after the end of its attempt. */
export function alreadyEnded({ jobId, attempt }: AttemptRef): DroverError {
  return new DroverError("DROVER_TRANSACTION", "settle: the attempt has ended already", {
    details: { jobId, attempt },
  })
}
