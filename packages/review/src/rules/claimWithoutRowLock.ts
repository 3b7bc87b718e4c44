/** claim-without-row-lock: two workers choose the same row, and both take it. */
import type { File } from "../analysis/program/file.ts"
import type { Program } from "../analysis/program/program.ts"
import { claimsInFunctions, claimsInQueries, type RowClaim } from "../analysis/rows/rowClaims.ts"
import { isRowGuarded } from "../analysis/rows/rowGuards.ts"
import type { Draft, Rule } from "./rule.ts"

/** One writer at a time: choosing and marking cannot come between each other. */
const ONE_WRITER = /sqlite|better-sqlite3|libsql|duckdb/i

export const claimWithoutRowLock: Rule = {
  id: "claim-without-row-lock",
  title: "Claim without a row lock",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin", "sql"],
  scope: "code",
  mentions:
    /[uU]pdate|UPDATE|[sS]ave|commit|[nN]ext_?[rR]un|\b(?:[mM]ark|[tT]ake|[sS]tart|[pP]ick|[aA]ssign|[lL]ock|[sS]et)(?:[A-Z_]\w*)?\(/,
  docs: {
    what: "Code chooses the next row by its state (status = 'pending' … LIMIT 1) and then marks it as taken by its key. The row is not locked when it is chosen, and the mark does not look at the state again.",
    why: "Two workers choose the same row before either has marked it. Both marks succeed, and the job runs twice. The same happens where a worker marks rows only as done, after the work, or moves them on to their next time: in the same function, in one that it gives a row to, or in the one that asked for the rows. This holds for one statement with a subquery too: the second update waits for the first and then marks the same row again.",
    silent: [
      "The rows are locked when they are chosen: FOR UPDATE, SKIP LOCKED, and their like in query builders.",
      "The update names the state in its WHERE, so that only one of two changes a row.",
      "A lock is held around both, or the file is of a database with one writer only (SQLite, libSQL, DuckDB).",
    ],
    reach: {
      sees: [
        "One statement, CTE or SQL function that selects rows by their state or due time with a LIMIT and updates them, in strings and in files of SQL.",
        "A read and a later update of the same table in one function, each by itself or through a function of the program up to three calls away, also in another file: SQL in strings, Knex, Kysely, Drizzle, Prisma, Supabase, TypeORM, Mongoose and MongoDB, Django, SQLAlchemy, GORM, JdbcTemplate, Spring Data, and entities that are changed and saved.",
        "Columns that say that somebody has a row (`status`, `state`, `locked_at`, `claimed_by`, `picked_at`, `worker_id`, `reserved_until`, `processing` and their like) or when it is due (`next_run_at`, `run_at`, `available_at`, `retry_at`).",
        "Work that is marked only when it is over (`processed_at`, `sent`, `status = 'done'`) in files and functions named after queues, workers, outboxes, relays, polling or dispatch, and due times that are moved on: in the same function, one that is given the row, or up to two callers away.",
      ],
      misses: [
        "A row that is chosen in one function and marked as taken in another that neither calls, and that no third one calls.",
        "State columns with names of their own, and rows that are asked for by their key.",
        "Plain JDBC, which prepares a statement in one call and runs it in another.",
        "An isolation level that is set for the whole database or connection.",
      ],
    },
    fix: "Choose with FOR UPDATE SKIP LOCKED in the same transaction or statement, or put the expected state into the WHERE of the update and look at how many rows it changed.",
    reference: "https://www.postgresql.org/docs/current/sql-select.html#SQL-FOR-UPDATE-SHARE",
    examples: {
      go: {
        bad: "db.QueryRow(\"SELECT id FROM jobs WHERE status = 'pending' LIMIT 1\").Scan(&id)\ndb.Exec(\"UPDATE jobs SET status = 'running' WHERE id = $1\", id)",
        good: "tx.QueryRow(\"SELECT id FROM jobs WHERE status = 'pending' LIMIT 1 FOR UPDATE SKIP LOCKED\").Scan(&id)\ntx.Exec(\"UPDATE jobs SET status = 'running' WHERE id = $1\", id)",
      },
      python: {
        bad: 'job = Job.objects.filter(status="pending").first()\njob.status = "running"\njob.save()',
        good: 'job = Job.objects.select_for_update(skip_locked=True).filter(status="pending").first()\njob.status = "running"\njob.save()',
      },
      typescript: {
        bad: 'const job = await db("jobs").where({ status: "pending" }).first()\nawait db("jobs").where({ id: job.id }).update({ status: "running" })',
        good: 'const taken = await db("jobs").where({ id: job.id, status: "pending" }).update({ status: "running" })\nif (taken === 0) return null',
      },
      java: {
        bad: "Job job = jobs.findFirstByStatus(PENDING);\njob.setStatus(RUNNING);\njobs.save(job);",
        good: "if (jobs.claim(job.getId(), PENDING, RUNNING) == 1) {\n  run(job);\n}",
      },
      kotlin: {
        bad: "val job = jobs.findFirstByStatus(PENDING)\njob.status = RUNNING\njobs.save(job)",
        good: "if (jobs.claim(job.id, PENDING, RUNNING) == 1) run(job)",
      },
      sql: {
        bad: "UPDATE jobs SET status = 'running'\nWHERE id = (SELECT id FROM jobs WHERE status = 'pending' LIMIT 1);",
        good: "UPDATE jobs SET status = 'running'\nWHERE id = (SELECT id FROM jobs WHERE status = 'pending' LIMIT 1 FOR UPDATE SKIP LOCKED);",
      },
    },
  },
  check(file, program, report) {
    if (ONE_WRITER.test(file.path) || file.unit.imports.some((one) => ONE_WRITER.test(one.module)))
      return
    for (const claim of claimsOf(program, file)) {
      if (claim.fn && isRowGuarded(program, file, claim.fn)) continue
      report(draftOf(claim))
    }
  },
}

function claimsOf(program: Program, file: File): RowClaim[] {
  const inQueries = claimsInQueries(program, file)
  return file.language === "sql" ? inQueries : [...inQueries, ...claimsInFunctions(program, file)]
}

function draftOf(claim: RowClaim): Draft {
  return {
    at: claim.chosen,
    tier: "likely",
    severity: claim.isAfterwards ? "medium" : "high",
    message: claim.isAfterwards
      ? "the next rows are chosen by their state, worked on, and marked as done only afterwards: two workers do the same work"
      : claim.isOneStatement
        ? "rows are chosen by their state and marked as taken without a row lock: two that run it at once take the same rows"
        : "the next row is chosen by its state and marked as taken afterwards, without a row lock: two workers take the same row",
    because: [
      { text: "rows are chosen here, and not locked", at: claim.chosen },
      claim.isAfterwards
        ? {
            text: "they are marked as done here, when the work is over",
            at: claim.marked,
            ...(claim.markedIn ? { file: claim.markedIn } : {}),
          }
        : {
            text: "they are marked as taken here, whatever their state is by then",
            at: claim.marked,
          },
    ],
    checked: [
      "no FOR UPDATE, SKIP LOCKED or other lock is taken when they are chosen",
      "the update does not name the state in its WHERE",
      "no lock is held around both",
    ],
  }
}
