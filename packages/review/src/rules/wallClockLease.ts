/** wall-clock-lease: whether a lease has ended is decided by a clock that its holder does not have. */
import { appTimeIn } from "../analysis/waits/clocks.ts"
import type { File } from "../analysis/program/file.ts"
import {
  isLeaseEnd,
  leaseComparisonsOf,
  leaseCondition,
  type LeaseComparison,
} from "../analysis/leadership/leaseTimes.ts"
import { speaksOfLock, stepsOf, type Step } from "../analysis/stores/locks.ts"
import { dotted, wordsOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { queriesOf } from "../analysis/rows/queries.ts"
import { ownClassOf } from "../analysis/program/resolve.ts"
import type { Node } from "../ir/nodes.ts"
import type { Draft, Rule, Spot } from "./rule.ts"

/** Accounts that are locked after wrong passwords: minutes do not matter there. */
const LOCKOUT =
  /^(?:users?|accounts?|login|logins|passwords?|credentials?|attempts?|auth|signin|members?|profiles?|pin|otp|lockout|vesting|deposits?|stake\w*|card|cards|screen|captcha)$/

/** Neither blocks nor clocks, neither releases nor please. */
const NAMES_A_LOCK = /(?<![bc])lock|(?<!re|p)lease|claimed|leader/i

/** A parameter of a statement that is called after the time now. */
const NOW_PARAM = /(?:[:@$]|sqlc\.n?arg\(\s*['"]?)(?:now|current_?time|now_?(?:ms|utc|at))\b/i

export const wallClockLease: Rule = {
  id: "wall-clock-lease",
  title: "Lease that ends by another machine's clock",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin", "sql"],
  scope: "code",
  mentions:
    /(?:lock|lease|claimed|leader)\w{0,16}(?:until|till|expir|deadline|at\b|time|end\b|stale|threshold|before|after|cutoff|lessthan)|leader\w{0,60}(?:before|after|(?:less|greater)than\w{0,8})\(|expir\w{0,6}["']?\s{0,3}[<>]|expires|getset/i,
  docs: {
    what: "Whether a lock or lease in a store has expired is decided by comparing it with the time of the machine that wants it.",
    why: "The clocks of two machines differ by seconds, sometimes by minutes, and jump when they are set. A machine whose clock is ahead takes a lease that its holder still has; both work at once, and neither notices.",
    silent: [
      "The database's own clock decides: now(), current_timestamp, $$NOW.",
      "The store counts a relative time itself: PX, EX, TTL, a session's timeout.",
      "The time is only compared in the process that wrote it.",
      "It is no lease: an account locked after wrong passwords, a token, a cache entry.",
    ],
    reach: {
      sees: [
        "Columns and fields of a lease's end by their names (`locked_until`, `lease_expires_at`, `lockedAt`, `claimed_at`; in what is called a lock or lease also `expires_at`) that are compared with a time.",
        "Comparisons in SQL, GORM's and squirrel's conditions, Knex' and TypeORM's `where`, `LessThan`, Drizzle's `lt`, filters of Prisma and MongoDB, Django's `__lt`, SQLAlchemy, Spring Data's derived names and criteria, DynamoDB's ConditionExpression.",
        "Rows that are read and whose end is compared in code before they are taken over.",
        "A parameter that is called after now (`:now`), in files of SQL, strings and `@Query`; and the old recipe with SETNX and GETSET, whose value is the lock's end.",
        "This machine's clock in every language, also behind helpers and names, followed through definitions.",
      ],
      misses: [
        "Leases under other names, and clocks that are not called so.",
        "How well the clocks of the fleet agree.",
        "A comparison that another service makes, and plain JDBC, which prepares a statement in one call and binds its times in others.",
      ],
    },
    fix: "Let the store's clock write and compare the end of the lease (`locked_until < now()`), or use a relative expiry, and fence what is written under the lease.",
    reference: "https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html",
    examples: {
      go: {
        bad: 'db.ExecContext(ctx, "update locks set owner = $1 where name = $2 and locked_until < $3", me, name, time.Now())',
        good: 'db.ExecContext(ctx, "update locks set owner = $1 where name = $2 and locked_until < now()", me, name)',
      },
      python: {
        bad: "Job.objects.filter(locked_until__lt=timezone.now()).update(owner=me)",
        good: "Job.objects.filter(locked_until__lt=Now()).update(owner=me)",
      },
      typescript: {
        bad: "await jobs.findOneAndUpdate({ lockedAt: { $lte: new Date(Date.now() - ttlMs) } }, take)",
        good: 'await pool.query("update jobs set locked_at = now() where locked_at < now() - $1::interval", [ttl])',
      },
      java: {
        bad: 'jdbc.update("update locks set owner = ? where name = ? and lock_until < ?", me, name, Instant.now());',
        good: 'jdbc.update("update locks set owner = ? where name = ? and lock_until < now()", me, name);',
      },
      kotlin: {
        bad: 'jdbc.update("update locks set owner = ? where name = ? and lock_until < ?", me, name, Instant.now())',
        good: 'jdbc.update("update locks set owner = ? where name = ? and lock_until < now()", me, name)',
      },
      sql: {
        bad: "update leases set holder = :me where name = :name and expires_at < :now",
        good: "update leases set holder = :me where name = :name and expires_at < now()",
      },
    },
  },
  check(file, program, report) {
    if (!NAMES_A_LOCK.test(file.text)) return
    if (file.language === "sql") return inSqlFile(program, file, report)
    const seen = new Set<number>()
    for (const one of leaseComparisonsOf(program, file)) {
      const draft = draftOf(program, file, one)
      if (!draft || seen.has(draft.at.start)) continue
      seen.add(draft.at.start)
      report(draft)
    }
    const annotated = inAnnotations(file)
    for (const draft of annotated) report(draft)
    for (const draft of ofGivenNow(program, file)) {
      const isKnown = annotated.some(
        ({ at }) => at.start <= draft.at.start && draft.at.end <= at.end,
      )
      if (!isKnown && !seen.has(draft.at.start)) report(draft)
    }
    for (const step of stepsOf(program, file)) {
      const draft = inValue(program, step)
      if (draft) report(draft)
    }
  },
}

function draftOf(program: Program, file: File, one: LeaseComparison): Draft | null {
  if (isLockout(file, one)) return null
  for (const time of one.times) {
    const clock = appTimeIn(program, file, time)
    if (!clock) continue
    const at = definedAt(file, one, time) ?? one.at
    return found(at, one.column, [
      { text: "this machine's time is taken here", at: isWithin(file, clock) ? clock : at },
      { text: `and the store compares \`${one.column}\` with it here`, at: one.at },
    ])
  }
  return null
}

function found(at: Spot, column: string, because: NonNullable<Draft["because"]>): Draft {
  return {
    at,
    tier: "likely",
    severity: "medium",
    message: `Whether the lease (\`${column}\`) has ended is decided by this machine's clock, not by the one that all share`,
    because,
    checked: [
      "the comparison does not use the database's clock",
      "the expiry is no relative time that the store counts",
      "nothing here speaks of an account that is locked after wrong passwords",
    ],
  }
}

/** Where the deadline is computed, when that has a line of its own in this function. */
function definedAt(file: File, one: LeaseComparison, time: Node): Node | null {
  if (time.kind !== "name" || !isLeaseEnd(time.name)) return null
  const fn = file.functionOf(one.at)
  return (
    file.assignments.find(
      (assign) =>
        fn !== null &&
        assign.start >= fn.start &&
        assign.end <= one.at.start &&
        assign.targets.some((target) => target.kind === "name" && target.name === time.name),
    ) ?? null
  )
}

function isWithin(file: File, node: Node): boolean {
  return file.parentOf(node) !== null
}

function isLockout(file: File, one: LeaseComparison): boolean {
  const texts = [
    one.column,
    file.methodOf(one.at)?.name ?? "",
    ownClassOf(file, one.at) ?? "",
    file.path
      .split("/")
      .at(-1)!
      .replace(/\.\w+$/, ""),
    statementText(file, one.at),
  ]
  return texts.flatMap(wordsOf).some((word) => LOCKOUT.test(word))
}

/** The table or model that a comparison is about, as far as its call names it. */
function statementText(file: File, at: Node): string {
  const call =
    at.kind === "call" ? at : [...file.ancestorsOf(at)].find((one) => one.kind === "call")
  if (call?.kind !== "call") return ""
  const text = call.args.find((arg) => arg.kind === "string" || arg.kind === "template")
  const table = text
    ? (/\b(?:from|update|into)\s+([\w."]+)/i.exec(file.textOf(text))?.[1] ?? "")
    : ""
  return `${dotted(call.callee)} ${table}`
}

/** The old recipe: the lock's value is its end, and whoever reads that it has passed takes it. */
function inValue(program: Program, claim: Step): Draft | null {
  const { file, store } = claim
  if (store.kind !== "claim" || !store.value || store.expires === true || !speaksOfLock(claim))
    return null
  const clock = appTimeIn(program, file, store.value)
  if (!clock) return null
  const swap = file.calls.find((call) => /^get_?set$/i.test(call.name))
  if (!swap) return null
  return found(store.call, dotted(store.key) || "the lock's value", [
    { text: "this machine's time is stored as the lock's end", at: store.call },
    { text: "and the lock is taken over here when it has passed", at: swap },
  ])
}

const GIVEN_NOW =
  /\b(?:\w+\.)?(\w+)\s*(?:<=?|>=?)\s*(?::now|:current_?(?:time|date)\w*|:now_?\w*)\b/i

/** `@Query("update Lease l … where l.expiresAt < :now")`: the time is a parameter that says so. */
function inAnnotations(file: File): Draft[] {
  return file.classes.flatMap(({ methods }) =>
    methods.flatMap((fn) =>
      fn.annotations.flatMap((annotation) => {
        if (!/(?:Query|Update|SqlUpdate|Delete)$/.test(annotation.name)) return []
        const text = file.textOf(annotation)
        const column = GIVEN_NOW.exec(text)?.[1]
        if (!column || !/\bupdate\b|\bdelete\b|for update/i.test(text)) return []
        if (!isLeaseEnd(column, text) || wordsOf(text).some((word) => LOCKOUT.test(word))) return []
        return [
          found(annotation, column, [
            { text: "the time is a parameter: whoever calls gives its own", at: annotation },
          ]),
        ]
      }),
    ),
  )
}

/** `update locks … where expires_at <= :now` in a string: whoever calls gives its own time. */
function ofGivenNow(program: Program, file: File): Draft[] {
  return queriesOf(program, file).flatMap(({ node, text, statements }) => {
    const condition = statements.map(leaseCondition).find((one) => one !== null)
    if (!node || !condition) return []
    const value = text.slice(condition.value.start, condition.value.end)
    if (!NOW_PARAM.test(value) || wordsOf(text).some((word) => LOCKOUT.test(word))) return []
    const base = file.text.indexOf(text, node.start)
    const isPlain = base >= 0 && base + text.length <= node.end
    const at = isPlain ? { start: base + condition.start, end: base + condition.end } : node
    return [
      found(at, condition.column, [
        { text: "the time is a parameter: whoever calls gives its own", at },
      ]),
    ]
  })
}

/** In a file of SQL the time is a parameter that says so. */
function inSqlFile(program: Program, file: File, report: (draft: Draft) => void): void {
  for (const query of queriesOf(program, file)) {
    for (const statement of query.statements) {
      const condition = leaseCondition(statement)
      if (!condition) continue
      const value = file.text.slice(condition.value.start, condition.value.end)
      if (!NOW_PARAM.test(value) || /coalesce/i.test(value)) continue
      if (statement.writes.some((table) => wordsOf(table.name).some((word) => LOCKOUT.test(word))))
        continue
      report(
        found({ start: condition.start, end: condition.end }, condition.column, [
          { text: "the time is a parameter: whoever calls gives its own", at: condition.value },
        ]),
      )
    }
  }
}
