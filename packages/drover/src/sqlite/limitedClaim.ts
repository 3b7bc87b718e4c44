import { readKeys } from "../store/index.ts"
import type { JobKeys } from "../store/index.ts"
import { readLanes } from "./laneQueries.ts"
import type { LaneQuery } from "./laneQueries.ts"
import type { ActiveLimit } from "./limits.ts"
import { Meters } from "./meters.ts"
import type { ClaimMeter } from "./meters.ts"
import type { Row } from "./statements.ts"
import { shareOf } from "./tracks.ts"
import { isBefore, TurnGroup } from "./turnGroup.ts"
import type { Candidate, Place } from "./turnGroup.ts"
import type { WriteTx } from "./writeTx.ts"

/** What a claim asks for in one queue. */
export interface LimitedAsk {
  readonly queue: string
  readonly lanes: readonly number[]
  readonly limit: number
  readonly alone: 0 | 1
  /** Ordinary jobs of the lanes. Its columns end with the rank; the first three are seq, id and lane, then the attempt. */
  readonly ordinary: LaneQuery
  /** Ends a job that must not start any more. */
  mayStart(row: Row): boolean
  /** Moves jobs to running. @param hasLimitKeys says of each whether it has keys. */
  start(rows: readonly Row[], hasLimitKeys: readonly boolean[]): void
}

// A claim reads this many pieces of its lanes at most; what is left is for the next one.
const MOST_PASSES = 200
// And blocks or drops this many tracks, about 5 ms.
const MOST_CLOSED = 1_000

/**
 * Claims from a queue with limits or keys: the ordinary jobs of its lanes and its open tracks, merged by rank, or by
 * turns where keys share fairly. A job that may not start stays where it is; if it stands in a track, the whole track
 * is blocked and the claim goes on with the others. See docs/decisions/0013-limits.md for why no limit is passed.
 * @returns how many jobs were claimed, and whether others wait that only limits hold back.
 */
export function claimLimited(
  tx: WriteTx,
  ask: LimitedAsk,
): { readonly count: number; readonly heldBack: boolean } {
  return new LimitedClaim(tx, ask).run()
}

class LimitedClaim {
  readonly #tx: WriteTx
  readonly #ask: LimitedAsk
  readonly #meters: Meters
  readonly #closedLanes: Set<number> = new Set()
  #left: number
  #closedTracks = 0
  // Tracks whose first job was another one than their row said.
  #corrected = 0
  #queueIsFull = false

  constructor(tx: WriteTx, ask: LimitedAsk) {
    this.#tx = tx
    this.#ask = ask
    this.#left = ask.limit
    this.#meters = new Meters(tx)
  }

  run(): { readonly count: number; readonly heldBack: boolean } {
    const { lanes, limit } = this.#ask
    for (const lane of lanes) {
      if (this.#tx.limits.isKeyed(lane))
        this.#tx.statements.run("unblock_windows", lane, this.#tx.now)
    }
    for (let pass = 0; pass < MOST_PASSES && this.#left > 0; pass++) {
      if (!this.#pass() || this.#closedTracks >= MOST_CLOSED) break
    }
    this.#meters.write()
    return { count: limit - this.#left, heldBack: this.#left > 0 && this.#isHeldBack() }
  }

  /** Takes in order from what it reads. @returns whether more may be had by reading again. */
  #pass(): boolean {
    const groups = this.#readGroups()
    const picked: { readonly row: Row; readonly from: Candidate }[] = []
    const before = this.#closedTracks + this.#corrected
    let ended = 0
    let again = false
    while (this.#left > 0 && this.#closedTracks < MOST_CLOSED) {
      const group = firstOf(groups)
      if (group === undefined) break
      const from = group === "unread" ? undefined : group.first()
      if (group === "unread" || from === undefined) {
        again = true
        break
      }
      const row = this.#next(group, from)
      if (row === undefined) continue
      if (!this.#ask.mayStart(row)) ended += 1
      else {
        for (const meter of this.#metersOf(row[2] as number, from.keys)) {
          meter.take(...attemptOf(row))
        }
        picked.push({ row, from })
        group.took(from)
        this.#left -= 1
        const blocking = this.#fullKey(from)
        if (blocking !== undefined) this.#block(group, from, blocking)
      }
    }
    this.#start(picked)
    for (const group of groups) group.write(this.#tx)
    const isFurther = picked.length + ended > 0 || this.#closedTracks + this.#corrected > before
    return again && isFurther
  }

  /** The next job of a candidate, if it may start; else the candidate or its lane is out. */
  #next(group: TurnGroup, from: Candidate): Row | undefined {
    const blocking = this.#fullKey(from)
    if (blocking !== undefined) {
      this.#block(group, from, blocking)
      return undefined
    }
    const row = group.peek(from, this.#roomOf(from), this.#readTrack)
    if (row === undefined) {
      if (from.isGone) this.#closedTracks += 1
      else this.#corrected += 1
      return undefined
    }
    const lane = row[2] as number
    if (this.#isOpen(lane)) return group.shift(from)
    if (this.#queueIsFull) group.clear()
    else if (from.track === null) group.shift(from)
    else group.leave(from)
    return undefined
  }

  #fullKey({ keys }: Candidate): ClaimMeter | undefined {
    return this.#keyed(keys).find(({ room }) => room === 0)
  }

  // Every keyed limit of the candidate has room for one at least.
  #roomOf({ keys }: Candidate): number {
    return Math.min(this.#left, ...this.#keyed(keys).map(({ room }) => room))
  }

  readonly #readTrack = ({ lane, track }: Candidate, limit: number): readonly Row[] => {
    const text = trackText(this.#ask.ordinary.columns)
    return this.#tx.statements.made(text).all(lane, track, limit) as unknown as readonly Row[]
  }

  #block(group: TurnGroup, from: Candidate, { limit, key, freeAt }: ClaimMeter): void {
    const { track } = from
    group.leave(from)
    this.#tx.statements.run("block_track", limit.id, key, freeAt, track)
    this.#closedTracks += 1
  }

  /** Whether the limits over all jobs of a lane's queue and of its kind have room. */
  #isOpen(lane: number): boolean {
    if (this.#queueIsFull || this.#closedLanes.has(lane)) return false
    const { limits } = this.#tx
    const isFull = (limit: ActiveLimit): boolean => this.#meters.of(limit, "").room === 0
    this.#queueIsFull = limits.wide("queue", this.#ask.queue).some(isFull)
    if (this.#queueIsFull) return false
    const { kind } = this.#tx.lanes.byId(this.#tx.statements, lane)
    if (!limits.wide("kind", kind).some(isFull)) return true
    this.#closedLanes.add(lane)
    return false
  }

  #metersOf(lane: number, keys: JobKeys): readonly ClaimMeter[] {
    const { limits } = this.#tx
    const { kind } = this.#tx.lanes.byId(this.#tx.statements, lane)
    const wide = [...limits.wide("queue", this.#ask.queue), ...limits.wide("kind", kind)]
    return [...wide.map((limit) => this.#meters.of(limit, "")), ...this.#keyed(keys)]
  }

  // Keys under limits that are not in force, and those of fair sharing, hold nothing back.
  #keyed(keys: JobKeys): readonly ClaimMeter[] {
    return keys.flatMap(([name, key]) => {
      const limit = this.#tx.limits.named(name)
      return limit === undefined || limit.type === "fair" ? [] : [this.#meters.of(limit, key)]
    })
  }

  #readGroups(): readonly TurnGroup[] {
    const { limits } = this.#tx
    const lanes = this.#ask.lanes.filter((lane) => this.#isOpen(lane))
    if (this.#queueIsFull || lanes.length === 0) return []
    const ofQueue = limits.fair("queue", this.#ask.queue)
    if (ofQueue !== undefined) return [this.#readGroup(lanes, ofQueue)]
    const fairOf = (lane: number): ActiveLimit | undefined =>
      limits.fair("kind", this.#tx.lanes.byId(this.#tx.statements, lane).kind)
    const plain = lanes.filter((lane) => fairOf(lane) === undefined)
    const fair = lanes.filter((lane) => fairOf(lane) !== undefined)
    const groups = fair.map((lane) => this.#readGroup([lane], fairOf(lane)))
    return plain.length === 0 ? groups : [...groups, this.#readGroup(plain, undefined)]
  }

  #readGroup(lanes: readonly number[], fair: ActiveLimit | undefined): TurnGroup {
    const { statements } = this.#tx
    const group = new TurnGroup(this.#tx, fair)
    const rows = readLanes(statements, this.#ask.ordinary, lanes, [], this.#left)
    group.addOrdinary(rows, rows.length === this.#left)
    const ends: (readonly [share: string, place: Place])[] = []
    for (const lane of lanes) {
      if (!this.#tx.limits.isKeyed(lane)) continue
      const tracks = statements.all("open_tracks", lane, this.#ask.alone, this.#left)
      for (const [n, [id, text, rank, first, turn]] of tracks.entries()) {
        const keys = readKeys(text as string)
        const share = shareOf(this.#tx.limits, this.#tx.lanes.byId(statements, lane), keys)
        const track = { track: id as number, lane, keys, share: share?.key ?? "" }
        const place = [turn, rank, first] as unknown as Place
        group.addTrack(track, place)
        if (n + 1 === this.#left) ends.push([track.share, place])
      }
    }
    for (const end of ends) group.mayHaveMoreAfter(...end)
    return group
  }

  #start(picked: readonly { readonly row: Row; readonly from: Candidate }[]): void {
    if (picked.length === 0) return
    const rows = picked.map(({ row }) => row)
    const hasLimitKeys = picked.map(({ from }) => from.track !== null)
    this.#ask.start(rows, hasLimitKeys)
    for (const { row, from } of picked) {
      if (from.track === null) continue
      this.#tx.statements.run("leave_track", this.#ask.alone, row[0] as number)
    }
  }

  #isHeldBack(): boolean {
    if (this.#queueIsFull || this.#closedLanes.size > 0) return true
    const { limits, statements } = this.#tx
    return this.#ask.lanes.some(
      (lane) => limits.isKeyed(lane) && statements.first("any_track", lane, this.#ask.alone),
    )
  }
}

// The first jobs of a track, by drover_job_ready.
function trackText(columns: string): string {
  return (
    `select ${columns} from drover_job j ` +
    "where lane = ? and state = 1 and solo = ? order by rank, seq limit ?"
  )
}

// The seq of a job, and the number of the attempt that begins.
function attemptOf(row: Row): [seq: number, attempt: number] {
  return [row[0] as number, (row[3] as number) + 1]
}

/** The group whose first job is first by rank; "unread" when one of them may have an earlier one that was not read. */
function firstOf(groups: readonly TurnGroup[]): TurnGroup | "unread" | undefined {
  let best: TurnGroup | undefined
  let bestPlace: Place | undefined
  for (const group of groups) {
    const place = group.place()
    if (place === "unread") return "unread"
    if (place === undefined) continue
    if (bestPlace === undefined || isBefore([0, place[1], place[2]], bestPlace)) {
      best = group
      bestPlace = [0, place[1], place[2]]
    }
  }
  return best
}
