import { DroverError } from "../errors/index.ts"
import type { InputArguments } from "../jobs/define/inputArguments.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import type { JobHandle } from "../jobs/define/jobHandle.ts"
import type { EnqueueOptions } from "../jobs/define/newJobs.ts"
import { checkEnqueueOptions } from "../jobs/define/newJobs.ts"
import type { EnqueueItem, EnqueueTarget, Producer } from "../jobs/define/producer.ts"
import { giveSettleTarget } from "../jobs/define/settleTarget.ts"
import type { StoreTransaction } from "../store/index.ts"

type OpenTransaction = Pick<StoreTransaction, "connection" | "settle">

/** An open transaction of the store; see `Drover.transaction`. */
export class Transaction {
  readonly #opened: OpenTransaction
  readonly #producer: Producer
  readonly #target: EnqueueTarget

  constructor(opened: OpenTransaction, producer: Producer, target: EnqueueTarget) {
    this.#opened = opened
    this.#producer = producer
    this.#target = target
    giveSettleTarget(this, opened)
  }

  /**
   * The connection of this transaction (a `DatabaseSync` on SQLite): what it executes commits and rolls back
   * together with the jobs. On a file it is opened for this transaction and closed with it, however it ends: kept
   * longer, it and what was prepared on it throw ("database is not open"), and temporary tables, functions and
   * pragmas end with it. A store in memory has only one connection, which goes on after the end: there, read this
   * whenever you use it.
   * @throws DroverError `DROVER_TRANSACTION` once the transaction has ended.
   */
  get connection(): unknown {
    return this.#opened.connection
  }

  /**
   * Where enqueues that name this transaction go; for `EnqueueOptions.transaction`.
   * @param producer the one of the client that was asked. Another client has another database, and would look there
   * for the job.
   * @throws DroverError `DROVER_TRANSACTION`.
   */
  targetFor(producer: Producer): EnqueueTarget {
    if (producer === this.#producer) return this.#target
    throw new DroverError(
      "DROVER_TRANSACTION",
      "transaction: belongs to another client; enqueue with the client whose transaction it is",
    )
  }

  /** Enqueues a job that exists if and only if the transaction commits. Its result can be awaited afterwards. */
  async enqueue<Input, Result>(
    definition: JobDefinition<Input, Result>,
    ...[input, options]: InputArguments<Input, EnqueueOptions>
  ): Promise<JobHandle<Result>> {
    if (options !== undefined) checkEnqueueOptions(options, definition.kind)
    const handle = await this.#producer.one(this.#target, definition, input, options)
    return handle as JobHandle<Result>
  }

  /** Enqueues many jobs of one kind as part of the transaction. */
  async enqueueMany<Input, Result>(
    definition: JobDefinition<Input, Result>,
    items: Iterable<EnqueueItem<Input>>,
  ): Promise<JobHandle<Result>[]> {
    const handles = await this.#producer.many(this.#target, definition, items)
    return handles as JobHandle<Result>[]
  }
}
