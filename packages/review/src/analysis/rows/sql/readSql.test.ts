import fc from "fast-check"
import { expect, test } from "vitest"
import { readSql } from "./readSql.ts"
import { type SqlCondition, type SqlStatement, withNested } from "./statement.ts"

function only(text: string): SqlStatement {
  const statements = readSql(text)
  expect(statements).toHaveLength(1)
  return statements[0]!
}

const names = (tables: readonly { name: string }[]): string[] => tables.map(({ name }) => name)

const shown = ({ column, op, value, isOptional }: SqlCondition): string =>
  `${column} ${op} ${value.kind}${isOptional ? "?" : ""}`

test.each([
  ["select * from a join b on a.id = b.id, c.d x", ["a", "b", "d"], []],
  ["insert into a (x) select y from b", ["b"], ["a"]],
  ["update only a as t set x = 1 from b where t.id = b.id", ["b"], ["a"]],
  ["delete from a using b where a.id = b.id", ["b"], ["a"]],
  ["merge into a using b on a.id = b.id when matched then update set x = 1", ["b"], ["a"]],
  ["replace into a values (1)", [], ["a"]],
  ['update "Sch"."Tab" set x = 1', [], ["Tab"]],
  ["update `a` set x = 1", [], ["a"]],
  ["select * from [dbo].[Jobs] where x = 1", ["Jobs"], []],
  ["update \uFFFC.job set x = 1", [], ["job"]],
  ["update \uFFFCjobs set x = 1", [], ["\uFFFCjobs"]],
  ["update \uFFFC set x = 1", [], ["\uFFFC"]],
  ["select * from generate_series(1, 2)", [], []],
  ["truncate table a", [], ["a"]],
  ["lock table a in exclusive mode", [], ["a"]],
])("the tables of: %s", (text, reads, writes) => {
  const statement = only(text)
  expect(names(statement.reads)).toEqual(reads)
  expect(names(statement.writes)).toEqual(writes)
})

test.each([
  ["x = $1", ["x = parameter"]],
  ["x = ? and y = :name", ["x = parameter", "y = parameter"]],
  ["x = @name or y = sqlc.arg(z)", ["x = parameter?", "y = parameter?"]],
  ["x = %s and y = %(z)s and w = #{v}", ["x = parameter", "y = parameter", "w = parameter"]],
  ["x = \uFFFC and t.y = '\uFFFC'", ["x = parameter", "y = literal"]],
  ["x = $1::uuid and y::text = 'a'", ["x = parameter", "y = literal"]],
  ["x < now() - interval '1 s'", ["x < function"]],
  ["x < f(secs => sqlc.arg('y'))", ["x < function"]],
  ["current_timestamp > x", ["x < function"]],
  ["$1 >= x", ["x <= parameter"]],
  ["a.x = b.y", ["x = column"]],
  ["x is null and y is not null", ["x is null null", "y is not null null"]],
  ["x in ($1, $2) and y not in ('a')", ["x in parameter", "y not in literal"]],
  ["x in (select y from b)", ["x in subquery"]],
  ["x = any($1::int[])", ["x = parameter"]],
  ["x between 1 and $1 and y = 2", ["x between parameter", "y = literal"]],
  ["not (x = 1 and y = 2)", ["x = literal?", "y = literal?"]],
  [
    "(a = 1 or (b = 2 and c = 3)) and d = 4",
    ["a = literal?", "b = literal?", "c = literal?", "d = literal"],
  ],
  [
    "x is distinct from $1 and y <> 1 and z != 2",
    ["x <> parameter", "y <> literal", "z <> literal"],
  ],
  ["active and not deleted", ["active = literal", "deleted = literal?"]],
  ["exists (select 1 from b where z = 1)", []],
  [
    "x = 'it''s -- no comment' -- a comment; here\n and y = 1 /* and z = 2 */",
    ["x = literal", "y = literal"],
  ],
])("the conditions of: %s", (condition, expected) => {
  const statement = only(`select * from t where ${condition} order by x`)
  expect(statement.where.map(shown)).toEqual(expected)
  expect(statement.hasWhere).toBe(true)
})

test.each([
  ["n = n + 1", "n", true],
  ["n = coalesce(t.n, 0) + $1", "n", true],
  ["n = $1", "n", false],
  ["n = m + 1", "n", false],
  ["n = (select n from b)", "n", false],
  ["n = b.n", "n", false],
  ["n = \uFFFC.n + 1", "n", true],
  ['"n" = "n" - 1', "n", true],
])("whether a column is set from itself: %s", (set, column, isSelfReferential) => {
  expect(only(`update t set ${set} where id = 1`).sets).toMatchObject([
    { column, isSelfReferential },
  ])
})

test("several columns may be set at once", () => {
  const { sets } = only("update t set (a, b) = (a + 1, $1), c = now()")
  expect(sets.map((set) => [set.column, set.isSelfReferential, set.value.kind])).toEqual([
    ["a", true, "expression"],
    ["b", false, "parameter"],
    ["c", false, "function"],
  ])
})

test.each([
  ["for update", { strength: "update", skipLocked: false, noWait: false }],
  ["for no key update of t skip locked", { strength: "no key update", skipLocked: true }],
  ["for share nowait", { strength: "share", noWait: true }],
  ["limit 1 for update skip locked", { strength: "update", skipLocked: true }],
])("rows are locked by: %s", (lock, expected) => {
  expect(only(`select * from t where x = 1 ${lock}`).rowLock).toMatchObject(expected)
})

test("a conflict has its columns, what is set and its own condition", () => {
  const { onConflict, where } = only(
    "insert into t (id, n) values ($1, $2) on conflict (id) do update set n = excluded.n, m = t.m + 1" +
      " where t.version < excluded.version returning id",
  )
  expect(onConflict).toMatchObject({ columns: ["id"], action: "update" })
  expect(onConflict?.sets.map((set) => [set.column, set.isSelfReferential])).toEqual([
    ["n", false],
    ["m", true],
  ])
  expect(onConflict?.where.map(shown)).toEqual(["version < column"])
  expect(where).toEqual([])
})

test.each([
  ["insert into t (a) values (1) on conflict do nothing", "nothing", []],
  ["insert into t (a) values (1) on conflict (a, b) where c do nothing", "nothing", ["a", "b"]],
  ["insert into t (a) values (1) on duplicate key update n = n + values(n)", "update", []],
  ["insert ignore into t (a) values (1)", "nothing", []],
  ["insert or replace into t (a) values (1)", "update", []],
])("a conflict in each dialect: %s", (text, action, columns) => {
  expect(only(text).onConflict).toMatchObject({ action, columns })
})

test("a statement has its columns, limit, order and what it returns", () => {
  expect(only("insert into t (a, b) values (1, 2) returning a, t.b, t.*")).toMatchObject({
    columns: ["a", "b"],
    returning: ["a", "b", "*"],
  })
  const statement = only("select a from t order by x desc, y limit $1")
  expect([statement.limit?.kind, statement.orderBy]).toEqual(["parameter", ["x", "y"]])
  expect(only("select top 5 a from t").limit?.kind).toBe("literal")
  expect(only("select a from t fetch first 3 rows only").limit?.kind).toBe("literal")
})

test("common table expressions are statements, and no tables", () => {
  const statement = only(
    "with next as (select id from jobs where state = 'new' limit 1 for update skip locked)" +
      " update jobs set state = 'run' from next where jobs.id = next.id",
  )
  expect([statement.verb, names(statement.reads)]).toEqual(["update", []])
  expect(statement.nested).toMatchObject([
    { verb: "select", cte: "next", rowLock: { skipLocked: true } },
  ])
})

test("subqueries at any depth are nested statements", () => {
  const text = "update t set x = 1 where id in (select id from a where y = (select max(y) from b))"
  expect(withNested(readSql(text)).map((one) => names(one.reads))).toEqual([[], ["a"], ["b"]])
})

test("keys of tables and indexes", () => {
  const text = `create table if not exists t (
      id uuid primary key, a int unique, b text not null, unique (a, b),
      constraint q primary key (id, b), foreign key (a) references z (a)
    );
    create unique index concurrently i on t using btree (a, lower(b)) where b is null;
    create index j on t (b);
    alter table t add column c int, add constraint u unique (c);`
  const statements = readSql(text)
  expect(statements[0]?.columns).toEqual(["id", "a", "b"])
  const uniques = statements.flatMap((one) => one.uniques)
  expect(uniques.map((one) => [one.columns.join(), one.isPrimary, one.isPartial])).toEqual([
    ["id", true, false],
    ["a", false, false],
    ["a,b", false, false],
    ["id,b", true, false],
    ["a,lower(b)", false, true],
    ["c", false, false],
  ])
  expect(statements.at(-1)?.columns).toEqual(["c"])
})

test("functions are found by their last name", () => {
  const { calls } = only(
    "select pg_catalog.pg_try_advisory_lock(hashtext($1), 5), current_timestamp",
  )
  expect(calls.map(({ name, args }) => [name, ...args.map(({ kind }) => kind)])).toEqual([
    ["pg_try_advisory_lock", "expression", "literal"],
    ["hashtext", "parameter"],
    ["now"],
  ])
})

test("a table before its list of columns is no function", () => {
  expect(only("insert into t (a) values (1)").calls).toEqual([])
  expect(only("insert into t as u (a) values (f(1))").calls.map(({ name }) => name)).toEqual(["f"])
})

test("statements have the names that comments give them", () => {
  const text = `-- name: GetJob :one
    select * from jobs where id = $1;
    -- a comment
    select 1;
    -- name: SetJob :exec
    update jobs set x = @x where id = sqlc.arg(id);`
  expect(readSql(text).map(({ name, verb }) => [name, verb])).toEqual([
    ["GetJob", "select"],
    [null, "select"],
    ["SetJob", "update"],
  ])
})

test("bodies of functions are read, with offsets of the whole text", () => {
  const text = `create function f() returns void as $b$
    begin
      if a then update t set n = n + 1; end if;
      perform pg_advisory_xact_lock(1);
    end $b$ language plpgsql;`
  const [, update, lock] = withNested(readSql(text))
  expect(text.slice(update?.start, update?.end)).toBe("update t set n = n + 1")
  expect(lock?.calls[0]?.name).toBe("pg_advisory_xact_lock")
})

test("clauses have offsets of the text", () => {
  const text = "  select id from t where a = 1 and b < now() for update skip locked"
  const { start, end, where, rowLock } = only(text)
  expect(text.slice(start, end)).toBe(text.trim())
  expect(where.map((one) => text.slice(one.start, one.end))).toEqual(["a = 1", "b < now()"])
  expect(text.slice(rowLock?.start, rowLock?.end)).toBe("for update skip locked")
})

test.each([
  "Update your password",
  "select an option",
  "delete the file",
  "insert coin",
  "lock the door",
  "notify the owner of it",
  "commit your changes",
  "set aside",
  "with love",
  "",
])("prose is no statement: %s", (text) => {
  expect(readSql(text)).toEqual([])
})

const WORDS = [
  "select", "from", "where", "update", "set", "insert into", "values", "on conflict", "do update", "(", ")", ",", ";",
  "with", "as", "=", "and", "or", "not", "between", "$1", "$$", "$a$", "'", '"', "`", "[", "]", "--", "/*", "*/", "\n",
  "case", "when", "end", "for update", "skip locked", "limit", "t", ".", "::", "in", "is", "null", "create table", "\uFFFC",
  "create function", "begin", "union", "order by", "returning", "now()", "merge into", "using", "#{", "%s", ":x", "@",
] // oxfmt-ignore

test("no text makes it throw, and every span lies in the text", () => {
  const texts = fc.oneof(
    fc.array(fc.constantFrom(...WORDS), { maxLength: 60 }).map((words) => words.join(" ")),
    fc.string({ unit: "binary", maxLength: 200 }),
  )
  fc.assert(
    fc.property(texts, (text) => {
      for (const one of withNested(readSql(text))) {
        const clauses = [one, ...one.where, ...one.sets, ...one.reads, ...one.writes, ...one.calls]
        for (const { start, end } of clauses) {
          expect(start >= 0 && start <= end && end <= text.length).toBe(true)
        }
      }
    }),
    { numRuns: 1000 },
  )
})

test("the work grows with the text and not faster, whatever is repeated", () => {
  // A text that is read in the square of its length would not end within the limit of a test.
  for (const unit of [
    "(",
    "f(",
    "select (",
    "select a from b where (",
    "$a$b",
    "a and (",
    "not ",
    "(select ",
    "a.",
    "'",
    "[a",
  ]) {
    expect(() => readSql(`select a from t where ${unit.repeat(20_000)}`)).not.toThrow()
  }
})
