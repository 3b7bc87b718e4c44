import type {
  ClaimedJob,
  ClaimRequest,
  EndedJob,
  ExchangeReply,
  ExchangeRequest,
  SettleStatus,
} from "../store/index.ts"
import { claimPast } from "./carefulClaims.ts"
import type { CarefulClaim } from "./carefulClaims.ts"
import type { StoreContext } from "./context.ts"
import { tell, tellEnded } from "./endedJobs.ts"
import { claimedJobs, leases, readReply } from "./exchangeReply.ts"
import type { Lease, Reply } from "./exchangeReply.ts"
import { laneShares } from "./laneShares.ts"
import { claimLimited, inOrder } from "./limitedLanes.ts"
import type { Bands } from "./lowMarks.ts"
import { noteMarks } from "./noteMarks.ts"
import { TRAIL_ROW } from "./mark.ts"
import { byRank } from "./rank.ts"
import {
  completeKeyed,
  completionValues,
  divide,
  settleOthers,
  tellSettled,
  whyNot,
} from "./settle.ts"
import type { Row } from "./values.ts"
import { worthAClaim } from "./worthAClaim.ts"

// About 5 ms. When more than this come due at once, the rest is promoted by the next claims.
const MOST_PROMOTED = 1_000

// Jobs that turn out to be expired are not claimed; so often a claim looks for others instead.
const MOST_ROUNDS = 10

/** What an exchange gathers on its way. */
interface Progress {
  readonly request: ExchangeRequest
  readonly worker: number
  readonly statuses: SettleStatus[]
  readonly ended: EndedJob[]
  /** Plain completions that still have to be sent, in groups. */
  readonly unsent: (readonly number[])[]
  /** Queues in which jobs wait that only limits hold back. */
  readonly heldBack: string[]
  /** Lanes in which what ended leaves no room for others. */
  readonly shut: Set<number>
  /** Queues in which there may be more than the claim looked for. */
  readonly more: string[]
  lease: Lease | undefined
}

/**
 * Settles what ended and claims more. See `Store.exchange`. The usual case, completions and a claim of one kind, is one
 * statement; what is rarer takes more of them, each atomic and each safe to send again, so that a failure between two
 * leaves nothing that a repeated exchange does not find.
 */
export async function exchange(
  context: StoreContext,
  request: ExchangeRequest,
): Promise<ExchangeReply> {
  const worker = request.worker.ref as number
  const { completions, keyed, others } = divide(request.settlements)
  const statuses: SettleStatus[] = []
  // First, so that what is settled as due at once can be claimed again.
  const settled = await settleOthers(context, worker, request.settlements, others)
  for (const [at, index] of others.entries()) statuses[index] = settled[at] as SettleStatus
  const progress: Progress = {
    request,
    worker,
    statuses,
    ended: [],
    unsent: [...completions],
    heldBack: [],
    shut: new Set(),
    more: [],
    lease: undefined,
  }
  for (const group of keyed) {
    const written = await completeKeyed(context, worker, request.settlements, group)
    await noteStatuses(context, progress, group, written)
  }
  const held = request.repeat ? await readHeld(context, progress) : []
  const claimed = request.solo
    ? await claimAlone(context, progress, held)
    : await claimAll(context, progress, held)
  while (progress.unsent.length > 0) await send(context, progress, undefined)
  const lease = progress.lease ?? (await readLease(context, progress))
  for (const { attempt } of request.settlements) context.claims.ended(attempt.mark)
  context.claims.opened(claimed)
  tellSettled(context, request.settlements, progress.shut)
  return {
    settled: statuses,
    claimed: lease === "lost" ? [] : [...held, ...claimed],
    workerLost: lease === "lost",
    ended: progress.ended,
    ...(progress.heldBack.length > 0 && { heldBack: progress.heldBack }),
    ...(progress.more.length > 0 && { more: progress.more }),
  }
}

async function readLease({ database }: StoreContext, { request }: Progress): Promise<Lease> {
  const values = [request.worker.ref, request.worker.token]
  const rows = await database.statement("exchange", "claiming_worker", values, { reads: true })
  return leases[(rows[0]?.[0] as number | undefined) ?? 0] as Lease
}

async function claimAll(
  context: StoreContext,
  progress: Progress,
  held: readonly ClaimedJob[],
): Promise<ClaimedJob[]> {
  const claimed: ClaimedJob[] = []
  const wanted = progress.request.claims.filter(({ limit }) => limit > 0)
  const lanes = await context.lanes.find(wanted)
  const worth = await worthAClaim(context, lanes)
  for (const [index, claim] of wanted.entries()) {
    const most = claim.limit + (claim.ahead ?? 0)
    const left = most - held.filter((job) => job.queue === claim.queue).length
    const ids = lanes[index] as readonly number[]
    if (left <= 0 || ids.length === 0 || worth[index] !== true) continue
    if (context.limited.includes(ids)) {
      claimed.push(...(await claimUnderLimits(context, progress, { claim, ids, left }, false)))
    } else await claimFrom(context, progress, { claim, ids, left }, claimed)
    if (progress.lease === "lost") break
  }
  return claimed
}

/** One claim request with its lanes, and how many jobs it still wants. */
interface Wish {
  readonly claim: ClaimRequest
  readonly ids: readonly number[]
  readonly left: number
}

/** Claims from lanes with limits or keys. What ended makes room first. */
async function claimUnderLimits(
  context: StoreContext,
  progress: Progress,
  { claim, ids, left }: Wish,
  alone: boolean,
): Promise<readonly ClaimedJob[]> {
  while (progress.unsent.length > 0) await send(context, progress, undefined)
  // Limits count starts, so nothing comes ahead of its slot.
  const starts = alone ? left : left - (claim.ahead ?? 0)
  if (starts <= 0) return []
  const reply = await claimLimited(context.database, progress.request, {
    ...{ worker: progress.worker, queue: claim.queue, lanes: ids, alone },
    limit: Math.min(starts, TRAIL_ROW),
  })
  if (reply.heldBack) progress.heldBack.push(claim.queue)
  for (const lane of reply.shut) progress.shut.add(lane)
  if (reply.ended.length > 0) await tellEnded(context, progress, reply.ended)
  if (reply.ids.length === 0) return []
  return inOrder(reply.ids, await readHeldRows(context, progress))
}

async function claimFrom(
  context: StoreContext,
  progress: Progress,
  wish: Wish,
  claimed: ClaimedJob[],
): Promise<void> {
  let { left } = wish
  let bands = context.marks.bands(wish.ids)
  let ignoreDue = false
  for (let round = 0; left > 0 && round < MOST_ROUNDS; round++) {
    const sentMono = context.database.clock.monotonic()
    const limit = Math.min(left, TRAIL_ROW)
    const reply = await send(context, progress, { wish, bands, limit, ignoreDue })
    if (reply.lease !== "valid") return
    if (reply.isLimited) {
      context.limited.seen(wish.ids, new Set(wish.ids))
      claimed.push(...(await claimUnderLimits(context, progress, { ...wish, left }, false)))
      return
    }
    if (reply.isDue) {
      await promote(context, progress, wish.ids)
      ignoreDue = true
      bands = context.marks.bands(wish.ids)
      continue
    }
    if (!bands.isBounded) context.marks.looked(sentMono)
    const found = [...reply.claimed]
    left -= found.length
    const isFull = reply.claimed.length + reply.careful.length === limit
    const careful = await claimOneByOne(context, progress, reply.careful, left)
    found.push(...careful.claimed)
    left -= careful.claimed.length
    // The next look would only pick those again.
    const isStuck = isFull && careful.left.length > 0
    if (isStuck) {
      const behind = { left: careful.left, most: left }
      found.push(
        ...(await claimPast(context.database, bands, behind, (ids, most) =>
          claimOneByOne(context, progress, ids, most),
        )),
      )
    }
    if (reply.careful.length > 0) found.sort(byRank(reply.agingMs))
    claimed.push(...found)
    if (isStuck) return
    // More than a row of the trail holds, or some of the first ones had to be ended: there may be others.
    if (isFull) {
      if (left > 0) continue
      return
    }
    const again = bands.isBounded ? context.marks.again(wish.ids) : undefined
    if (again === undefined) return
    if (claimed.length > 0) {
      // What was found must not wait for a look that nearly always finds nothing.
      context.marks.owe()
      progress.more.push(wish.claim.queue)
      return
    }
    bands = again
  }
}

/** Sends the next group of completions together with a claim, or alone. */
async function send(
  context: StoreContext,
  progress: Progress,
  claim:
    | {
        readonly wish: Wish
        readonly bands: Bands
        readonly limit: number
        readonly ignoreDue: boolean
      }
    | undefined,
): Promise<Reply> {
  const { request, worker } = progress
  const indexes = progress.unsent[0] ?? []
  const closable = context.claims.takeClosable()
  const shares = claim === undefined ? [] : await laneShares(context, claim)
  const values = [
    ...completionValues(request.settlements, indexes),
    worker,
    request.worker.token,
    request.token,
    claim === undefined ? "{}" : `{${claim.bands.lanes.join(",")}}`,
    claim === undefined ? "{}" : `{${claim.bands.lows.join(",")}}`,
    claim === undefined ? "{}" : `{${claim.bands.highs.join(",")}}`,
    `{${shares.join(",")}}`,
    claim?.limit ?? 0,
    claim?.wish.claim.queue ?? "",
    claim?.ignoreDue ?? true,
    `{${closable.join(",")}}`,
  ]
  let rows: readonly Row[]
  try {
    rows = await context.database.statement("exchange", "exchange", values)
  } catch (error) {
    context.claims.giveBack(closable)
    throw error
  }
  const reply = await readReply(context, request, rows)
  progress.lease = reply.lease
  if (claim !== undefined) noteMarks(context, claim.wish.ids, reply, claim.limit)
  if (indexes.length > 0) {
    progress.unsent.shift()
    await noteStatuses(context, progress, indexes, reply.written)
  }
  return claim !== undefined && claim.wish.ids.length > 1
    ? { ...reply, claimed: [...reply.claimed].toSorted(byRank(reply.agingMs)) }
    : reply
}

async function noteStatuses(
  context: StoreContext,
  { request, worker, statuses }: Progress,
  indexes: readonly number[],
  written: readonly number[] | null,
): Promise<void> {
  if (written === null) {
    for (const index of indexes) statuses[index] = "settled"
    return
  }
  for (const n of written) statuses[indexes[n - 1] as number] = "settled"
  const missing = indexes.filter((index) => statuses[index] === undefined)
  const why = await whyNot(context, worker, request.settlements, missing)
  for (const [at, index] of missing.entries()) statuses[index] = why[at] as SettleStatus
}

/** Makes available what is due. */
async function promote(
  context: StoreContext,
  progress: Progress,
  ids: readonly number[],
): Promise<void> {
  const { database, lanes, marks } = context
  const rows = await database.statement("exchange", "promote_due", [ids, MOST_PROMOTED], {
    repeatable: true,
  })
  // Their place is that of their due time.
  marks.forget(ids)
  if (rows.length === 0) return
  const known = await lanes.byId(rows.map(([, lane]) => lane as number))
  for (const [jobId, lane] of rows) {
    tell(progress, known.get(lane as number), jobId as string, 6)
  }
}

/** Claims jobs that may turn out to have ended: expired, or their key was taken. */
async function claimOneByOne(
  context: StoreContext,
  progress: Progress,
  ids: readonly string[],
  limit: number,
): Promise<CarefulClaim> {
  if (ids.length === 0) return { claimed: [], left: [] }
  const { worker, token } = progress.request
  const values = [worker.ref, worker.token, token, ids, limit]
  const rows = await context.database.statement("exchange", "claim_one_by_one", values)
  const gone = rows.filter(([, state]) => state !== null)
  if (gone.length > 0) await tellEnded(context, progress, gone)
  const seen = new Set(rows.map(([id]) => id as string))
  const left = ids.filter((id) => !seen.has(id))
  if (gone.length === rows.length) return { claimed: [], left }
  const started = new Set(rows.filter(([, state]) => state === null).map(([id]) => id as string))
  const held = await readHeldRows(context, progress)
  return { claimed: held.filter(({ jobId }) => started.has(jobId)), left }
}

/** A job that runs alone: it shares its process with nothing else. */
async function claimAlone(
  context: StoreContext,
  progress: Progress,
  held: readonly ClaimedJob[],
): Promise<readonly ClaimedJob[]> {
  const wanted = progress.request.claims.filter(({ limit }) => limit > 0)
  const lanes = await context.lanes.find(wanted)
  const ids = lanes.flat()
  if (held.length > 0 || ids.length === 0) return []
  const read = { reads: true }
  const special = await context.database.statement("exchange", "limited_lanes", [ids], read)
  context.limited.seen(ids, new Set(special.map(([lane]) => lane as number)))
  for (const [index, claim] of wanted.entries()) {
    const own = lanes[index] as readonly number[]
    if (!context.limited.includes(own)) continue
    const wish = { claim, ids: own, left: 1 }
    const limited = await claimUnderLimits(context, progress, wish, true)
    if (limited.length > 0) return limited
  }
  const past: string[] = []
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const rows = await context.database.statement("exchange", "next_alone", [ids, past], read)
    if (rows[0]?.[1] === true && round === 0) {
      await promote(context, progress, ids)
      continue
    }
    const next = rows.flatMap(([id]) => (id === null ? [] : [id as string]))
    if (next.length === 0) return []
    const { claimed, left } = await claimOneByOne(context, progress, next, 1)
    if (claimed.length > 0) return claimed
    // None of these may be left to it, but others may wait behind them.
    past.push(...left)
  }
  return []
}

/** What the worker holds under the token: claimed by a commit whose reply was lost. */
async function readHeld(context: StoreContext, progress: Progress): Promise<readonly ClaimedJob[]> {
  progress.lease = await readLease(context, progress)
  if (progress.lease === "lost") return []
  const held = await readHeldRows(context, progress)
  context.claims.opened(held)
  return held
}

async function readHeldRows(
  context: StoreContext,
  { request, worker }: Progress,
): Promise<ClaimedJob[]> {
  const values = [worker, request.token]
  const rows = await context.database.statement("exchange", "held_jobs", values, {
    reads: true,
  })
  const jobs = await claimedJobs(context, rows, 0, request.token, 0)
  return jobs.map((job, index) => ({ ...job, startedAt: rows[index]?.[18] as number }))
}
