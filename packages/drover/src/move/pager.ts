import type { MovePage, MovePart, MoveStore } from "../store/index.ts"

// Of a page; what is read at once is this times the largest jump in the size of rows.
const TARGET_BYTES = 4_000_000
const FIRST_ROWS = 32

/** Reads pages whose size follows that of their rows, so that memory stays bounded whatever jobs carry. */
export class Pager {
  readonly #most: number
  #rows: number

  constructor(most: number) {
    this.#most = most
    this.#rows = Math.min(most, FIRST_ROWS)
  }

  async next(store: MoveStore, part: MovePart, after: string | null): Promise<MovePage> {
    const page = await store.exportRows(part, after, this.#rows)
    const bytes = page.rows.reduce((sum, row) => sum + sizeOf(row), 0)
    const fitting = Math.floor((TARGET_BYTES * page.rows.length) / Math.max(1, bytes))
    // Grows slowly, because the next rows may be larger; shrinks at once.
    this.#rows = Math.max(1, Math.min(this.#most, this.#rows * 4, Math.max(1, fitting)))
    return page
  }
}

function sizeOf(row: readonly (string | number | null)[]): number {
  return row.reduce<number>((sum, value) => sum + (typeof value === "string" ? value.length : 8), 0)
}
