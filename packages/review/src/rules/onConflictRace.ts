/** on-conflict-race: two inserts of the same thing, or an older one over a newer one. */
import { leaves } from "../analysis/program/failures.ts"
import type { File } from "../analysis/program/file.ts"
import type { Program } from "../analysis/program/program.ts"
import { type Query, queriesOf, textIn } from "../analysis/rows/queries.ts"
import { type RowCall, textOfWay } from "../analysis/rows/rowCall.ts"
import { rowCallsOf } from "../analysis/rows/rowCalls.ts"
import { bare, singular, someNode } from "../analysis/rows/rows.ts"
import { isRowGuarded } from "../analysis/rows/rowGuards.ts"
import { uniquenessOf } from "../analysis/rows/schemas.ts"
import type { SqlConflict } from "../analysis/rows/sql/statement.ts"
import type { Func, Node } from "../ir/nodes.ts"
import type { Draft, Rule, Spot } from "./rule.ts"
import { unitAround } from "../analysis/program/units.ts"

/** Columns whose order says which of two writes is the newer. */
const ORDERED =
  /^(?:version|revision|rev|seq|seqno|sequence|sequencenumber|generation|epoch|lsn|offset|eventtime|eventat|occurredat|eventversion|lasteventid|lasteventat|lasteventtime|lastsequence|sourceupdatedat|sourceversion)$/
const HANDLED =
  /unique|duplicate|IntegrityError|ConstraintViolation|DataIntegrity|23505|P2002|11000|1062|AlreadyExists|on_?conflict|upsert|ignore|get_or_create|findOrCreate|FirstOrCreate|(?<![a-z])merge(?![a-z])/i

export const onConflictRace: Rule = {
  id: "on-conflict-race",
  title: "Race around an insert",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin", "sql"],
  scope: "code",
  mentions:
    /[iI]nsert|INSERT|[cC]reate|save|\.add\(|CONFLICT|conflict|DUPLICATE|\b(?:[aA]dd|[pP]ut|[sS]tore|[rR]egister|[rR]ecord|[pP]ersist)(?:[A-Z_]\w*)?\(/,
  docs: {
    what: "Code looks whether a row is there and inserts it when it is not, with no unique index behind it; or ignores that ON CONFLICT DO NOTHING did nothing; or lets an upsert put an older version over a newer one.",
    why: "Two requests look at the same time, both find nothing, both insert. An insert that was skipped is counted as if it had happened. Events that arrive in the wrong order leave the older state.",
    silent: [
      "A unique index or constraint covers the columns that are looked for, and nobody is owed the row that is there.",
      "The insert says what to do on a conflict, or the violation is caught.",
      "The upsert has a WHERE on the version, or takes the greater one.",
      "A lock is held around both.",
    ],
    reach: {
      sees: [
        "A read of rows and an insert into the same table that it decides on, in one function or through functions of the program that bring the row and put it in, up to three calls away and in other files: SQL in strings, Knex, Drizzle, Supabase, Prisma, TypeORM, Sequelize, Mongoose, Django, SQLAlchemy, GORM, Spring Data.",
        "Unique keys: of CREATE TABLE and CREATE UNIQUE INDEX in files of SQL, and in entity classes that speak of uniqueness.",
        "`ON CONFLICT DO NOTHING` whose count nobody looks at, before an update that adds.",
        "Upserts (ON CONFLICT DO UPDATE, ON DUPLICATE KEY UPDATE), in strings and files of SQL, that set a version, sequence, epoch, offset or time of an event to what comes.",
      ],
      misses: [
        "Unique keys that stand in Prisma's schema, in migrations that are code, or only in the database: then it is of tier context, unless the function hands out either row.",
        "Upserts of mappers and query builders that put an older version over a newer one.",
        "A read and an insert of which neither is in reach of the function that decides.",
      ],
    },
    fix: "Add a unique index and insert with ON CONFLICT; look at how many rows it changed; guard upserts with WHERE excluded.version > table.version.",
    reference: "https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT",
    examples: {
      go: {
        bad: 'db.Exec("INSERT INTO seen (id) VALUES ($1) ON CONFLICT DO NOTHING", id)\ndb.Exec("UPDATE totals SET n = n + 1")',
        good: 'res, _ := db.Exec("INSERT INTO seen (id) VALUES ($1) ON CONFLICT DO NOTHING", id)\nif n, _ := res.RowsAffected(); n == 1 {\n\tdb.Exec("UPDATE totals SET n = n + 1")\n}',
      },
      python: {
        bad: "if not Tag.objects.filter(name=name).exists():\n    Tag.objects.create(name=name)",
        good: "Tag.objects.get_or_create(name=name)  # name is unique",
      },
      typescript: {
        bad: 'await db.query("INSERT INTO items (id, version) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET version = excluded.version", [id, v])',
        good: 'await db.query("INSERT INTO items (id, version) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET version = excluded.version WHERE items.version < excluded.version", [id, v])',
      },
      java: {
        bad: "if (!tags.existsByName(name)) {\n  tags.save(new Tag(name));\n}",
        good: "try {\n  tags.save(new Tag(name)); // name is unique\n} catch (DataIntegrityViolationException e) {\n  return;\n}",
      },
      kotlin: {
        bad: "if (tags.findByName(name) == null) tags.save(Tag(name))",
        good: "tags.insertIgnore(name)",
      },
      sql: {
        bad: "INSERT INTO items (id, version) VALUES ($1, $2)\nON CONFLICT (id) DO UPDATE SET version = excluded.version;",
        good: "INSERT INTO items (id, version) VALUES ($1, $2)\nON CONFLICT (id) DO UPDATE SET version = excluded.version\nWHERE items.version < excluded.version;",
      },
    },
  },
  check(file, program, report) {
    for (const query of queriesOf(program, file)) {
      for (const draft of overwrites(query)) report(draft)
    }
    if (file.language === "sql") return
    const rows = rowCallsOf(program, file)
    const seen = new Set<number>()
    for (const row of rows) {
      const fn = unitAround(file, row.call)
      if (!fn) continue
      const draft =
        ignoredConflict(file, fn, row, rows) ?? checkedInsert(program, file, fn, row, rows)
      if (!draft || seen.has(draft.at.start)) continue
      seen.add(draft.at.start)
      report(draft)
    }
  },
}

/** What somebody runs once, by hand. */
const ONCE = /(?:^|\/)(?:seeds?|migrations?|scripts|fixtures)(?:\/|\.\w+$)/

/** Upserts that take a version as it comes. */
function overwrites(query: Query): Draft[] {
  return query.statements.flatMap((statement) => {
    const conflict = statement.onConflict
    if (!conflict || conflict.action !== "update" || conflict.where.length > 0) return []
    const set = conflict.sets.find(
      (one) => ORDERED.test(bare(one.column)) && isTakenAsItComes(query, one.value),
    )
    if (!set || hasWhere(query, conflict)) return []
    const at: Spot = query.node ? query.at : set
    return [
      {
        at,
        tier: "likely",
        severity: "medium",
        message: `the upsert sets \`${set.column}\` to whatever comes: what arrives late puts an older row over a newer one`,
        because: [{ text: "no condition compares it with what is there", at }],
        checked: [
          "the update part of the upsert has no WHERE",
          "no GREATEST or CASE chooses the newer one",
        ],
      } satisfies Draft,
    ]
  })
}

function isTakenAsItComes(query: Query, value: Spot): boolean {
  const text = textIn(query, value)
  return /^\s*(?:excluded\.|values\s*\(|new\.|[$:@?%])/i.test(text)
}

function hasWhere(query: Query, conflict: SqlConflict): boolean {
  return /\bwhere\b|\bgreatest\b|\bcase\b|\bif\s*\(/i.test(
    textIn(query, { start: conflict.start, end: conflict.end + 200 }),
  )
}

/** `ON CONFLICT DO NOTHING` whose result nobody looks at, before something that counts on it. */
function ignoredConflict(
  file: File,
  fn: Func,
  row: RowCall,
  rows: readonly RowCall[],
): Draft | null {
  const conflict = row.query?.statements.find((one) => one.onConflict?.action === "nothing")
  if (!conflict || conflict.returning || row.through || !isIgnored(file, row)) return null
  const next = rows.find(
    (one) =>
      one.call.start > row.call.end &&
      one.call.end <= fn.end &&
      one.kind === "update" &&
      (one.query
        ? one.query.statements.some((each) => each.sets.some((set) => set.isSelfReferential))
        : one.sets.some((set) => set.isSelfReferential)),
  )
  if (!next || /rowcount|rowsAffected|RowsAffected|\bchanges\b|affected/i.test(file.textOf(fn)))
    return null
  return {
    at: row.call,
    tier: "likely",
    severity: "medium",
    message: "the insert does nothing on a conflict, and what follows counts as if it had inserted",
    because: [
      { text: "whether a row was inserted is not looked at", at: row.call },
      { text: "this is added whatever happened", at: next.call },
    ],
    checked: [
      "the number of changed rows is not looked at",
      "no RETURNING tells whether a row was inserted",
    ],
  }
}

function isIgnored(file: File, row: RowCall): boolean {
  for (const outer of file.ancestorsOf(row.call)) {
    if (outer.kind === "assign")
      return outer.targets.every((one) => one.kind === "name" && /^(?:_|err|error)$/.test(one.name))
    if (outer.kind === "block") return true
    if (outer.kind === "call" || outer.kind === "return" || outer.kind === "binary") return false
  }
  return true
}

/** Looks whether a row is there, and inserts it when it is not. */
function checkedInsert(
  program: Program,
  file: File,
  fn: Func,
  read: RowCall,
  rows: readonly RowCall[],
): Draft | null {
  const columns = read.where.map((one) => one.column)
  if (read.kind !== "read" || !read.table || read.locks || columns.length === 0) return null
  if (ONCE.test(file.path)) return null
  if (columns.every((column) => /^(?:id|pk|_id)$/.test(column))) return null
  const insert = rows.find(
    (one) =>
      one.call.start > read.call.end &&
      one.call.end <= fn.end &&
      (one.kind === "insert" || one.kind === "save") &&
      isInsertInto(file, one, read) &&
      !isOfRow(file, read, one) &&
      (one.query === null ||
        columns.every((column) => one.sets.some((set) => set.column === column))),
  )
  if (!insert || !isDecidedBy(file, fn, read, insert)) return null
  if (isNeeded(fn, read, insert)) return null
  if (HANDLED.test(`${bodyText(file, fn)} ${textOfWay(insert)}`) || isRowGuarded(program, file, fn))
    return null
  const uniqueness = uniquenessOf(program, read.table, columns)
  if (uniqueness !== "free" && handsOutEither(file, fn, read, insert))
    return getOrMake(read.call, insert.call, uniqueness === "unique")
  if (uniqueness === "unique") return null
  return {
    at: insert.call,
    tier: uniqueness === "free" ? "likely" : "context",
    severity: "low",
    message: `a row is inserted when none was found before, and nothing keeps two from doing so at once`,
    because: [
      { text: `looked for here, by ${[...new Set(columns)].join(", ")}`, at: read.call },
      { text: "inserted here", at: insert.call },
    ],
    checked: [
      "no unique index or constraint covers what is looked for",
      "the insert has no ON CONFLICT, and no violation is caught",
      "no lock is held around both",
    ],
  }
}

/** What a function is called says nothing of what it handles. */
function bodyText(file: File, fn: Func): string {
  return file.textOf(fn.body ?? fn)
}

/** Who comes second is owed the row that is there, and makes a second one, or fails on an index that is not seen here. */
function getOrMake(read: Node, insert: Node, isUnique: boolean): Draft {
  return {
    at: insert,
    tier: "likely",
    severity: "low",
    message: isUnique
      ? "the row is made when none was found before; of two that look at once, one fails on the unique key instead of getting the other's"
      : "the row is made when none was found before; of two that look at once, each makes one, or one fails instead of getting the other's",
    because: [
      { text: "looked for here", at: read },
      { text: "made here", at: insert },
    ],
    checked: [
      isUnique
        ? "nothing looks again after the unique key refused the second one"
        : "no unique index covers what is looked for, as far as schemas are here",
      "the insert has no ON CONFLICT, and no violation is caught",
      "no lock is held around both",
    ],
  }
}

/** `user = find(…); if (!user) user = create(…); return user`, `if (user) return user; return create(…)`. */
function handsOutEither(file: File, fn: Func, read: RowCall, insert: RowCall): boolean {
  if (isElseOf(file, read, insert)) return true
  const isResult = (node: Node): boolean =>
    someNode(node, (one) => one.kind === "name" && read.results.includes(one.name))
  const isRemade = file.assignments.some(
    (one) =>
      one.start >= read.call.end &&
      one.value !== null &&
      one.start <= insert.call.start &&
      insert.call.end <= one.end &&
      one.targets.some(isResult),
  )
  let given = false
  let made = isRemade
  someNode(fn, (node) => {
    if (node.kind !== "return" || !node.value || node.start < read.call.end) return false
    if (node.value.kind === "name" && read.results.includes(node.value.name)) given = true
    if (node.start <= insert.call.start && insert.call.end <= node.end) made = true
    if (
      node.start > insert.call.end &&
      node.value.kind === "name" &&
      isMadeHere(file, insert, node.value.name)
    )
      made = true
    return false
  })
  return given && made
}

/** The name that holds the new row, or what was given to the insert. */
function isMadeHere(file: File, insert: RowCall, name: string): boolean {
  if (insert.call.args.some((arg) => arg.kind === "name" && arg.name === name)) return true
  return file.assignments.some(
    (one) =>
      one.start <= insert.call.start &&
      insert.call.end <= one.end &&
      one.targets.some((target) => target.kind === "name" && target.name === name),
  )
}

function isInsertInto(file: File, one: RowCall, read: RowCall): boolean {
  const makes = (root: Node): boolean =>
    someNode(root, (node) => node.kind === "call" && singular(node.name) === read.table)
  if (one.kind === "save") {
    const makesHere = makes(one.call)
    return makesHere && (one.table === null || one.table === read.table)
  }
  if (one.table !== null) return one.table === read.table || makes(one.call)
  const method = unitAround(file, one.call)
  return method !== null && makes(method)
}

/** What is put in is the row that was found, and nobody made another one of that name since: `session.add(order)`. */
function isOfRow(file: File, read: RowCall, { call, record }: RowCall): boolean {
  const names = [...call.args, ...(record ? [record] : [])].flatMap((arg) =>
    arg.kind === "name" && read.results.includes(arg.name) ? [arg.name] : [],
  )
  return names.some(
    (name) =>
      !file
        .assignmentsTo(name)
        .some((one) => one.start > read.call.end && one.end < call.start && one.value !== null),
  )
}

/** Whether the function gives up where the row is missing: `if (!user) throw …`, so that nothing is put in its place. */
function isNeeded(fn: Func, read: RowCall, insert: RowCall): boolean {
  const isResult = (node: Node): boolean => node.kind === "name" && read.results.includes(node.name)
  const isMissing = (test: Node): boolean => {
    if (test.kind === "unary") return test.op === "!" && isResult(test.operand)
    if (test.kind !== "binary") return false
    if (/^(?:\|\||or)$/.test(test.op)) return isMissing(test.left) || isMissing(test.right)
    return /^(?:===?|is)$/.test(test.op) && isResult(test.left) && test.right.kind === "null"
  }
  return someNode(
    fn,
    (node) =>
      node.kind === "if" &&
      node.start > read.call.start &&
      node.end <= insert.call.start &&
      isMissing(node.test) &&
      leaves(node.then.body),
  )
}

/** `(await find(name)) ?? (await create(name))`, `find(name).orElseGet(() -> save(…))`. */
function isElseOf(file: File, read: RowCall, insert: RowCall): boolean {
  const holdsRead = (node: Node): boolean =>
    node.start <= read.call.start && read.call.end <= node.end
  for (const outer of file.ancestorsOf(insert.call)) {
    if (outer.kind === "binary" && /^(?:\?\?|\|\|)$/.test(outer.op) && holdsRead(outer.left))
      return true
    if (
      outer.kind === "call" &&
      /^(?:orElseGet|switchIfEmpty|getOrElse)$/.test(outer.name) &&
      holdsRead(outer.callee)
    )
      return true
  }
  return false
}

/** Whether what was read decides whether the insert happens. */
function isDecidedBy(file: File, fn: Func, read: RowCall, insert: RowCall): boolean {
  if (isElseOf(file, read, insert)) return true
  return someNode(fn, (node) => {
    if (node.kind !== "if" || node.test.start > insert.call.start) return false
    if (node.test.start <= read.call.start && read.call.end <= node.test.end) return true
    if (node.test.start < read.call.start && !(node.init && node.init.start <= read.call.start))
      return false
    return (
      someNode(node.test, (one) => one.kind === "name" && read.results.includes(one.name)) ||
      /ErrNoRows|ErrRecordNotFound/.test(file.textOf(node.test))
    )
  })
}
