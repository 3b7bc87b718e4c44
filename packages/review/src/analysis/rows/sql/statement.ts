/** What is known of one SQL statement. Names are in lower case unless they are quoted, and without their schema. */
import type { At } from "../../../ir/nodes.ts"

export type SqlVerb =
  | "select"
  | "insert"
  | "update"
  | "delete"
  | "merge"
  | "truncate"
  | "create table"
  | "create index"
  | "create function"
  | "alter"
  | "drop"
  | "listen"
  | "notify"
  | "lock"
  | "begin"
  | "commit"
  | "rollback"
  | "set"
  | "call"

export interface SqlTable extends At {
  readonly name: string
  readonly alias: string | null
}

/** What a value is: the most that can be said of it without knowing the tables. */
export type SqlValueKind =
  | "parameter"
  | "literal"
  | "null"
  | "column"
  | "function"
  | "subquery"
  | "default"
  | "expression"

export interface SqlValue extends At {
  readonly kind: SqlValueKind
  /** Names of the functions in it, `now` also for `current_timestamp`. */
  readonly functions: readonly string[]
  /** Columns in it, without their tables, those of `excluded` and of subqueries left out. */
  readonly columns: readonly string[]
}

/** `column = value`. */
export interface SqlSet extends At {
  readonly column: string
  readonly value: SqlValue
  /** The value is made of what the column holds: `count = count + 1`. */
  readonly isSelfReferential: boolean
}

/** One comparison of a column. What compares no column (`exists (…)`) is none. */
export interface SqlCondition extends At {
  readonly column: string
  /** The table or alias before it. */
  readonly table: string | null
  /** `=`, `<>`, `<`, `in`, `is null`, `is not null`, `like`, `between` …; as seen from the column. */
  readonly op: string
  readonly value: SqlValue
  /** Under an OR or a NOT: it may be false where the whole is true. */
  readonly isOptional: boolean
}

export interface SqlRowLock extends At {
  readonly strength: "update" | "no key update" | "share" | "key share"
  readonly skipLocked: boolean
  readonly noWait: boolean
}

export interface SqlConflict extends At {
  /** Empty where the clause names none. */
  readonly columns: readonly string[]
  readonly action: "nothing" | "update"
  readonly sets: readonly SqlSet[]
  /** Of `do update … where`. */
  readonly where: readonly SqlCondition[]
}

export interface SqlCall extends At {
  /** Without its schema, in lower case. */
  readonly name: string
  /** What its arguments are. */
  readonly args: readonly SqlValue[]
}

export interface SqlUnique extends At {
  readonly table: string
  /** Columns, or expressions as written. */
  readonly columns: readonly string[]
  readonly isPrimary: boolean
  /** Of a partial index. */
  readonly isPartial: boolean
}

export interface SqlStatement extends At {
  readonly verb: SqlVerb
  /** Of `-- name: Claim :one` before it. */
  readonly name: string | null
  /** Of the common table expression that it is. */
  readonly cte: string | null
  /** Tables read from, common table expressions left out. */
  readonly reads: readonly SqlTable[]
  /** The table written to, created, altered or locked; the channel of `listen` and `notify`. */
  readonly writes: readonly SqlTable[]
  /** Columns of an insert, of a created table, or added to one. */
  readonly columns: readonly string[]
  readonly sets: readonly SqlSet[]
  readonly where: readonly SqlCondition[]
  /** Whether there is a `where` at all, also one that says nothing of a column. */
  readonly hasWhere: boolean
  readonly rowLock: SqlRowLock | null
  /** `on conflict`, `on duplicate key`, `insert ignore`, `replace`. */
  readonly onConflict: SqlConflict | null
  readonly returning: readonly string[] | null
  readonly limit: SqlValue | null
  readonly orderBy: readonly string[]
  readonly uniques: readonly SqlUnique[]
  readonly calls: readonly SqlCall[]
  /** Common table expressions, subqueries, statements of a function's body. */
  readonly nested: readonly SqlStatement[]
}

/** A statement and all within it. */
export function withNested(statements: readonly SqlStatement[]): SqlStatement[] {
  return statements.flatMap((one) => [one, ...withNested(one.nested)])
}
