import { createHash } from "node:crypto"
import type { MovePart, MoveStore } from "../store/index.ts"
import { Pager } from "./pager.ts"

/** How many rows a part has, and what they are. */
export interface PartDigest {
  readonly rows: number
  /** SHA-256 over all rows in order, in hexadecimal. */
  readonly sum: string
}

/** Reads a part page by page; equal digests are equal rows in equal order. */
export async function digestOf(
  store: MoveStore,
  part: MovePart,
  batch: number,
  signal?: AbortSignal,
): Promise<PartDigest> {
  const pager = new Pager(batch)
  const hash = createHash("sha256")
  let rows = 0
  let after: string | null = null
  do {
    signal?.throwIfAborted()
    const page = await pager.next(store, part, after)
    for (const row of page.rows) hash.update(`${JSON.stringify(row)}\n`)
    rows += page.rows.length
    after = page.next
  } while (after !== null)
  return { rows, sum: hash.digest("hex") }
}
