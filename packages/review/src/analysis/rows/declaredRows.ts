/** What methods without a body do to rows: Spring Data and MyBatis say it in annotations, a query or a lock. */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { receiverOf } from "../program/names.ts"
import type { Located, Program } from "../program/program.ts"
import { withoutHoles } from "./queries.ts"
import { typeOf } from "../program/resolve.ts"
import type { EffectCondition, EffectSetting, From, RowEffect } from "./rowEffect.ts"
import { bare, singular } from "./rows.ts"
import { readSql } from "./sql/readSql.ts"
import type { SqlStatement } from "./sql/statement.ts"
import { textOfString } from "../program/text.ts"

const QUERIES = /(?:^|\.)(?:Query|NativeQuery|Select|Update|Insert|Delete|SqlQuery|SqlUpdate)$/
const LOCKS = /(?:^|\.)Lock$/

export interface Declared {
  readonly fn: Func
  readonly effect: RowEffect
}

/** The rows of a method that an interface declares with its query. */
export function declaredEffects(program: Program, file: File, call: Call): readonly Declared[] {
  if (file.language !== "java" && file.language !== "kotlin") return []
  const on = receiverOf(call)
  const type = on && on.kind !== "call" ? typeOf(program, file, on, call) : null
  if (type === null) return []
  const found = program
    .classesNamed(type)
    .filter((one) => one.form === "interface" && one.source.language === file.language)
  const [only] = found
  const at = only && found.length === 1 ? program.file(only.source.path) : null
  const methods =
    at?.classes
      .find((one) => one.name === type)
      ?.methods.filter((one) => one.name === call.name && one.params.length === call.args.length) ??
    []
  const [fn] = methods
  if (!at || !fn || methods.length > 1) return []
  return effectsDeclared(program, { file: at, fn }).map((effect) => ({ fn, effect }))
}

function effectsDeclared(program: Program, { file, fn }: Located): readonly RowEffect[] {
  const locks = fn.annotations.some((one) => LOCKS.test(one.name))
  const query = fn.annotations.find((one) => QUERIES.test(one.name))
  const text = query ? queryText(program, file, query.args) : null
  const statement = text === null ? undefined : readSql(text)[0]
  const owner = file.classOf(fn)?.name ?? ""
  const base = {
    query: null,
    tableFrom: null,
    record: null,
    patch: null,
    through: { file, call: callOf(fn), steps: [{ file, fn }] },
  }
  if (!statement || text === null) {
    if (!locks) return []
    return [
      {
        kind: "read",
        ...base,
        table: singular(owner),
        where: [],
        sets: [],
        locks,
        isLimited: true,
      },
    ]
  }
  const kind = KINDS.get(statement.verb)
  if (!kind) return []
  const from = (part: { readonly start: number; readonly end: number }): From | null =>
    paramOf(fn, text.slice(part.start, part.end), text.slice(0, part.start))
  return [
    {
      kind,
      ...base,
      table: tableOf(statement),
      where: statement.where.map((one): EffectCondition => ({
        column: bare(one.column),
        value: text.slice(one.value.start, one.value.end),
        from: from(one.value),
      })),
      sets: statement.sets.map((one): EffectSetting => ({
        column: bare(one.column),
        from: from(one.value),
        computedFrom: null,
        text: text.slice(one.value.start, one.value.end),
        isSelfReferential: one.isSelfReferential || /^(?:subquery|function)$/.test(one.value.kind),
      })),
      locks: locks || statement.rowLock !== null,
      isLimited: statement.limit !== null,
    },
  ]
}

const KINDS = new Map<string, RowEffect["kind"]>([
  ["select", "read"],
  ["insert", "insert"],
  ["update", "update"],
  ["delete", "delete"],
])

function tableOf(statement: SqlStatement): string | null {
  const name = (statement.verb === "select" ? statement.reads : statement.writes)[0]?.name
  return name === undefined ? null : singular(name)
}

function queryText(program: Program, file: File, args: readonly Node[]): string | null {
  const given =
    args.find((one) => one.kind === "named" && /^(?:value|query)$/.test(one.name)) ?? args[0]
  if (!given) return null
  const text = textOfString(program, file, given.kind === "named" ? given.value : given)
  // JPQL may leave out what is selected, and MyBatis writes `#{amount}`.
  return text === null
    ? null
    : withoutHoles(text)
        .replaceAll(/[#$]\{(\w+)\}/g, ":$1")
        .replace(/^\s*from\b/i, "select * from")
}

/** The parameter of `:amount` (its name or its `@Param`), of `?2`, and of a plain `?` by its place. */
function paramOf(fn: Func, text: string, before: string): From | null {
  const match = /^\s*(?::(\w+)|\?(\d*))/.exec(text)
  if (!match) return null
  const [, name, digits] = match
  const param =
    name === undefined
      ? digits
        ? Number(digits) - 1
        : (before.match(/\?/g)?.length ?? 0)
      : fn.params.findIndex(
          (one) =>
            one.name === name ||
            one.annotations?.some((each) =>
              each.args.some((arg) => arg.kind === "string" && arg.value === name),
            ),
        )
  return fn.params[param] ? { param, field: null } : null
}

/** The declaration stands for the call that touches the row. */
function callOf({ name, nameStart }: Func): Call {
  const at = { start: nameStart, end: nameStart + name.length }
  return { kind: "call", callee: { kind: "name", name, ...at }, name, args: [], ...at }
}
