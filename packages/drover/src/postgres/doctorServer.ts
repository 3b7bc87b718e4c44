import { formatDuration } from "../time/index.ts"
import type { HealthCheck } from "../store/index.ts"
import { hearing } from "./changeSignal.ts"
import type { Connection } from "./connection.ts"
import type { PostgresDatabase } from "./database.ts"
import type { DoctorLimits } from "./doctorLimits.ts"
import { newestServer } from "./serverVersion.ts"
import type { Row } from "./values.ts"

/** The row of `server_health`. */
interface ServerHealth {
  readonly version: string
  readonly number: number
  readonly fsync: string
  readonly fullPages: string
  readonly synchronousCommit: string
  readonly autovacuum: string
  readonly trackCounts: string
  readonly notifyQueue: number
  readonly connections: number
  readonly maxConnections: number
  readonly frozenXids: number
  readonly at: number
  readonly seesAll: boolean
  /** This machine's time, half way through the question. */
  readonly machineAt: number
}

/** Asks the server about itself. */
export async function readServer(
  connection: Connection,
  { clock }: PostgresDatabase,
): Promise<ServerHealth> {
  const before = clock.now()
  const [row] = await connection.ask("server_health")
  const [version, number, fsync, fullPages, synchronousCommit, autovacuum, trackCounts] = row as Row
  const [notifyQueue, connections, maxConnections, frozenXids, at, seesAll] = (row as Row).slice(7)
  const machineAt = (before + clock.now()) / 2
  const settings = { fsync, fullPages, synchronousCommit, autovacuum, trackCounts }
  const counts = { connections, maxConnections, frozenXids, notifyQueue: Number(notifyQueue) }
  return { version, number, ...settings, ...counts, at, seesAll, machineAt } as ServerHealth
}

/** Whether Drover is tested on this version. */
export function checkVersion({ version, number }: ServerHealth): HealthCheck {
  const check = "server_version"
  if (Math.floor(number / 10_000) <= newestServer) {
    return { check, status: "ok", message: `The server is Postgres ${version}.`, value: version }
  }
  const message = `The server is Postgres ${version}, on which this version of Drover was not tested; see whether there is a newer one.`
  return { check, status: "warn", message, value: version }
}

/** Whether what was acknowledged survives a crash. */
export function checkDurability(server: ServerHealth): HealthCheck {
  const check = "durability"
  const risks: string[] = []
  if (server.fsync !== "on")
    risks.push("fsync is off: a crash of the machine may destroy the database")
  if (server.fullPages !== "on") {
    risks.push("full_page_writes is off: a crash of the machine may damage pages")
  }
  if (server.synchronousCommit === "off") {
    risks.push("synchronous_commit is off: a crash loses the last moments of what was acknowledged")
  }
  if (risks.length === 0) {
    return { check, status: "ok", message: "What is acknowledged survives a crash." }
  }
  return {
    check,
    status: "warn",
    message: `${risks.join("; ")}. Switch it on.`,
    value: risks.length,
  }
}

/** Whether old transactions will be cleared away in time: at two thousand million the server stops. */
export function checkWraparound({ frozenXids }: ServerHealth): HealthCheck {
  const check = "wraparound"
  const value = frozenXids
  if (value < 500_000_000) {
    return {
      check,
      status: "ok",
      message: `The oldest database is ${value} transactions old.`,
      value,
    }
  }
  const message = `A database is ${value} transactions old; the server stops writing at 2 147 000 000. Find what holds back vacuum (xmin_age), then vacuum it.`
  return { check, status: value < 1_500_000_000 ? "warn" : "fail", message, value }
}

/** Whether there is room for more connections. */
export function checkConnections(server: ServerHealth, limits: DoctorLimits): HealthCheck {
  const check = "connections"
  const { connections, maxConnections } = server
  const seen = `${connections} of ${maxConnections} connections are in use`
  const value = connections
  if (connections < maxConnections * limits.connections) {
    return { check, status: "ok", message: `${seen}.`, value }
  }
  const message = `${seen}. Give the pools of processes a lower \`max\`, put a pooler in front, or raise max_connections.`
  return { check, status: "warn", message, value }
}

/** Whether somebody who listens does not read: when the queue is full, every transaction that notifies fails. */
export function checkNotifyQueue(server: ServerHealth, limits: DoctorLimits): HealthCheck {
  const check = "notify_queue"
  const value = server.notifyQueue
  const seen = `The queue of notifications is ${(value * 100).toFixed(1)} % full`
  if (value <= limits.notifyQueue) return { check, status: "ok", message: `${seen}.`, value }
  const message = `${seen}: a session that listens sits in a transaction. Find it among the oldest transactions and end it with pg_terminate_backend.`
  return { check, status: value > 0.75 ? "fail" : "warn", message, value }
}

/** Whether this machine's clock and the server's agree. The server's decides; this one's is shown to people. */
export function checkSkew(server: ServerHealth, limits: DoctorLimits): HealthCheck {
  const check = "clock_skew"
  const skewMs = Math.round(server.machineAt - server.at)
  if (Math.abs(skewMs) <= limits.skewMs) {
    return {
      check,
      status: "ok",
      message: "The clocks of this machine and of the server agree.",
      value: skewMs,
    }
  }
  const side = skewMs > 0 ? "ahead of" : "behind"
  const message = `This machine's clock is ${formatDuration(Math.abs(skewMs))} ${side} the server's. Jobs follow the server's; set both by NTP, or logs of the two cannot be compared.`
  return { check, status: "warn", message, value: skewMs }
}

/** Whether a pooler stands in between, and whether changes are heard of. */
export function checkPooler(database: PostgresDatabase): HealthCheck {
  const check = "pooler"
  const { isPooled } = database.connections("doctor")
  const heard = hearing(database)
  if (!isPooled && heard !== "deaf") {
    const message = "Connections lead to the server itself."
    return { check, status: "ok", message, value: heard }
  }
  if (heard === "deaf") {
    const message = `Notifications do not get here${isPooled ? ", because a pooler swaps connections" : ""}: waiting jobs are found by polling, up to half a second late. Connect to the server itself, or to a pooler in session mode.`
    return { check, status: "warn", message, value: "polling" }
  }
  const message =
    "Connections lead to a pooler: each transaction sets its own limits, and single statements have those of the client only."
  return { check, status: "ok", message, value: heard }
}

/** Whether some transaction has been open for long. */
export async function checkTransactions(
  connection: Connection,
  server: ServerHealth,
  limits: DoctorLimits,
): Promise<HealthCheck> {
  const check = "oldest_transaction"
  const [oldest] = await connection.ask("oldest_transactions", [limits.transactionMs])
  if (oldest === undefined) {
    const hidden = server.seesAll
      ? ""
      : " Sessions of other roles are hidden from this one: grant it pg_read_all_stats."
    return {
      check,
      status: "ok",
      message: `No transaction has been open for long.${hidden}`,
      value: 0,
    }
  }
  const [pid, application, state, ageMs] = oldest as readonly [number, string, string, number]
  const message = `Process ${pid} (${application || "no application_name"}, ${state}) has been in a transaction for ${formatDuration(ageMs)}: dead rows of the job table pile up behind it, and claims slow down. End it, or: select pg_terminate_backend(${pid}).`
  return { check, status: "warn", message, value: pid }
}

/** Whether somebody keeps dead rows from being cleared away: a transaction, a replication slot, a prepared transaction. */
export async function checkXmin(
  connection: Connection,
  limits: DoctorLimits,
): Promise<HealthCheck> {
  const check = "xmin_age"
  const [oldest] = await connection.ask("oldest_xmins", [limits.xids])
  if (oldest === undefined) {
    return {
      check,
      status: "ok",
      message: "Nobody holds back the clearing of dead rows.",
      value: 0,
    }
  }
  const [what, name, xids] = oldest as readonly [string, string, number]
  const cure = {
    session: "end its transaction",
    "replication slot": "drop the slot if its standby is gone: select pg_drop_replication_slot(…)",
    "prepared transaction": "commit prepared or rollback prepared",
  }[what]
  const message = `Dead rows have not been cleared away for ${xids} transactions because of ${what} ${name.trim()}: ${cure ?? "end it"}.`
  return { check, status: "warn", message, value: xids }
}
