import { fromSimulator, planted } from "./planted.ts"
import type { Hunted } from "./planted.ts"

/** Bugs that real processes on SQLite must meet: most are the simulator's, each with what brings it out. */
export const sqliteMutants: readonly Hunted[] = [
  fromSimulator("no-fence", {
    faults: ["edge", "pause", "block"],
    features: ["long"],
    by: ["overlap", "settle", "owner"],
  }),
  fromSimulator("settle-after-rescue", {
    faults: ["pause", "block"],
    features: ["long"],
    by: ["overlap", "settle"],
  }),
  planted(
    "read-then-write-rescue",
    "A rescue writes by their ids the jobs that it read in the round before, whatever became of them.",
    {
      // Whoever read must still lead when it writes.
      only: true,
      faults: ["edge"],
      features: ["long"],
      by: ["overlap", "settle", "budget"],
      changes: [
        {
          file: "sqlite/handBack.ts",
          find: 'return tx.statements.all("jobs_of_worker", worker, limit).map((row) => {',
          replace: `const rows = tx.statements.all("jobs_of_worker", worker, limit)
  const before = lastRead.get(worker)
  if (before === undefined) lastRead.set(worker, rows)
  else lastRead.delete(worker)
  const known = cause.actor === "rescue" ? (before ?? []) : rows
  return known.map((row) => {`,
        },
        {
          file: "sqlite/handBack.ts",
          find: 'const AVAILABLE = stateCode("available")',
          replace: 'const AVAILABLE = stateCode("available")\nconst lastRead = new Map()',
        },
        {
          file: "sqlite/workers.ts",
          find: "(lostWorkers(tx, context, request).length === 0 ?",
          replace: "(lostWorkers(tx, context, request).length + lost.length === 0 ?",
        },
        {
          file: "sqlite/workers.ts",
          find: "write: (tx) => takeBack(tx, lostWorkers(tx, context, request), limit),",
          replace: `write: (tx) => {
      const rescued = takeBack(tx, lost.splice(0), limit)
      lost.push(...lostWorkers(tx, context, request))
      takeBack(tx, lost, limit)
      return rescued
    },`,
        },
        {
          file: "sqlite/workers.ts",
          find: "const BATCH = 500",
          replace: "const BATCH = 500\nconst lost = []",
        },
        {
          file: "sqlite/workers.ts",
          find: "if (handed.length < left) end(",
          replace: "if (handed.length > 0) end(",
        },
        {
          file: "sqlite/generated/queries.ts",
          find: "  trail = ?\nwhere seq = ? and state = 2 and worker = ?",
          // A constraint of the table would refuse it for jobs that have ended.
          replace: "  trail = ?,\n  finished_at = null\nwhere seq = ? and ? > 0",
        },
      ],
    },
  ),
  fromSimulator("client-clock", {
    faults: ["skew"],
    features: ["delayed"],
    by: ["feature delayed"],
  }),
  fromSimulator("rescue-without-lease", { faults: ["kill"], features: ["long"], by: ["robbed"] }),
  fromSimulator("counted-slots", { faults: [], features: ["narrow"], by: ["feature narrow"] }),
  fromSimulator("crash-not-counted", {
    faults: ["kill"],
    features: ["poison"],
    by: ["feature poison"],
  }),
  fromSimulator("interruptions-count-as-failures", {
    faults: ["terminate"],
    features: ["flaky"],
    by: ["budget", "feature flaky"],
  }),
  fromSimulator("unique-not-in-flight", {
    faults: [],
    features: ["unique"],
    by: ["feature unique"],
  }),
  planted(
    "counted-limits",
    "A claim counts only the first of the jobs that it takes against their limits.",
    {
      faults: [],
      features: ["limited"],
      by: ["feature limited"],
      changes: [
        {
          file: "sqlite/limitedClaim.ts",
          find: "          meter.take(...attemptOf(row))\n",
          replace: "          if (picked.length === 0) meter.take(...attemptOf(row))\n",
        },
      ],
    },
  ),
  planted("leader-without-fence", "What a leader writes is not checked against its term.", {
    faults: ["pauseLeader"],
    features: [],
    by: ["terms"],
    changes: [
      {
        file: "sqlite/terms.ts",
        find: 'return tx.statements.first("live_term", term, token, tx.now) !== undefined',
        replace: "return term > 0 && token > 0 && tx.now > 0",
      },
    ],
  }),
]
