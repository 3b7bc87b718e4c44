import { assert } from "../errors/index.ts"
import { judgeLeader } from "../store/index.ts"
import type {
  BidReply,
  BidRequest,
  Fenced,
  HealthCheck,
  LeaderRow,
  TermRef,
  Turn,
} from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { isProvedDead, ownProof } from "./processProof.ts"
import { checkIdentity } from "./safety.ts"
import type { ReadTx, WriteTx } from "./writeTx.ts"

// For so many times to live a step of the clock is remembered: by then all processes have seen it.
const STEP_COUNTS = 10

// The latest term, whether it lives or not.
interface StoredTerm {
  readonly term: number
  readonly token: number | null
  readonly proof: string | null
  /** `null` before the first term ever. */
  readonly leader: LeaderRow | null
}

/** Whether a term lives. Every fenced write asks in its own transaction. */
export function isLive(tx: ReadTx, { term, token }: TermRef): boolean {
  return tx.statements.first("live_term", term, token, tx.now) !== undefined
}

/**
 * Runs a write of the leader: first a look that writes nothing, which says whether there is anything to do, then
 * the write, each only while the term lives. Both are decided at one instant of the one writer, so a write of an old
 * term can never land after a new one began.
 * @param look returns what to answer when there is nothing to do, or "write".
 */
export async function fenced<T>(
  context: StoreContext,
  operation: string,
  term: TermRef,
  parts: {
    readonly look: (tx: ReadTx) => T | "write"
    readonly write: (tx: WriteTx) => T
    readonly rows?: number
  },
): Promise<Fenced<T>> {
  const seen = await context.read(operation, (tx) =>
    isLive(tx, term) ? parts.look(tx) : "term_ended",
  )
  if (seen !== "write") return seen
  return context.write<Fenced<T>>(
    operation,
    (tx) => (isLive(tx, term) ? parts.write(tx) : "term_ended"),
    parts.rows,
  )
}

/** Begins a term, unless another one lives whose holder may. See `LeadershipStore.bid`. */
export async function bid(context: StoreContext, request: BidRequest): Promise<BidReply> {
  const dead = await context.read("bid", (tx) => {
    const stored = readTerm(tx)
    const refusal = refuse(context, tx, stored, request)
    if (refusal === null) return null
    // The proof is asked for outside of the write lock: it reads files of the system.
    return isHolderDead(context, stored) ? stored.term : refusal
  })
  if (dead !== null && typeof dead === "object") return dead
  return context.write<BidReply>("bid", (tx) => {
    const stored = readTerm(tx)
    const refusal = stored.term === dead ? null : refuse(context, tx, stored, request)
    if (refusal !== null) return refusal
    tx.persistTime()
    const { candidate, token, ttlMs } = request
    const { now } = tx
    const untilAt = now + ttlMs
    if (stored.token === token) {
      const renewed = tx.statements.run("renew_term", now, untilAt, stored.term, token)
      if (renewed === 1) return { won: true, term: stored.term }
    }
    const { id, host, pid, info } = candidate
    const proof = context.file !== null && pid === process.pid ? ownProof() : null
    const row = tx.statements.first(
      "begin_term",
      ...[token, id, host, pid, proof, info, now, now, untilAt],
    )
    assert(row !== undefined, "drover_term has one row")
    const term = row[0] as number
    assert(term === stored.term + 1, "terms are issued one after the other")
    return { won: true, term }
  })
}

/** Prolongs a term from now by the store's clock. */
export async function renewTerm(
  context: StoreContext,
  { term, token }: TermRef,
  ttlMs: number,
): Promise<"held" | "ended"> {
  // A term in a file that nobody else sees any more is none.
  if (context.file !== null) checkIdentity(context.file)
  return context.write("renewTerm", (tx) => {
    const { now } = tx
    if (tx.statements.run("renew_term", now, now + ttlMs, term, token) === 0) return "ended"
    tx.persistTime()
    return "held"
  })
}

/** Ends this term and no other. */
export function resignTerm(
  context: StoreContext,
  { term, token }: TermRef,
): Promise<"resigned" | "ended"> {
  return context.write("resignTerm", (tx) => {
    if (tx.statements.run("resign_term", tx.now, term, token) === 0) return "ended"
    tx.persistTime()
    return "resigned"
  })
}

/** Who leads now. */
export function leader(context: StoreContext): Promise<LeaderRow | null> {
  return context.read("leader", (tx) => {
    const stored = readTerm(tx)
    return isHeld(tx, stored) ? stored.leader : null
  })
}

/** Takes the turn of a service if it is due. See `LeadershipStore.claimTurn`. */
export function claimTurn(
  context: StoreContext,
  request: { readonly term: TermRef; readonly service: string; readonly everyMs: number },
): Promise<Fenced<Turn>> {
  const { term, service, everyMs } = request
  const notDue = (tx: ReadTx): Turn | null => {
    const stamp = tx.statements.first("read_turn", service)?.[0] as number | undefined
    if (stamp === undefined) return null
    const nextInMs = stamp + everyMs - tx.now
    return nextInMs > 0 ? { due: false, nextInMs } : null
  }
  return fenced<Turn>(context, "claimTurn", term, {
    look: (tx) => notDue(tx) ?? "write",
    write: (tx) => {
      const early = notDue(tx)
      if (early !== null) return early
      tx.statements.run("take_turn", service, tx.now, term.term)
      tx.persistTime()
      return { due: true, nextInMs: everyMs }
    },
  })
}

/** The latest term as it is stored. */
export function readTerm(tx: ReadTx): StoredTerm {
  const row = tx.statements.first("read_term")
  assert(row !== undefined, "drover_term has one row")
  const [term, token, id, host, pid, proof, info, electedAt, renewedAt, untilAt] = row
  const leader =
    id === null ? null : ({ term, id, host, pid, info, electedAt, renewedAt, untilAt } as LeaderRow)
  return { term: term as number, token: token as number | null, proof: proof as string, leader }
}

/** Whether the latest term lives. */
export function isHeld(tx: ReadTx, { token, leader }: StoredTerm): boolean {
  return token !== null && leader !== null && leader.untilAt > tx.now
}

function refuse(
  context: StoreContext,
  tx: ReadTx,
  stored: StoredTerm,
  request: BidRequest,
): BidReply | null {
  const { leader } = stored
  if (stored.token === null || leader === null || stored.token === request.token) return null
  const leftMs = leader.untilAt - tx.now
  const byMonoMs = mayBeTrustedMs(context, leader)
  if (leftMs > 0) return { won: false, leader, leftMs }
  // A client that bids leads no more, whatever the clock did.
  const trustedMs = leader.id === request.candidate.id ? 0 : byMonoMs
  return trustedMs > 0 ? { won: false, leader, leftMs: trustedMs } : null
}

// What each process saw last of the latest term, and since when.
const seen = new WeakMap<
  StoreContext,
  { readonly term: number; readonly renewedAt: number; readonly sinceMono: number }
>()

/**
 * How long the holder of a term that is over by the store's clock may still trust it. When that clock leapt (it was set,
 * or the machine was suspended), less time has passed for the holder, which goes by its monotonic clock. Then
 * only a time to live without a renewal, by our own monotonic clock, ends the term.
 */
function mayBeTrustedMs(context: StoreContext, { term, renewedAt, untilAt }: LeaderRow): number {
  const nowMono = context.clock.monotonic()
  let last = seen.get(context)
  if (last?.term !== term || last.renewedAt !== renewedAt) {
    last = { term, renewedAt, sinceMono: nowMono }
    seen.set(context, last)
  }
  const ttlMs = untilAt - renewedAt
  if (context.msSinceStep() > STEP_COUNTS * ttlMs) return 0
  return last.sinceMono + ttlMs - nowMono
}

function isHolderDead(context: StoreContext, { proof, leader }: StoredTerm): boolean {
  if (context.file === null || leader === null || proof === null) return false
  return isProvedDead({ pid: leader.pid, proof })
}

/** Whether the leader's work is being done. */
export function checkLeader(tx: ReadTx): HealthCheck {
  const stored = readTerm(tx)
  const isLed = isHeld(tx, stored)
  const fromAt = isLed ? stored.leader?.electedAt : stored.leader?.untilAt
  const turns = tx.statements.first("term_took_turns", stored.term)?.[0] as number
  return judgeLeader({
    leader: isLed ? stored.leader : null,
    sinceMs: fromAt === undefined ? null : tx.now - fromAt,
    turns,
    liveWorkers: tx.statements.all("worker_infos", tx.now).length,
  })
}
