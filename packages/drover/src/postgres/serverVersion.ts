import { DroverError } from "../errors/index.ts"
import type { Connection } from "./connection.ts"

/** The oldest and the newest major versions on which Drover is tested. */
export const oldestServer = 14
export const newestServer = 18

/** @throws DroverError when the server is too old, a standby, or cannot store every text. */
export async function checkServer(connection: Connection, label: string): Promise<void> {
  const [row] = await connection.ask("server_facts")
  const [number, version, encoding, isStandby] = row as readonly [number, string, string, boolean]
  const refuse = (
    code: "DROVER_STORE_UNSAFE" | "DROVER_STORE_READONLY",
    message: string,
  ): never => {
    throw new DroverError(code, message, { details: { store: label, version, encoding } })
  }
  if (number < oldestServer * 10_000) {
    refuse(
      "DROVER_STORE_UNSAFE",
      `${label} is Postgres ${version}; Drover needs ${oldestServer} or newer.`,
    )
  }
  if (encoding !== "UTF8") {
    refuse(
      "DROVER_STORE_UNSAFE",
      `${label} stores text as ${encoding}; Drover needs a database with the encoding UTF8.`,
    )
  }
  if (isStandby) {
    refuse(
      "DROVER_STORE_READONLY",
      `${label} is a standby, which cannot be written; connect to the primary.`,
    )
  }
}
