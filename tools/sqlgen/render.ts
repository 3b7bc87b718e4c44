import type { Migration } from "./readMigrations.ts"
import type { NamedQuery } from "./readQueries.ts"

/** The text of `generated/queries.ts`. Same input, same bytes. */
export function renderQueries(queries: readonly NamedQuery[]): string {
  const entries = queries.map(({ name, sql }) => `  ${name}: ${templateLiteral(sql)},\n`)
  return `${header("sql")}export const queries = {\n${entries.join("")}} as const\n`
}

/** The text of `generated/migrations.ts`, in the order in which they run. */
export function renderMigrations(migrations: readonly Migration[]): string {
  const entries = migrations.map(
    ({ number, name, sql, minWorker }) =>
      `  {\n    number: ${number},\n    name: ${JSON.stringify(name)},\n    sql: ${templateLiteral(sql)},\n${
        minWorker === undefined ? "" : `    minWorker: ${minWorker},\n`
      }  },\n`,
  )
  return `${header("migrations")}export const migrations = [\n${entries.join("")}] as const\n`
}

function header(folder: string): string {
  return `// Made by \`npm run sqlgen\` from ../${folder}/*.sql, where the comments are. Do not edit.\n\n`
}

/** A template literal keeps the lines of a statement, so that a diff of generated code can be read. */
function templateLiteral(text: string): string {
  return `\`${text.replaceAll(/[\\`]|\$(?=\{)/g, (char) => `\\${char}`)}\``
}
