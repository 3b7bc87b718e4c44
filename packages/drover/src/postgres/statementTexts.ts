import { createHash } from "node:crypto"
import { queries } from "./generated/queries.ts"
import { inSchema } from "./schemaName.ts"

/** Name of a query in `sql/*.sql`. */
export type QueryName = keyof typeof queries

interface Statement {
  readonly text: string
  /** The name under which it is prepared. */
  readonly name: string
}

/** The statements of one schema, with its name put in. */
export class StatementTexts {
  readonly schema: string
  readonly #named: Map<QueryName, Statement> = new Map()

  constructor(schema: string) {
    this.schema = schema
  }

  named(name: QueryName): Statement {
    let statement = this.#named.get(name)
    if (statement === undefined) {
      const text = inSchema(queries[name], this.schema)
      statement = { text, name: statementName(name, text) }
      this.#named.set(name, statement)
    }
    return statement
  }

  made(sql: string): string {
    return inSchema(sql, this.schema)
  }
}

/** Another schema or another version of Drover on the same connection must not meet this one's statement. */
function statementName(name: string, text: string): string {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8)
  return `drover_${name.slice(0, 40)}_${hash}`
}
