/**
 * Moves everything that one database holds to another one that is empty.
 *
 * The source is shut first: from then on the database itself refuses whatever others write, so nothing can be enqueued
 * behind the mover's back. The target is shut too until the end, so no worker starts on half of the jobs. Pages go over
 * in order, each in one transaction with the note of how far it came; a mover that is killed goes on from that note, and
 * two movers cannot do a page twice. At the end both databases are read again, row by row, and only if they hold the same
 * is the source marked as moved and then the target opened: at no instant do both take jobs.
 */
import { DroverError, isDroverError } from "../errors/index.ts"
import { movePartNames } from "../store/index.ts"
import type { MoveNote, MovePart, MoveProgress, MoveStore } from "../store/index.ts"
import { digestOf } from "./digest.ts"
import { Pager } from "./pager.ts"

/** A source, open, and a target, which the move opens itself: what is refused must not have made it. */
export interface MoveEnds {
  readonly source: MoveStore
  readonly target: MoveStore
}

/** What a move is told. */
export interface MoveOptions {
  /** Names this move if it is a new one. */
  readonly newId: string
  /** The most rows that one transaction takes over. */
  readonly batch: number
  /** Ends the move between two pages; it can be taken up again. */
  readonly signal?: AbortSignal
  /** Called after each page, and after each part was checked. */
  onProgress?(progress: {
    readonly part: MovePart
    readonly rows: number
    readonly checked: boolean
  }): void
}

/** What was moved. */
export interface MoveReport {
  /** `already`: an earlier run had finished. */
  readonly status: "moved" | "already"
  readonly rows: Readonly<Record<MovePart, number>>
}

const NOTHING: MoveProgress = { after: null, rows: 0, done: false }

/**
 * Moves, or goes on where an earlier run was ended.
 * @throws DroverError `DROVER_MOVE_REFUSED` when workers are alive, the target holds anything, either is part of another
 * move, or the two differ at the end.
 */
export async function move(ends: MoveEnds, options: MoveOptions): Promise<MoveReport> {
  const { source, target } = ends
  const opened = await begin(ends, options.newId)
  if (opened.status === "already") return { status: "already", rows: rowsOf(opened.note) }
  for (const part of movePartNames) await copy(part, ends, options)
  const note = await target.readNote()
  if (note === null) throw lost(target)
  for (const part of movePartNames) {
    await check(part, ends, note, options)
  }
  await source.writeNote({ ...opened.note, state: "moved" })
  await target.reopen({ ...note, state: "moved" })
  return { status: "moved", rows: rowsOf(note) }
}

/**
 * Gives a move up that has not ended: empties the target and lets the source be used again.
 * @throws DroverError `DROVER_MOVE_REFUSED` when the move has ended, there is none, it has another source or target, or the
 * target cannot be reached.
 */
export async function abortMove({ source, target }: MoveEnds): Promise<void> {
  const from = await source.readNote()
  const to = await noteOfTarget(target, from).catch((error: unknown) => {
    // Opened alone, the source would be written to while a mover that does reach the target goes on behind its back.
    const why = isDroverError(error) ? error.message : String(error)
    throw refused(
      `${target.label} cannot be emptied, so ${source.label} is left as it is (${why}); make it reachable and give the move up again, and if it is gone for good, make an empty database at this address first`,
      error,
    )
  })
  if (from?.role === "source" && from.state === "moved") {
    throw refused(`${source.label} was moved to ${from.peer} already; move it back instead`)
  }
  const isFilled = to?.role === "target" && to.state === "moving"
  const isShut = from?.role === "source" && from.state === "moving"
  if (!isFilled && !isShut)
    throw refused(`neither ${source.label} nor ${target.label} is being moved`)
  // Both ends must be those of one move: else one that is going on would lose an end, and its source be left shut.
  if (isShut && from.peer !== target.label) {
    throw refused(`${source.label} is being moved to ${from.peer}, not to ${target.label}`)
  }
  if (isFilled && (isShut ? from.id !== to.id : to.peer !== source.label)) {
    throw refused(`${target.label} is being filled from ${to.peer}, not from ${source.label}`)
  }
  // The target first: a run that is killed here can be repeated.
  if (isFilled) {
    await target.clear()
    await target.reopen(null)
  }
  if (isShut) await source.reopen(null)
}

async function begin(
  ends: MoveEnds,
  newId: string,
): Promise<{ readonly status: "open" | "already"; readonly note: MoveNote }> {
  const { source, target } = ends
  const from = await source.readNote()
  if (from?.role === "target" && from.state === "moving") {
    throw refused(`${source.label} is being filled from ${from.peer}`)
  }
  const mine = from?.role === "source" ? from : null
  if (mine !== null && mine.peer !== target.label) {
    const done = mine.state === "moved"
    throw refused(
      `${source.label} ${done ? "was" : "is being"} moved to ${mine.peer}${done ? "" : "; end that first, or give it up with --abort"}`,
    )
  }
  const to = await noteOfTarget(target, mine)
  const same = to !== null && to.role === "target" && to.id === mine?.id
  if (same && to.state === "moved") return { status: "already", note: to }
  if (mine !== null && same) return { status: "open", note: mine }
  if (mine?.state === "moved")
    throw refused(`${source.label} was moved to ${mine.peer}, which knows nothing of it any more`)
  const note = mine ?? {
    id: newId,
    role: "source",
    state: "moving",
    peer: target.label,
    progress: {},
  }
  await shutBoth(ends, note, to)
  return { status: "open", note }
}

/**
 * What the target keeps about a move. A target that has no tables keeps nothing and stays as it is, and one of an older
 * version is refused as it is, unless the source is shut for it: then it is ours, and was left half made.
 */
async function noteOfTarget(target: MoveStore, from: MoveNote | null): Promise<MoveNote | null> {
  const made = await target.tables()
  if (made === "none") return null
  const isOurs = from?.role === "source" && from.state === "moving" && from.peer === target.label
  await target.open({ migrate: made === "some" && isOurs })
  return target.readNote()
}

async function shutBoth(
  { source, target }: MoveEnds,
  note: MoveNote,
  to: MoveNote | null,
): Promise<void> {
  if (to?.role === "target" && to.state === "moving") {
    throw refused(
      `${target.label} is being filled from ${to.peer}; end that first, or give it up with --abort`,
    )
  }
  const { shut, workers } = await source.shut(note)
  if (!shut) {
    throw refused(
      `workers are alive on ${source.label}: ${workers.join(", ")}; stop them, or wait for the end of their leases if they are dead`,
    )
  }
  try {
    await target.open({ migrate: true })
  } catch (error) {
    await source.reopen(null)
    throw error
  }
  const entry: MoveNote = { ...note, role: "target", state: "moving", peer: source.label }
  if (await target.shutEmpty(entry, await source.now())) return
  await source.reopen(null)
  throw refused(
    `${target.label} holds jobs, workers, queues or keys; a move needs an empty database`,
  )
}

async function copy(
  part: MovePart,
  { source, target }: MoveEnds,
  options: MoveOptions,
): Promise<void> {
  const pager = new Pager(options.batch)
  let progress = await progressOf(target, part)
  while (!progress.done) {
    options.signal?.throwIfAborted()
    const page = await pager.next(source, part, progress.after)
    const from = progress.after
    const done = await target.importRows(part, { from, to: page.next, rows: page.rows })
    // Repeated: another mover was faster, or the reply of an earlier try was lost. The note knows.
    progress =
      done === "repeated"
        ? await progressOf(target, part)
        : {
            after: page.next ?? from,
            rows: progress.rows + page.rows.length,
            done: page.next === null,
          }
    options.onProgress?.({ part, rows: progress.rows, checked: false })
  }
}

async function progressOf(target: MoveStore, part: MovePart): Promise<MoveProgress> {
  const note = await target.readNote()
  if (note?.role !== "target" || note.state !== "moving") throw lost(target)
  return note.progress[part] ?? NOTHING
}

async function check(
  part: MovePart,
  { source, target }: MoveEnds,
  note: MoveNote,
  options: MoveOptions,
): Promise<void> {
  const [left, right] = [
    await digestOf(source, part, options.batch, options.signal),
    await digestOf(target, part, options.batch, options.signal),
  ]
  const arrived = note.progress[part]?.rows ?? 0
  // Counted apart from the pages, because both sides are read in pages and could stop short alike.
  const counts = [await source.countRows(part), await target.countRows(part), right.rows, arrived]
  if (counts.some((count) => count !== left.rows) || left.sum !== right.sum) {
    throw new DroverError(
      "DROVER_MOVE_REFUSED",
      `${part}: ${source.label} has ${left.rows} rows (${left.sum.slice(0, 12)}), ${target.label} has ${right.rows} (${right.sum.slice(0, 12)}); ${arrived} were moved and ${counts[0]} are counted. Both stay shut; give the move up with --abort.`,
      { details: { part, source: left, target: right, moved: arrived } },
    )
  }
  options.onProgress?.({ part, rows: left.rows, checked: true })
}

function rowsOf(note: MoveNote): Record<MovePart, number> {
  return Object.fromEntries(
    movePartNames.map((part) => [part, note.progress[part]?.rows ?? 0]),
  ) as Record<MovePart, number>
}

function lost(target: MoveStore): DroverError {
  return refused(
    `${target.label} is not being filled any more; somebody gave the move up or ended it`,
  )
}

function refused(why: string, cause?: unknown): DroverError {
  return new DroverError("DROVER_MOVE_REFUSED", `${why}.`, { cause })
}
