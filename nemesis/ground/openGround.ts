import type { Reaper } from "../fleet/reaper.ts"
import type { Ground } from "./ground.ts"
import { PostgresGround } from "./postgresGround.ts"
import { SqliteGround } from "./sqliteGround.ts"

const BASE_MIB = 64
const MIB_PER_MINUTE = 16

/** Starts a database for a run of so many minutes. */
export async function openGround(
  dialect: Ground["dialect"],
  { folder, reaper, minutes }: { folder: string; reaper: Reaper; minutes: number },
): Promise<Ground> {
  if (dialect === "postgres") return PostgresGround.start()
  const diskMib = BASE_MIB + Math.ceil(MIB_PER_MINUTE * minutes)
  return new SqliteGround(folder, reaper, diskMib)
}
