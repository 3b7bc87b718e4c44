import type { Allowance } from "./rule.ts"

/** The exceptions to the rules, each with its reason. */
export const allowances: readonly Allowance[] = [
  {
    rule: "banned-globals",
    path: "tools/check/main.ts",
    item: "performance",
    reason: "It shows how long the steps of a check really took.",
  },
  {
    rule: "banned-globals",
    path: "bench/",
    reason: "A benchmark measures real time on a real machine.",
  },
  {
    rule: "banned-globals",
    path: "examples/",
    reason: "An example is a user's program, which has the platform's clocks.",
  },
  {
    rule: "banned-globals",
    path: "packages/review/src/engine/clock.ts",
    reason: "The reviewer shows how long it took, and gives up a thread that is stuck.",
  },
  {
    rule: "banned-globals",
    path: "packages/review/src/cli/main.ts",
    reason: "The command hands the platform's clock and chance to what it starts.",
  },
  {
    rule: "banned-globals",
    path: "packages/review/fuzz/main.ts",
    reason: "It kills what hangs, and tells what was slow.",
  },
  {
    rule: "sql-outside-stores",
    path: "packages/review/",
    reason: "It reads the SQL of others, which no database runs here.",
  },
  {
    rule: "sql-outside-stores",
    path: "bench/ceiling.ts",
    reason: "The raw ceiling is the same durable work in SQL alone.",
  },
  {
    rule: "sql-outside-stores",
    path: "bench/postgresLayout.ts",
    reason: "It measures layouts of tables that no store has.",
  },
  {
    rule: "sql-outside-stores",
    path: "bench/postgresLayouts.ts",
    reason: "They are layouts of tables that no store has.",
  },
  {
    rule: "sql-outside-stores",
    path: "bench/peers/",
    reason: "It asks the databases of other queues, and holds a transaction open beside them.",
  },
  {
    rule: "sql-outside-stores",
    path: "packages/drover/crash/ground.ts",
    reason: "SQLite itself judges the file that the killed processes left, without the store.",
  },
  {
    rule: "sql-outside-stores",
    path: "examples/transaction.ts",
    reason: "It shows a user's own statements in the same transaction as an enqueue.",
  },
  {
    rule: "file-size",
    path: "packages/review/src/ir/nodes.ts",
    reason:
      "The whole tree that frontends make and rules read, one short type for each kind of node.",
  },
  {
    rule: "file-size",
    path: "packages/drover/src/postgres/postgresStore.ts",
    reason: "The table of contents of a store: one thin method for each operation of the contract.",
  },
  {
    rule: "file-size",
    path: "packages/drover/src/sqlite/sqliteStore.ts",
    reason: "The table of contents of a store: one thin method for each operation of the contract.",
  },
  {
    rule: "function-size",
    path: "packages/drover/src/postgres/fixtures/jobRules.ts",
    reason: "It declares one list of tests for every library.",
  },
  {
    rule: "sql-outside-stores",
    path: "examples/postgres.ts",
    reason: "A user's own table, and the end of the schema that the example made.",
  },
  {
    rule: "sql-outside-stores",
    path: "examples/transactionDrizzle.ts",
    reason: "It makes a user's own table, to write to it in the same transaction as an enqueue.",
  },
  {
    rule: "sql-outside-stores",
    path: "examples/onlyOnLeader.ts",
    reason: "The user's own table, fenced by the term.",
  },
  {
    rule: "sql-outside-stores",
    path: "examples/transactionSql.ts",
    reason: "It shows how a trigger enqueues.",
  },
  {
    rule: "sql-outside-stores",
    path: "packages/drover/src/client/scheduledKeys.test.ts",
    reason: "It reads the keys of a job, which the store shows to nobody.",
  },
  {
    rule: "sql-outside-stores",
    path: "packages/drover/src/jobs/work/worker.test.ts",
    reason: "A handler that blocks looks at its lease without turning the event loop.",
  },
  {
    rule: "sql-outside-stores",
    path: "packages/drover/src/client/settleInTransaction.test.ts",
    reason: "It writes a user's own rows in the same transaction as a settlement.",
  },
  {
    rule: "sql-outside-stores",
    path: "packages/drover/src/client/transaction.test.ts",
    reason: "It writes a user's own rows in the same transaction as an enqueue.",
  },
  {
    rule: "sql-outside-stores",
    path: "nemesis/",
    reason: "Faults and witnesses work on databases past the store that they are there to judge.",
  },
  {
    rule: "sql-outside-stores",
    path: "sim/checks/ledger.ts",
    reason: "The simulator's witness reads the tables past the store that it judges.",
  },
  {
    rule: "sql-outside-stores",
    path: "tools/sqlgen/sqlgen.test.ts",
    reason: "The generator is tested on statements, which no database runs.",
  },
  {
    rule: "sql-outside-stores",
    path: "tools/newMigration/createMigration.test.ts",
    reason: "Its migrations are files that no database runs.",
  },
]
