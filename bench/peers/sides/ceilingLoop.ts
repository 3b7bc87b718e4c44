import type { Client } from "pg"
import { queries } from "../../../packages/drover/src/postgres/generated/queries.ts"
import type { LowMarks } from "../../../packages/drover/src/postgres/lowMarks.ts"
import type { ClaimedJob } from "../../../packages/drover/src/store/index.ts"
import type { Handle, Payload } from "../side.ts"

export type Row = readonly unknown[]

export const schema = "drover"
export const priority = 100

const IDLE_MS = 5

/** Runs a prepared statement of the store, under its text as it stands there. */
export async function runStatement(
  client: Client,
  name: "exchange" | "add_jobs" | "register_worker",
  values: unknown[],
): Promise<Row[]> {
  const text = queries[name].replaceAll("{schema}", schema)
  const { rows } = await client.query<unknown[]>({ name, text, values, rowMode: "array" })
  return rows
}

/** One connection that settles what it claimed last and claims more. */
export class ExchangeLoop {
  readonly #client: Client
  readonly #lane: number
  readonly #worker: number
  readonly #token: number
  // As the store's own claims: they begin where the last one ended.
  readonly #marks: LowMarks

  constructor(
    client: Client,
    given: {
      readonly lane: number
      readonly worker: number
      readonly token: number
      /** All loops of a process know where the others are. */
      readonly marks: LowMarks
    },
  ) {
    this.#client = client
    this.#lane = given.lane
    this.#worker = given.worker
    this.#token = given.token
    this.#marks = given.marks
  }

  async run(batch: number, handle: Handle, isStopped: () => boolean): Promise<void> {
    let held: readonly Row[] = []
    let token = 0
    while (!isStopped() || held.length > 0) {
      const next = token + 1
      const claimed = await this.#exchange(held, { token, next, limit: isStopped() ? 0 : batch })
      for (const row of claimed) void handle(JSON.parse(row[13] as string) as Payload)
      if (held.length + claimed.length === 0) await new Promise((go) => setTimeout(go, IDLE_MS))
      held = claimed
      token = next
    }
    await this.#client.end()
  }

  async #exchange(
    held: readonly Row[],
    {
      token,
      next,
      limit,
    }: { readonly token: number; readonly next: number; readonly limit: number },
  ): Promise<readonly Row[]> {
    const sorted = [...held].sort((a, b) => (String(a[1]) < String(b[1]) ? -1 : 1))
    const list = (pick: (row: Row) => unknown): string => `{${sorted.map(pick).join(",")}}`
    const claim = sorted.length === 0 ? [] : [Math.floor(Number(sorted[0]![4]) / 1024)]
    const { lanes, lows, highs } = this.#marks.bands([this.#lane])
    const rows = await runStatement(this.#client, "exchange", [
      list((row) => row[1]),
      list((row) => row[3]),
      list(() => token),
      list((row) => row[4]),
      null,
      this.#worker,
      this.#token,
      next,
      `{${lanes.join(",")}}`,
      `{${lows.join(",")}}`,
      `{${highs.join(",")}}`,
      `{${lanes.map(() => limit).join(",")}}`,
      limit,
      "default",
      false,
      `{${claim.join(",")}}`,
    ])
    const head = String(rows[0]![0]).split("/")
    if (head[0] !== "1" || head[5] !== "*") throw new Error(`the exchange said ${head.join("/")}`)
    if (rows[0]![1] === null) return []
    this.#marks.claimed(this.#lane, rows.map(times), rows.length === limit)
    return rows
  }
}

/** What marks are made of. */
function times(row: Row): Pick<ClaimedJob, "priority" | "runAt" | "enqueuedAt"> {
  return { priority: Number(row[5]), enqueuedAt: Number(row[16]), runAt: Number(row[17]) }
}
