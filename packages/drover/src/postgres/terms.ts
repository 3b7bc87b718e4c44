import { assert } from "../errors/index.ts"
import { judgeLeader } from "../store/index.ts"
import type {
  BidReply,
  BidRequest,
  ExpiredJob,
  Fenced,
  HealthCheck,
  LeaderRow,
  PruneReply,
  RescuedJob,
  RescueRequest,
  Retention,
  TermRef,
  Turn,
} from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { StoreContext } from "./context.ts"
import { expireJobs, hasExpired, overdue, pruneJobs } from "./upkeep.ts"
import { needsRescue, rescueJobs } from "./workers.ts"

// On the connection that is kept for leases and terms: a pool that is used up must not cost a term.
const control = { role: "control", repeatable: true } as const

// The latest term, whether it lives or not.
interface StoredTerm {
  readonly term: number
  readonly token: number | null
  readonly isLive: boolean
  readonly leftMs: number
  readonly leader: LeaderRow
}

/**
 * Runs a write of the leader: first a look that writes nothing, which says whether there is anything to do, then the
 * write, in a transaction that begins by locking the row of its term. A takeover waits for that lock, so a write of an
 * old term can never land after a new one began; `transaction_timeout` bounds how long.
 * @param look returns what to answer when there is nothing to do, or "write".
 */
export async function fenced<T>(
  { database }: Pick<StoreContext, "database">,
  operation: string,
  { term, token }: TermRef,
  parts: {
    readonly look: (db: Connection) => Promise<T | "write">
    readonly write: (db: Connection) => Promise<T>
  },
): Promise<Fenced<T>> {
  const seen = await database.read<Fenced<T> | "write">(operation, async (db) => {
    const stored = await readTerm(db)
    const isOwn = stored.isLive && stored.term === term && stored.token === token
    return isOwn ? parts.look(db) : "term_ended"
  })
  if (seen !== "write") return seen as Fenced<T>
  return database.write<Fenced<T>>(operation, async (db) => {
    const held = await db.query("live_term", [term, token])
    return held.length === 0 ? "term_ended" : parts.write(db)
  })
}

/** Begins a term, unless another one lives. See `LeadershipStore.bid`. */
export async function bid({ database }: StoreContext, request: BidRequest): Promise<BidReply> {
  const { candidate, token, ttlMs } = request
  const refusal = (stored: StoredTerm): BidReply | null => {
    const { isLive, leader, leftMs } = stored
    return isLive && stored.token !== token ? { won: false, leader, leftMs } : null
  }
  const seen = await database.read("bid", readTerm, control)
  const early = refusal(seen)
  if (early !== null) return early
  const { id, host, pid, info } = candidate
  for (;;) {
    // One statement each, so that what is lost on the way is simply sent again.
    const again = [seen.term, token, ttlMs]
    const [renewed] =
      seen.token === token ? await database.statement("bid", "renew_term", again, control) : []
    if (renewed !== undefined) return { won: true, term: renewed[0] as number }
    const values = [token, id, host, pid, info, ttlMs]
    const [begun] = await database.statement("bid", "begin_term", values, control)
    if (begun !== undefined) return { won: true, term: begun[0] as number }
    const stored = await database.read("bid", readTerm, control)
    // The reply of this very bid was lost, and it was sent again inside.
    if (stored.isLive && stored.token === token) return { won: true, term: stored.term }
    const late = refusal(stored)
    if (late !== null) return late
  }
}

/** Prolongs a term from now by the server's clock. */
export async function renewTerm(
  { database }: StoreContext,
  { term, token }: TermRef,
  ttlMs: number,
): Promise<"held" | "ended"> {
  const rows = await database.statement("renewTerm", "renew_term", [term, token, ttlMs], control)
  return rows.length === 0 ? "ended" : "held"
}

/** Ends this term and no other. */
export async function resignTerm(
  { database }: StoreContext,
  { term, token }: TermRef,
): Promise<"resigned" | "ended"> {
  const rows = await database.statement("resignTerm", "resign_term", [term, token], control)
  return rows.length === 0 ? "ended" : "resigned"
}

/** Who leads now. */
export async function leader({ database }: StoreContext): Promise<LeaderRow | null> {
  const stored = await database.read("leader", readTerm)
  return stored.isLive ? stored.leader : null
}

/** Takes the turn of a service if it is due. See `LeadershipStore.claimTurn`. */
export function claimTurn(
  context: StoreContext,
  request: { readonly term: TermRef; readonly service: string; readonly everyMs: number },
): Promise<Fenced<Turn>> {
  const { term, service, everyMs } = request
  const notDue = async (db: Connection): Promise<Turn | null> => {
    const [row] = await db.query("read_turn", [service, everyMs])
    const nextInMs = (row?.[0] ?? 0) as number
    return nextInMs > 0 ? { due: false, nextInMs } : null
  }
  return fenced<Turn>(context, "claimTurn", term, {
    look: async (db) => (await notDue(db)) ?? "write",
    write: async (db) => {
      const taken = await db.query("take_turn", [service, term.term, everyMs])
      if (taken.length > 0) return { due: true, nextInMs: everyMs }
      return (await notDue(db)) ?? { due: false, nextInMs: everyMs }
    },
  })
}

/** See `Store.rescue`. */
export function rescue(
  context: StoreContext,
  request: RescueRequest,
): Promise<Fenced<readonly RescuedJob[]>> {
  return fenced<readonly RescuedJob[]>(context, "rescue", request.term, {
    look: async (db) => ((await needsRescue(db, request)) ? "write" : []),
    write: (db) => rescueJobs(context, db, request),
  })
}

/** See `Store.expire`. */
export function expire(
  context: StoreContext,
  { term, limit }: { readonly term: TermRef; readonly limit: number },
): Promise<Fenced<readonly ExpiredJob[]>> {
  return fenced<readonly ExpiredJob[]>(context, "expire", term, {
    look: async (db) => ((await hasExpired(db)) ? "write" : []),
    write: (db) => expireJobs(db, limit),
  })
}

/** See `Store.prune`. */
export function prune(
  context: StoreContext,
  request: { readonly term: TermRef; readonly retention: Retention; readonly limit: number },
): Promise<Fenced<PruneReply>> {
  const { term, retention, limit } = request
  return fenced<PruneReply>(context, "prune", term, {
    look: async (db) =>
      (await overdue(db, retention, 1)).length === 0 ? { jobs: 0, more: false } : "write",
    write: (db) => pruneJobs(db, retention, limit),
  })
}

/** Whether the leader's work is being done. */
export async function checkLeader(db: Connection): Promise<HealthCheck> {
  const { term, isLive, leftMs, leader: row } = await readTerm(db)
  const nowAt = (row.untilAt ?? 0) - leftMs
  const fromAt = isLive ? row.electedAt : row.untilAt
  const [turns] = await db.query("term_took_turns", [term])
  return judgeLeader({
    leader: isLive ? row : null,
    sinceMs: (row.id as string | null) === null ? null : nowAt - fromAt,
    turns: turns?.[0] as number,
    liveWorkers: (await db.query("worker_infos")).length,
  })
}

async function readTerm(db: Connection): Promise<StoredTerm> {
  const [row] = await db.query("read_term")
  assert(row !== undefined, "term has one row")
  const [term, token, id, host, pid, info, electedAt, renewedAt, untilAt, now] = row
  const leftMs = ((untilAt ?? 0) as number) - (now as number)
  return {
    term: term as number,
    token: token as number | null,
    isLive: token !== null && leftMs > 0,
    leftMs,
    leader: { term, id, host, pid, info, electedAt, renewedAt, untilAt } as LeaderRow,
  }
}
