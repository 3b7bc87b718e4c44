import type { PgClient, PgTypes } from "./driver.ts"
import type { StatementTexts } from "./statementTexts.ts"

/** How long the server lets things take before it ends them by itself. Source: reliability facts §5. */
export interface SessionLimits {
  readonly statementMs: number
  readonly lockMs: number
  readonly idleInTransactionMs: number
  readonly transactionMs: number
}

export const sessionLimits: SessionLimits = {
  statementMs: 10_000,
  lockMs: 2_000,
  idleInTransactionMs: 10_000,
  transactionMs: 30_000,
}

/**
 * Sets the limits of a new connection.
 * @returns `false` behind a pooler, where a session is not ours to set.
 */
export async function settleSession(
  client: PgClient,
  options: {
    readonly texts: StatementTexts
    readonly types: PgTypes
    readonly limits: SessionLimits
    /** Whether commits wait for the disk; `null` as the server says. */
    readonly synchronousCommit: "off" | null
  },
): Promise<boolean> {
  const { texts, types, limits, synchronousCommit } = options
  const { processID } = client as { processID?: unknown }
  const { text } = texts.named("settle_session")
  const values = [
    typeof processID === "number" ? processID : 0,
    `${limits.statementMs}ms`,
    `${limits.lockMs}ms`,
    `${limits.idleInTransactionMs}ms`,
    `${limits.transactionMs}ms`,
    synchronousCommit,
  ]
  const { rows } = await client.query({ text, values, rowMode: "array", types })
  return rows.length > 0
}

/** The first statement of a transaction whose session has no limits of ours. */
export function localLimits(limits: SessionLimits): string {
  return [
    `set local statement_timeout = ${limits.statementMs}`,
    `set local lock_timeout = ${limits.lockMs}`,
    `set local idle_in_transaction_session_timeout = ${limits.idleInTransactionMs}`,
  ].join("; ")
}
