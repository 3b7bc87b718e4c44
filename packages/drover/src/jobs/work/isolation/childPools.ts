import { assert, DroverError } from "../../../errors/index.ts"
import type { Clock } from "../../../time/index.ts"
import type { JobDefinition } from "../../define/jobDefinition.ts"
import type { Attempt } from "../attempt.ts"
import type { IsolatedRunner } from "../attemptHost.ts"
import type { Ending } from "../decide.ts"
import { isChild } from "./childMark.ts"
import { ChildPool } from "./childPool.ts"

/** What the children of a worker need. */
export interface ChildPoolsOptions {
  readonly clock: Clock
  readonly definitions: ReadonlyMap<string, JobDefinition>
  /** Heap of each child in MiB. */
  readonly maxHeapMb: number | undefined
  /** Largest result in bytes of JSON. */
  readonly payloadLimit: number
}

/** The threads and processes of a worker's isolated kinds. */
export class ChildPools implements IsolatedRunner {
  readonly #pools: Map<string, ChildPool> = new Map()
  readonly #payloadLimit: number

  constructor({ clock, definitions, maxHeapMb, payloadLimit }: ChildPoolsOptions) {
    this.#payloadLimit = payloadLimit
    for (const definition of definitions.values()) {
      if (definition.isolation === "inline") continue
      this.#pools.set(definition.kind, new ChildPool({ clock, definition, maxHeapMb }))
    }
  }

  /**
   * Starts one child of each isolated kind, so that a module that does not export its definition is found out now
   * and not by the first job.
   * @throws DroverError `DROVER_CONFIG`, naming the kind and its module.
   */
  async check(): Promise<void> {
    if (isChild()) {
      throw new DroverError(
        "DROVER_CONFIG",
        "A module with isolated jobs starts a worker when it is imported; start workers from another module, or only if import.meta.main, or every child would start more. In a bundle, make the module with the jobs an entry of its own",
      )
    }
    await Promise.all(Array.from(this.#pools.values(), (pool) => pool.warm()))
  }

  run(attempt: Attempt): Promise<Ending> {
    const pool = this.#pools.get(attempt.claimed.kind)
    assert(pool !== undefined, `${attempt.claimed.kind} is not isolated`)
    return pool.run(attempt, this.#payloadLimit)
  }

  kill(attempt: Attempt): void {
    this.#pools.get(attempt.claimed.kind)?.kill(attempt)
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close()
  }
}
