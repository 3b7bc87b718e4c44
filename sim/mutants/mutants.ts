import { leadershipMutants } from "./leadershipMutants.ts"
import { limitMutants } from "./limitMutants.ts"
import type { Mutant } from "./mutant.ts"
import { scheduleMutants } from "./scheduleMutants.ts"

/** The planted bugs, each of which the simulator must catch. Most were met in other job queues. */
export const mutants: readonly Mutant[] = [
  {
    name: "no-fence",
    what: "A settle looks for the job's id and state only, not for the attempt and its token.",
    changes: [
      {
        file: "sqlite/completeJobs.ts",
        find: '"and drover_job.attempt = ended.attempt and drover_job.token = ended.token"',
        replace: '""',
      },
      {
        file: "sqlite/settle.ts",
        find: "const isHeld = state === RUNNING && number === attempt.attempt && token === attempt.token",
        replace: "const isHeld = state === RUNNING",
      },
    ],
  },
  {
    name: "settle-after-rescue",
    what: "A completion still counts when a rescue has handed the job back, as long as nobody claimed it again.",
    changes: [
      {
        file: "sqlite/completeJobs.ts",
        find: "drover_job.state = ${RUNNING} ` +",
        replace: "drover_job.state in (1, ${RUNNING}) ` +",
      },
      {
        file: "sqlite/completeJobs.ts",
        find: " and drover_job.token = ended.token",
        replace: "",
      },
    ],
  },
  {
    name: "read-then-write-rescue",
    what: "A rescue reads which jobs a dead worker holds, and writes them by their ids a slow round trip later.",
    changes: [
      {
        file: "sqlite/handBack.ts",
        find: 'return tx.statements.all("jobs_of_worker", worker, limit).map((row) => {',
        replace:
          'const known = cause.actor === "rescue" ? read.get(worker) : undefined\n  return (known ?? tx.statements.all("jobs_of_worker", worker, limit)).map((row) => {',
      },
      {
        file: "sqlite/handBack.ts",
        find: 'const AVAILABLE = stateCode("available")',
        replace: 'const AVAILABLE = stateCode("available")\nexport const read = new Map()',
      },
      {
        file: "sqlite/workers.ts",
        find: 'import { handBack } from "./handBack.ts"',
        replace: 'import { handBack, read } from "./handBack.ts"',
      },
      {
        file: "sqlite/workers.ts",
        find: "export function rescue(",
        replace: "export async function rescue(",
      },
      {
        file: "sqlite/workers.ts",
        find: "  const { term, limit } = request\n",
        replace: `  const { term, limit } = request
  const candidates = await context.read("rescue", (tx) => lostWorkers(tx, context, request))
  for (const { ref } of candidates) {
    read.set(ref, await context.read("rescue", (tx) => tx.statements.all("jobs_of_worker", ref, limit)))
  }
  if (candidates.length > 0) await context.clock.sleep(3_000)
`,
      },
      {
        file: "sqlite/workers.ts",
        find: "look: (tx) => (lostWorkers(tx, context, request).length === 0",
        replace: "look: () => (candidates.length === 0",
      },
      {
        file: "sqlite/workers.ts",
        find: "takeBack(tx, lostWorkers(tx, context, request), limit)",
        replace: "takeBack(tx, candidates, limit)",
      },
      {
        file: "sqlite/generated/queries.ts",
        find: "where seq = ? and state = 2 and worker = ?",
        replace: "where seq = ? and ? > 0",
      },
    ],
  },
  {
    name: "rescue-without-lease",
    what: "A rescue takes back the jobs of every worker that has not beaten for one interval.",
    changes: [
      {
        file: "sqlite/generated/queries.ts",
        find: "where ended_at is null and lease_until < ?\norder",
        replace: "where ended_at is null and lease_until - 18000 < ?\norder",
      },
      {
        file: "sqlite/workers.ts",
        find: "as LeaseRow, tx.now) < 0)",
        replace: "as LeaseRow, tx.now) < 18_000)",
      },
    ],
  },
  {
    name: "rescue-after-leap",
    what: "A rescue believes a wall clock that was just set forward.",
    changes: [
      {
        file: "sqlite/workers.ts",
        find: "Math.max(leaseUntil - now, leaseUntil - beatAt - context.msSince(beatAt))",
        replace: "leaseUntil - now",
      },
      {
        file: "jobs/work/workerRun.ts",
        find: '"clock.jumped", () => this.#onClockJump()',
        replace: '"clock.jumped", () => {}',
      },
    ],
  },
  {
    name: "persisted-time-stands-still",
    what: "Whoever starts while the wall clock is set back takes the time that was written last for the time of now.",
    changes: [
      {
        file: "lease/storeClock.ts",
        find: "persistedMs + Math.max(0, mono - (persistedMono ?? mono))",
        replace: "persistedMs + 0 * (mono - (persistedMono ?? mono))",
      },
    ],
  },
  {
    name: "client-clock",
    what: "Leases and due times go by the wall clock of whoever asks.",
    changes: [
      {
        file: "sqlite/storeTimer.ts",
        find: "    this.#lastMs = storeNow\n",
        replace: "    this.#lastMs = storeNow\n    if (mono >= 0) return this.#clock.now()\n",
      },
    ],
  },
  {
    name: "counted-slots",
    what: "A claim asks for as many jobs as handlers are missing, without reserving the slots first.",
    changes: [
      {
        file: "slots/slotPool.ts",
        find: "return this.#reserve(Math.min(most, this.free))",
        replace:
          "const room = Math.min(most, this.free)\n    const counted = this.#reserve(room)\n    this.#reserved -= room\n    return counted",
      },
    ],
  },
  {
    name: "seat-taken-for-slot",
    what: "A job that was claimed ahead starts as if the seat it waits on were a slot.",
    changes: [
      {
        file: "jobs/work/waitingRooms.ts",
        find: "const slot = pool.tryReserve()",
        replace: "const slot = room.reserve(0, 0, true, 0) ?? pool.tryReserve()",
      },
    ],
  },
  {
    name: "slot-freed-by-timeout",
    what: "A handler that ignores its timeout loses its slot to another one.",
    changes: [
      {
        file: "jobs/work/attempt.ts",
        find: "    this.#slot.markStuck()\n",
        replace: "    this.#slot.release()\n",
      },
    ],
  },
  {
    name: "notify-only",
    what: "Work is looked for only after a hint; there is no poll behind it.",
    changes: [
      {
        file: "jobs/work/observer.ts",
        find: "    this.#pollTimer?.cancel()\n    this.#pollTimer =",
        replace:
          "    this.#pollTimer?.cancel()\n    if (pauseMs > 0) return\n    this.#pollTimer =",
      },
    ],
  },
  {
    name: "due-timer-not-armed",
    what: "A job due in the future waits for a poll.",
    changes: [
      {
        file: "jobs/work/observer.ts",
        find: "if (this.#stopped || ms > FAR_MS) return",
        replace: "if (this.#stopped || ms > 0) return",
      },
    ],
  },
  {
    name: "cancel-lost-on-retry",
    what: "A cancel that comes while the handler fails is forgotten when the job is put back for its retry.",
    changes: [
      {
        file: "sqlite/settle.ts",
        find: "if (job.cancelAt !== null) {",
        replace: 'if (job.cancelAt !== null && settlement.to !== "retryable") {',
      },
    ],
  },
  {
    name: "interruptions-count-as-failures",
    what: "A deploy costs the jobs that it interrupts an attempt.",
    changes: [
      {
        file: "sqlite/settle.ts",
        find: 'const failed = to === "retryable" ||',
        replace: 'const failed = to === "retryable" || to === "interrupted" ||',
      },
    ],
  },
  {
    name: "crash-not-counted",
    what: "A job that takes its process with it may do so for ever.",
    changes: [
      {
        file: "sqlite/handBack.ts",
        find: "const crashes = job.crashes + (isCrash ? 1 : 0)",
        replace: "const crashes = job.crashes",
      },
    ],
  },
  {
    name: "new-id-on-retry",
    what: "An enqueue that is sent again is another job.",
    changes: [
      {
        file: "jobs/define/newJobs.ts",
        find: "id: options?.id === undefined ? context.ids.next() : checkId(options.id),",
        replace:
          "id: options?.id === undefined || checkId(options.id) ? context.ids.next() : options.id,",
      },
    ],
  },
  {
    name: "unique-not-rechecked",
    what: "A job that comes back for its retry does not ask whether another took its unique key meanwhile.",
    changes: [
      {
        file: "sqlite/reclaimKey.ts",
        find: "    return false\n  tx.statements",
        replace: "    return true\n  tx.statements",
      },
    ],
  },
  {
    name: "unique-not-in-flight",
    what: "A unique key is looked up among waiting jobs only, so a running job does not keep a second one away.",
    changes: [
      {
        file: "sqlite/enqueueUnique.ts",
        find: "if (holder.id === null || (holder.states & (1 << holder.state)) === 0) return false",
        replace:
          "if (holder.id === null || holder.state === 2 || (holder.states & (1 << holder.state)) === 0) return false",
      },
    ],
  },
  {
    name: "no-jitter",
    what: "Retries wait exactly as long as the policy says.",
    changes: [
      {
        file: "jobs/work/decide.ts",
        find: "const delayMs = retryDelayMs(failures, policy, rng, { error })",
        replace:
          'const delayMs = retryDelayMs(failures, { ...policy, jitter: "none" }, rng, { error })',
      },
    ],
  },
  {
    name: "claims-after-stop",
    what: "A worker goes on claiming after its stop began.",
    changes: [
      {
        file: "jobs/work/workerRun.ts",
        find: "return !this.#stopping && this.lease.trusted",
        replace: "return this.lease.trusted",
      },
    ],
  },
  {
    name: "trust-from-reply",
    what: "A lease is trusted from the reply of a beat on, not from its sending.",
    changes: [
      {
        file: "jobs/work/leaseKeeper.ts",
        find: "      this.#granted(sentMono)\n      // A little early",
        replace: "      this.#granted(clock.monotonic())\n      // A little early",
      },
    ],
  },
  {
    name: "lost-claim-forgotten",
    what: "After a lost reply the worker asks anew, and does not learn what the lost claim brought.",
    changes: [
      {
        file: "jobs/work/exchanger.ts",
        find: "else if (round.asks.length > 0) this.#lost.push(round)",
        replace: "else this.#giveBack(round)",
      },
    ],
  },
  {
    name: "pause-is-a-hint",
    what: "Whether a queue is paused is looked up before the claim, not in it.",
    changes: [
      {
        file: "sqlite/claim.ts",
        find: "if (left <= 0 || tx.queue(queue).paused) continue",
        replace: "if (left <= 0) continue",
      },
    ],
  },
  {
    name: "prune-without-age",
    what: "Retention deletes finished jobs at once.",
    changes: [
      {
        file: "sqlite/upkeep.ts",
        find: "tx.now - ageMs, left)",
        replace: "tx.now - (ageMs > 0 ? 0 : 1), left)",
      },
    ],
  },
  {
    name: "settings-after-first-claim",
    what: "A worker that starts claims for the slots it was made with, and learns later what operators set.",
    changes: [
      {
        file: "jobs/work/workerRun.ts",
        find: "const stored = await this.store.queueSettings()",
        replace: "const stored = (await this.store.queueSettings()).slice(0, 0)",
      },
    ],
  },
  {
    name: "lapsed-worker-spins",
    what: "A worker whose lease has lapsed is offered jobs that it cannot claim, and asks for them again and again.",
    changes: [
      {
        file: "sqlite/peek.ts",
        find: 'if (lease !== "valid") break',
        replace: 'if (lease === "lost") break',
      },
      // A worker renews its lease at once after a leap, so that the other bug has hardly a moment to show.
      {
        file: "jobs/work/workerRun.ts",
        find: "    this.lease.renew()\n",
        replace: "",
      },
    ],
  },
  ...leadershipMutants,
  ...scheduleMutants,
  ...limitMutants,
]
