import type { Checker } from "./checker.ts"
import type { JobRecord, Move } from "./jobRecord.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

/** No job is claimed before it is due or after it expired, by the store's clock. */
export class DueChecker implements Checker {
  readonly name = "due"
  readonly #sometimes: Sometimes

  constructor(sometimes: Sometimes) {
    this.#sometimes = sometimes
  }

  moved(move: Move, before: JobRecord | null, after: JobRecord | null): void {
    if (move.to === "discarded" && move.from !== "running" && move.reason?.includes("expired")) {
      this.#sometimes.hit("a job expired")
    }
    if (move.to !== "running") return
    const dueAt = Math.min(before?.runAt ?? Infinity, after?.runAt ?? Infinity)
    const id = (before ?? after)?.id
    promise(
      dueAt === Infinity || move.at >= dueAt,
      this.name,
      () => `job ${id} was claimed ${dueAt - move.at} ms before it was due`,
    )
    const expiresAt = before?.expiresAt ?? null
    promise(
      expiresAt === null || move.at <= expiresAt || before?.attempt !== 0,
      this.name,
      () => `job ${id} was started ${move.at - (expiresAt ?? 0)} ms after it expired`,
    )
  }
}
