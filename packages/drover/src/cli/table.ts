import { cut, plainText } from "./plainText.ts"

/** A column of a table: its title and how a row fills it. */
export interface Column<Row> {
  readonly title: string
  readonly of: (row: Row) => string | number
  /** Numbers read better flush right. @default "left" */
  readonly align?: "left" | "right"
  /** Longest cell in characters; the rest is cut. @default 60 */
  readonly width?: number
}

const WIDEST_CELL = 60

/** Lays rows out in columns for people. Every cell is made plain, whatever it contains. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) =>
    columns.map((column) => cut(plainText(String(column.of(row))), column.width ?? WIDEST_CELL)),
  )
  const titles = columns.map((column) => column.title)
  const widths = titles.map((title, at) =>
    cells.reduce((widest, row) => Math.max(widest, [...row[at]!].length), title.length),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => pad(cell, widths[at]!, columns[at]!.align ?? "left"))
      .join("  ")
      .trimEnd()
  return [line(titles), ...cells.map(line)].join("\n")
}

function pad(cell: string, width: number, align: "left" | "right"): string {
  const space = " ".repeat(width - [...cell].length)
  return align === "left" ? cell + space : space + cell
}
