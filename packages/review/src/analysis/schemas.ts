/** What the repository says of its tables: which columns have to be unique. */
import type { Program } from "./program.ts"
import { bare, singular } from "./rowCalls.ts"
import { readSql } from "./sql/readSql.ts"
import { withNested } from "./sql/statement.ts"

interface Table {
  /** Sets of columns that are unique together. */
  readonly uniques: string[][]
  isKnown: boolean
}

const MEMO = Symbol("tables of a program")

const ENTITY =
  /@Entity|models\.Model|__tablename__|DeclarativeBase|gorm:|new Schema\(|@Table|\bTable\(|IdTable/

/** `unique` where a table is known and no rule keeps two rows with these columns apart; null where nothing is known. */
export function uniquenessOf(
  program: Program,
  table: string,
  columns: readonly string[],
): "unique" | "free" | null {
  const tables = program.memo<Program, Map<string, Table>>(MEMO, program, new Map(), () =>
    read(program),
  )
  const known = tables.get(table)
  if (!known?.isKnown) return null
  const asked = new Set(columns)
  // An empty set of columns is one that is not known, and is believed.
  return known.uniques.some((one) => one.every((column) => asked.has(column))) ? "unique" : "free"
}

function read(program: Program): Map<string, Table> {
  const tables = new Map<string, Table>()
  const of = (name: string): Table => {
    let table = tables.get(name)
    if (!table) tables.set(name, (table = { uniques: [], isKnown: false }))
    return table
  }
  for (const source of program.sources) {
    if (source.language === "sql") {
      for (const statement of withNested(readSql(source.text))) {
        for (const unique of statement.uniques)
          of(singular(unique.table)).uniques.push(unique.columns.map(bare))
        if (statement.verb === "create table" && statement.writes[0])
          of(singular(statement.writes[0].name)).isKnown = true
      }
    } else if (!source.isTest && ENTITY.test(source.text)) {
      for (const one of source.summary.classes) {
        const table = of(singular(one.name))
        table.isKnown = true
        // Which column it is is left open: a class that speaks of uniqueness is believed.
        if (/unique/i.test(source.text)) table.uniques.push([])
      }
    }
  }
  return tables
}
