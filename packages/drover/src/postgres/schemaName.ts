import { DroverError } from "../errors/index.ts"

/** Where Drover's tables are unless said otherwise. */
export const DEFAULT_SCHEMA = "drover"

// Unquoted identifiers only, so that the name stands in SQL as it is; Postgres keeps 63 bytes of a name.
const NAME = /^[a-z_][a-z0-9_]{0,62}$/

/** @throws DroverError `DROVER_CONFIG` when the name cannot be a schema of ours. */
export function checkSchemaName(schema: unknown): string {
  if (typeof schema === "string" && NAME.test(schema) && !schema.startsWith("pg_")) return schema
  throw new DroverError(
    "DROVER_CONFIG",
    `postgres(): ${JSON.stringify(schema)} is no name for a schema; use lower_snake_case, at most 63 letters, not starting with "pg_".`,
    { details: { schema } },
  )
}

/** The statement with the schema's name put in: every table and function is named as `{schema}.job` in the files. */
export function inSchema(sql: string, schema: string): string {
  return sql.replaceAll("{schema}", schema)
}
