/** What the repository says of its tables: which columns have to be unique. */
import type { Program, Source } from "../program/program.ts"
import { question } from "../program/question.ts"
import { bare, singular } from "./rows.ts"
import { readSql } from "./sql/readSql.ts"
import { withNested } from "./sql/statement.ts"
import { keysOfClass, keysOfMigration, keysOfPrisma, tablesOfDrizzle } from "./uniqueKeys.ts"

interface Table {
  /** Sets of columns that are unique together. */
  readonly uniques: (readonly string[])[]
  isKnown: boolean
}

const ENTITY =
  /@Entity|models\.Model|__tablename__|DeclarativeBase|gorm:|new Schema\(|@Table|\bTable\(|IdTable|(?:pg|mysql|sqlite|singlestore)Table\(|\btable=True/

const TABLES = question("tables and what is unique in them", (program) =>
  [...read(program)]
    .map(([name, { uniques, isKnown }]) => [name, isKnown, uniques] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1)),
)

const MEMO = Symbol("tables of a program")

/** `unique` where a table is known and no rule keeps two rows with these columns apart; null where nothing is known. */
export function uniquenessOf(
  program: Program,
  table: string,
  columns: readonly string[],
): "unique" | "free" | null {
  const tables = program.memo<Program, ReadonlyMap<string, Table>>(
    MEMO,
    program,
    new Map(),
    () =>
      new Map(
        program
          .ask(TABLES, "")
          .map(([name, isKnown, uniques]) => [name, { isKnown, uniques: [...uniques] }]),
      ),
  )
  const known = tables.get(table)
  if (!known?.isKnown) return null
  const asked = new Set(columns)
  // `findByOwner` asks for `owner_id`.
  const isAsked = (column: string): boolean =>
    asked.has(column) || asked.has(`${column}id`) || asked.has(column.replace(/id$/, ""))
  // An empty set of columns is one that is not known, and is believed.
  return known.uniques.some((one) => one.every(isAsked)) ? "unique" : "free"
}

function read(program: Program): Map<string, Table> {
  const tables = new Map<string, Table>()
  const of = (name: string): Table => {
    let table = tables.get(name)
    if (!table) tables.set(name, (table = { uniques: [], isKnown: false }))
    return table
  }
  const add = ({ table, keys }: { table: string; keys: string[][] }): void => {
    of(table).isKnown = true
    of(table).uniques.push(...keys)
  }
  for (const text of program.evidence.textsNamed(".prisma")) keysOfPrisma(text).forEach(add)
  for (const source of program.sources) {
    if (source.language === "sql") {
      for (const statement of withNested(readSql(source.text))) {
        for (const unique of statement.uniques)
          of(singular(unique.table)).uniques.push(unique.columns.map(bare))
        if (statement.verb === "create table" && statement.writes[0])
          of(singular(statement.writes[0].name)).isKnown = true
      }
    } else if (!source.isTest) {
      if (source.language === "python" && source.text.includes("op.create_"))
        for (const { table, columns } of keysOfMigration(source.text))
          of(table).uniques.push(columns)
      if (!ENTITY.test(source.text)) continue
      tablesOfDrizzle(source.text).forEach(add)
      for (const one of classTexts(source))
        add({ table: singular(one.name), keys: keysOfClass(one.text) })
    }
  }
  return tables
}

/** The classes of a source, each with its text: from its annotations up to the next class. */
function classTexts({ summary, text }: Source): { name: string; text: string }[] {
  const all = [...summary.classes].sort((a, b) => a.start - b.start)
  return all.map(({ name, start }, index) => ({
    name,
    text: text.slice(start, all[index + 1]?.start),
  }))
}
