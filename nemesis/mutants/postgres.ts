import { fromSimulator, planted } from "./planted.ts"
import type { Hunted } from "./planted.ts"

/** Bugs that real processes on Postgres must meet. They are in the workers: the server's own functions are as they are. */
export const postgresMutants: readonly Hunted[] = [
  planted("no-fence", "A completion looks for the job's id and state only.", {
    faults: ["pause", "blackhole"],
    features: ["long"],
    by: ["overlap", "settle", "owner"],
    changes: [
      {
        file: "postgres/generated/queries.ts",
        find: "and j.id = e.id and j.state = 2 and j.attempt = e.attempt and j.token = e.token",
        replace: "and j.id = e.id and j.state = 2",
      },
    ],
  }),
  planted("rescue-without-lease", "A rescue takes workers for lost three seconds too early.", {
    faults: ["kill"],
    features: ["long"],
    by: ["robbed"],
    changes: [
      {
        file: "postgres/generated/queries.ts",
        find: "($2::boolean and w.lease_until < floor",
        replace: "($2::boolean and w.lease_until - 3000 < floor",
      },
      {
        file: "postgres/generated/queries.ts",
        find: "and ($2::boolean or lease_until < floor",
        replace: "and ($2::boolean or lease_until - 3000 < floor",
      },
    ],
  }),
  planted("client-clock", "A lease ends by the wall clock of the worker's machine.", {
    faults: ["skew", "kill"],
    features: ["long"],
    by: ["robbed"],
    changes: [
      {
        file: "postgres/generated/queries.ts",
        find: "set beat_at = {schema}.clock_ms(), lease_until = {schema}.clock_ms() + $3::bigint",
        replace: "set beat_at = {schema}.clock_ms(), lease_until = $3::bigint",
      },
      {
        file: "postgres/workers.ts",
        find: "const values = [worker.ref, worker.token, leaseMs]",
        replace: "const values = [worker.ref, worker.token, database.clock.now() + leaseMs]",
      },
    ],
  }),
  fromSimulator("notify-only", { faults: ["deaf"], features: ["delayed"], by: ["unheard", "run"] }),
  fromSimulator("counted-slots", { faults: [], features: ["narrow"], by: ["feature narrow"] }),
  fromSimulator("lost-claim-forgotten", {
    // A worker that dies or loses its lease gives back what it does not know of.
    only: true,
    faults: ["cutOnCommit"],
    features: ["plain"],
    by: ["loss", "run"],
  }),
  planted("no-watermark-sweep", "Claims never look below the ranks of those claimed before.", {
    // A process that starts anew looks everywhere, and so does one that takes back what another ran.
    only: true,
    faults: ["xmin"],
    features: ["late"],
    by: ["feature late"],
    changes: [
      {
        file: "postgres/lowMarks.ts",
        find: "if (this.#isOwed || nowMono - this.#lookedMono >= LONGEST_BLIND_MS) return unbounded(lanes)",
        replace: "if (this.#isOwed) this.#isOwed = false",
      },
      {
        file: "postgres/lowMarks.ts",
        find: "return mayLook ? unbounded(lanes) : undefined",
        replace: "return mayLook ? undefined : undefined",
      },
    ],
  }),
  planted("leader-without-fence", "What a leader writes is not checked against its term.", {
    faults: ["pauseMidway"],
    features: [],
    by: ["terms"],
    changes: [
      {
        file: "postgres/generated/queries.ts",
        find: "where term = $1::bigint and token = $2::bigint and until_at > {schema}.clock_ms()\nfor key share",
        replace: "where $1::bigint > 0 and $2::bigint > 0",
      },
    ],
  }),
]
