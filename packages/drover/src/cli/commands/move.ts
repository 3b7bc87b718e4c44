import { DroverError } from "../../errors/index.ts"
import { Events } from "../../events/index.ts"
import { abortMove, move as moveAll } from "../../move/index.ts"
import type { MoveEnds, MoveReport } from "../../move/index.ts"
import { movePartNames } from "../../store/index.ts"
import type { MovePart, MoveStore, StoreSource } from "../../store/index.ts"
import { systemClock, systemRng, UuidMaker } from "../../time/index.ts"
import type { Call, Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { placeOf } from "../place.ts"
import { plainJson, plainText } from "../plainText.ts"
import { exitCodes } from "../terminal.ts"
import type { ExitCode } from "../terminal.ts"
import { text, whole } from "../values.ts"

const BATCH = 1_000
// Progress is told after so many rows of a part.
const TELL_ROWS = 100_000

/** `drover move`: takes everything from one database to another one that is empty. */
export const move: Command = {
  name: "move",
  summary: "move everything to another, empty database",
  usage: [
    "move --from sqlite:FILE --to postgres://HOST/NAME [--schema drover] [--batch 1000]",
    "move --from postgres://HOST/NAME --to sqlite:FILE",
    "move --from … --dry-run",
    "move --from … --to … --abort",
  ],
  options: {
    from: { type: "string", value: "PLACE", about: "the database to move" },
    to: {
      type: "string",
      value: "PLACE",
      about: "the database that takes everything; it is made if need be",
    },
    schema: {
      type: "string",
      value: "NAME",
      about: "schema of Drover's tables in Postgres (drover)",
    },
    "to-schema": {
      type: "string",
      value: "NAME",
      about: "schema in --to, if it is another than in --from",
    },
    batch: { type: "string", value: "N", about: `most rows in one transaction (${BATCH})` },
    "dry-run": { type: "boolean", about: "only count what would be moved" },
    abort: {
      type: "boolean",
      about: "give up a move that has not ended: empty --to, open --from again",
    },
  },
  async run(call) {
    if (call.positionals.length > 0) throw new UsageError("move takes no arguments")
    const batch = whole(call.values, "batch", 1) ?? BATCH
    const from = text(call.values, "from")
    if (from === undefined) throw new UsageError("move needs --from PLACE")
    const source = moverOf(sourceOf(call, "from", from, text(call.values, "schema")), from)
    await using opened = new AsyncDisposableStack()
    opened.defer(() => source.close())
    await source.open({ migrate: false })
    if (call.values["dry-run"] === true) return await count(source, call)
    const to = text(call.values, "to")
    if (to === undefined) throw new UsageError("move needs --to PLACE")
    const schema = text(call.values, "to-schema") ?? text(call.values, "schema")
    const target = moverOf(sourceOf(call, "to", to, schema), to)
    opened.defer(() => target.close())
    if (call.values["abort"] === true) return await giveUp({ source, target }, call)
    return await carryOut({ source, target }, batch, call)
  },
}

async function carryOut(ends: MoveEnds, batch: number, call: Call): Promise<ExitCode> {
  const stop = new AbortController()
  const stopListening = call.terminal.onStop((signal) => {
    call.terminal.note(`${signal}: ending after this page; run the same command again to go on`)
    stop.abort(
      new DroverError("DROVER_MOVE_REFUSED", `The move was ended by ${signal}; nothing is lost.`),
    )
  })
  try {
    const report = await moveAll(ends, {
      newId: new UuidMaker(systemClock, systemRng).next(),
      batch,
      signal: stop.signal,
      onProgress: teller(call),
    })
    print(report, ends, call)
    return exitCodes.ok
  } finally {
    stopListening()
  }
}

/** Tells how far a move has come, without a line for each page. */
function teller(
  call: Call,
): (progress: { part: MovePart; rows: number; checked: boolean }) => void {
  let told = 0
  let last: MovePart | undefined
  return ({ part, rows, checked }) => {
    if (part !== last) told = 0
    last = part
    if (checked && rows > 0) call.terminal.note(`${part}: ${rows} checked`)
    else if (!checked && rows - told >= TELL_ROWS) {
      told = rows
      call.terminal.note(`${part}: ${rows} moved`)
    }
  }
}

function print(report: MoveReport, { source, target }: MoveEnds, call: Call): void {
  if (call.json) {
    call.terminal.out(plainJson({ from: source.label, to: target.label, ...report }))
    return
  }
  const verb = report.status === "moved" ? "moved" : "had been moved before"
  const { jobs, trail } = report.rows
  call.terminal.out(
    plainText(
      `${verb}: ${jobs} jobs with ${trail} transitions, from ${source.label} to ${target.label}`,
    ),
  )
  call.terminal.out(
    plainText(`Use ${target.label} from now on; ${source.label} takes no more jobs.`),
  )
}

async function giveUp(ends: MoveEnds, call: Call): Promise<ExitCode> {
  await abortMove(ends)
  const { source, target } = ends
  if (call.json)
    call.terminal.out(plainJson({ from: source.label, to: target.label, status: "given up" }))
  else
    call.terminal.out(
      plainText(`given up: ${source.label} is open again, ${target.label} is empty`),
    )
  return exitCodes.ok
}

async function count(source: MoveStore, call: Call): Promise<ExitCode> {
  const rows: Partial<Record<MovePart, number>> = {}
  for (const part of movePartNames) rows[part] = await source.countRows(part)
  if (call.json) call.terminal.out(plainJson({ from: source.label, dryRun: true, rows }))
  else {
    for (const [part, number] of Object.entries(rows)) {
      if (number > 0) call.terminal.out(`would move ${part}: ${number}`)
    }
  }
  return exitCodes.ok
}

function sourceOf(
  call: Call,
  end: "from" | "to",
  place: string,
  schema: string | undefined,
): StoreSource {
  const { cwd } = call.terminal
  // An empty database would be moved with success.
  return placeOf(place, { cwd, option: `--${end}`, schema, mustExist: end === "from" })
}

function moverOf(source: StoreSource, place: string): MoveStore {
  const mover = source.connectMove?.({ clock: systemClock, rng: systemRng, events: new Events() })
  if (mover === undefined)
    throw new UsageError(`"${place}" is in the memory of a process and cannot be moved`)
  return mover
}
