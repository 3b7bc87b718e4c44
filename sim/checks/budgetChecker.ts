import type {
  ExchangeReply,
  ExchangeRequest,
  Settlement,
} from "../../packages/drover/src/store/index.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import type { Checker } from "./checker.ts"
import type { JobRecord, Move } from "./jobRecord.ts"
import { promise } from "./violation.ts"

interface Counts {
  readonly failures: number
  readonly crashes: number
  readonly interruptions: number
}

/** Three counters, three budgets: each attempt that did not complete counts once, on the right counter. */
export class BudgetChecker implements Checker {
  readonly name = "budget"
  /** Settlements of this event, by job. */
  readonly #settlements: Map<string, Settlement> = new Map()

  executed(call: StoreCall, reply: unknown): void {
    if (call.op !== "exchange") return
    const [{ settlements }] = call.args as [ExchangeRequest]
    const { settled } = reply as ExchangeReply
    settlements.forEach(({ attempt, settlement }, i) => {
      if (settled[i] === "fenced" || settled[i] === "repeated") return
      this.#settlements.set(attempt.jobId, settlement)
    })
  }

  changed(before: JobRecord | null, after: JobRecord, moves: readonly Move[]): void {
    promise(
      after.failures <= after.maxAttempts && after.crashes <= after.maxCrashes,
      this.name,
      () =>
        `job ${after.id} has ${after.failures} failures of ${after.maxAttempts} and ${after.crashes} crashes of ${after.maxCrashes}`,
    )
    const ends = moves.filter(({ from }) => from === "running")
    if (before === null || ends.length !== 1) return
    const counted: Counts = {
      failures: after.failures - before.failures,
      crashes: after.crashes - before.crashes,
      interruptions: after.interruptions - before.interruptions,
    }
    const settlement = this.#settlements.get(after.id)
    const expected = settlement === undefined ? undefined : costOf(settlement)
    const isRight =
      expected === undefined
        ? isRescueCost(counted)
        : expected.failures === counted.failures &&
          expected.crashes === counted.crashes &&
          expected.interruptions === counted.interruptions
    promise(
      isRight,
      this.name,
      () =>
        `the end of attempt ${ends[0]!.attempt} of job ${after.id} (${settlement?.to ?? ends[0]!.actor}) counted ${JSON.stringify(counted)}`,
    )
  }

  settled(): void {
    if (this.#settlements.size > 0) this.#settlements.clear()
  }
}

function costOf(settlement: Settlement): Counts {
  const none = { failures: 0, crashes: 0, interruptions: 0 }
  switch (settlement.to) {
    case "retryable":
      return { ...none, failures: 1 }
    case "discarded":
      return { ...none, failures: settlement.failed ? 1 : 0 }
    case "interrupted":
      return { ...none, interruptions: 1 }
    case "crashed":
      return { ...none, crashes: 1 }
    case "completed":
    case "cancelled":
    case "snoozed":
      return none
  }
}

// Ended by somebody else: a rescue counts a crash, handing back what a retired worker held an interruption.
function isRescueCost({ failures, crashes, interruptions }: Counts): boolean {
  return failures === 0 && crashes + interruptions === 1
}
