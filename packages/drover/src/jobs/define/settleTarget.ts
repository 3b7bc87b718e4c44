import { DroverError } from "../../errors/index.ts"
import type { AttemptRef, StoreTransaction } from "../../store/index.ts"

/** What settles inside of a transaction. */
export type SettleTarget = Pick<StoreTransaction, "settle">

// By transaction of a client, apart from its public names.
const targets = new WeakMap<object, SettleTarget>()

/** Says where a settlement goes that names this transaction of a client; for `JobContext.settle`. */
export function giveSettleTarget(transaction: object, target: SettleTarget): void {
  targets.set(transaction, target)
}

/** Where a settlement inside of a transaction of a client goes; `undefined` for a connection of the user's own. */
export function settleTargetOf(transaction: unknown): SettleTarget | undefined {
  return typeof transaction === "object" && transaction !== null
    ? targets.get(transaction)
    : undefined
}

/** The error of a settlement that comes after the end of its attempt. */
export function alreadyEnded({ jobId, attempt }: AttemptRef): DroverError {
  return new DroverError("DROVER_TRANSACTION", "settle: the attempt has ended already", {
    details: { jobId, attempt },
  })
}

/** What a handler's second `settle` rejects with: the first one was written in this transaction, or was committed. */
export function alreadySettled({ jobId, attempt }: AttemptRef): DroverError {
  return new DroverError(
    "DROVER_TRANSACTION",
    `settle: attempt ${attempt} of job ${jobId} was settled before, in this transaction or in one that was committed, and the first settlement stands; settle once, and roll this transaction back.`,
    { details: { jobId, attempt } },
  )
}
