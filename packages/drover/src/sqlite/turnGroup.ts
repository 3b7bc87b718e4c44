import { assert } from "../errors/index.ts"
import type { JobKeys } from "../store/index.ts"
import type { ActiveLimit } from "./limits.ts"
import type { Row } from "./statements.ts"
import { lastTurnOf, turnOf } from "./tracks.ts"
import type { WriteTx } from "./writeTx.ts"

/** What a start moves the turn of a key on by, if its weight is 1. */
const STEP = 1_000_000

/** The order in a group: the turn of its key, then its first job's rank and seq. */
export type Place = readonly [turn: number, rank: number, seq: number]

/** Whether one place comes before another. */
export function isBefore(a: Place, b: Place): boolean {
  if (a[0] !== b[0]) return a[0] < b[0]
  return a[1] < b[1] || (a[1] === b[1] && a[2] < b[2])
}

/** Where jobs of a claim come from: a track, or all ordinary jobs of some lanes. */
export interface Candidate {
  /** `null` for ordinary jobs. */
  readonly track: number | null
  readonly lane: number | null
  readonly keys: JobKeys
  /** Its key under the fair limit; empty for none. */
  readonly share: string
  /** Nothing waits in it any more. */
  readonly isGone: boolean
}

class Source implements Candidate {
  readonly track: number | null
  readonly lane: number | null
  readonly keys: JobKeys
  readonly share: string
  /** Of its first job, or of one before it that is gone. */
  rank: number
  seq: number
  rows: readonly Row[] | undefined
  next = 0
  /** There may be more than was read. */
  isCut = false
  isGone = false
  /** Something left it, or its first job is another one: its row in drover_track is not right any more. */
  took = false

  constructor(from: Omit<Candidate, "isGone">, rank: number, seq: number) {
    this.track = from.track
    this.lane = from.lane
    this.keys = from.keys
    this.share = from.share
    this.rank = rank
    this.seq = seq
  }

  read(rows: readonly Row[], isCut: boolean): void {
    this.rows = rows
    this.next = 0
    this.isCut = isCut
    this.#aim()
  }

  shift(): Row {
    const row = this.rows?.[this.next]
    assert(row !== undefined, "only what was read is taken")
    this.next += 1
    this.took = true
    this.#aim()
    return row
  }

  #aim(): void {
    const row = this.rows?.[this.next]
    if (row === undefined) return
    this.rank = row.at(-1) as number
    this.seq = row[0] as number
  }
}

/**
 * Candidates among which the next job is chosen: by rank alone, or, with a fair limit, by the turn of their key and
 * then by rank. Nothing is chosen while something that was not read may come before it.
 */
export class TurnGroup {
  readonly #fair: ActiveLimit | undefined
  readonly #turns: Map<string, number> = new Map()
  readonly #moved: Set<string> = new Set()
  readonly #left: Source[] = []
  #sources: Source[] = []
  #boundary: Place | undefined
  // Of the last start. What waited where nobody claimed stands behind it in its row, and has saved nothing up.
  #lastTurn = 0

  constructor(tx: WriteTx, fair: ActiveLimit | undefined) {
    this.#fair = fair
    if (fair === undefined) return
    this.#lastTurn = lastTurnOf(tx, fair)
    this.#turns.set("", turnOf(tx, { limit: fair, key: "" }))
  }

  /** Ordinary jobs in order. @param isCut whether there may be more. */
  addOrdinary(rows: readonly Row[], isCut: boolean): void {
    if (rows.length === 0) return
    const source = new Source({ track: null, lane: null, keys: [], share: "" }, 0, 0)
    source.read(rows, isCut)
    this.#sources.push(source)
  }

  addTrack(track: Omit<Candidate, "isGone">, [turn, rank, seq]: Place): void {
    this.#sources.push(new Source(track, rank, seq))
    if (this.#fair !== undefined) {
      const known = this.#turns.get(track.share) ?? this.#lastTurn
      this.#turns.set(track.share, Math.max(turn, known))
    }
  }

  /**
   * A lane's tracks were read in order up to this one; others may come after. Called when all were added: its turn is
   * that of its key, of which another track may know more. By the turn in its row everything that was read could stand
   * after it, and the claim would read again for ever.
   */
  mayHaveMoreAfter(share: string, [, rank, seq]: Place): void {
    const place: Place = [this.#fair === undefined ? 0 : this.#turns.get(share)!, rank, seq]
    if (this.#boundary === undefined || isBefore(place, this.#boundary)) this.#boundary = place
  }

  /** The place of what comes first here; "unread" when that is not known; `undefined` when nothing waits. */
  place(): Place | "unread" | undefined {
    if (this.#sources.length === 0) return this.#boundary === undefined ? undefined : "unread"
    const first = this.first() as Source
    const place = this.#placeOf(first)
    if (this.#boundary !== undefined && isBefore(this.#boundary, place)) return "unread"
    if (first.rows !== undefined && first.next === first.rows.length && first.isCut) return "unread"
    return place
  }

  /** What comes first; there must be something. */
  first(): Candidate {
    let best = this.#sources[0]
    assert(best !== undefined, "a group that is asked has something")
    for (const source of this.#sources) {
      if (isBefore(this.#placeOf(source), this.#placeOf(best))) best = source
    }
    return best
  }

  /**
   * The first job of a candidate; `undefined` when it has none, or only later ones, so that another may be first now.
   * @param read reads the first `limit` jobs of a track.
   */
  peek(
    candidate: Candidate,
    limit: number,
    read: (candidate: Candidate, limit: number) => readonly Row[],
  ): Row | undefined {
    const source = candidate as Source
    if (source.rows === undefined) {
      const { seq } = source
      const rows = read(source, limit)
      source.read(rows, rows.length === limit)
      if (rows.length > 0 && source.seq !== seq) {
        source.took = true
        return undefined
      }
    }
    const row = source.rows?.[source.next]
    if (row === undefined && !source.isCut) {
      source.isGone = source.track !== null
      this.leave(source)
    }
    return row
  }

  shift(candidate: Candidate): Row {
    return (candidate as Source).shift()
  }

  /** A job of the candidate starts: its key's turn moves on. */
  took(candidate: Candidate): void {
    if (this.#fair === undefined) return
    const { share } = candidate
    const turn = this.#turnOf(candidate as Source)
    this.#lastTurn = Math.max(this.#lastTurn, turn)
    const weight = this.#fair.setting.weights?.[share] ?? 1
    this.#turns.set(share, turn + Math.max(1, Math.round(STEP / weight)))
    this.#moved.add(share)
  }

  /** The candidate is out of this reading. */
  leave(candidate: Candidate): void {
    this.#sources = this.#sources.filter((source) => source !== candidate)
    this.#left.push(candidate as Source)
  }

  /** Nothing of it may start. */
  clear(): void {
    this.#left.push(...this.#sources)
    this.#sources = []
    this.#boundary = undefined
  }

  /** Writes where tracks and turns are now. What started must have left its track. */
  write(tx: WriteTx): void {
    for (const { track, lane, took, isGone } of [...this.#left, ...this.#sources]) {
      if (track === null || !(took || isGone)) continue
      const first = tx.statements.first("first_of_track", lane, track)
      if (first === undefined) tx.statements.run("drop_track", track)
      else tx.statements.run("rank_track", first[0] as number, first[1] as number, track)
    }
    if (this.#fair === undefined || this.#moved.size === 0) return
    const { id } = this.#fair
    for (const key of this.#moved) {
      const turn = this.#turns.get(key) as number
      tx.statements.run("put_turn", id, key, turn)
      tx.statements.run("turn_tracks", turn, id, key)
    }
    tx.statements.run("turn_limit", this.#lastTurn, id)
  }

  #turnOf(source: Source): number {
    return this.#fair === undefined ? 0 : (this.#turns.get(source.share) ?? 0)
  }

  #placeOf(source: Source): Place {
    return [this.#turnOf(source), source.rank, source.seq]
  }
}
