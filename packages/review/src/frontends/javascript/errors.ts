/** Where the parser did not understand the text, and which functions that spoils. */
import type { At } from "../../ir/nodes.ts"
import type { Syntax } from "../syntax.ts"

export interface ErrorMarks {
  readonly count: number
  /** Whether an error within a range belongs to no function nearer to it. With `claim` it belongs to this one now. */
  spoils(start: number, end: number, claim: boolean): boolean
}

/** One walk over a parse tree: the errors in it, and the spans of its comments in order. */
export function readMarks(root: Syntax): { errors: ErrorMarks; comments: At[] } {
  const at: number[] = []
  const comments: At[] = []
  const visit = (node: Syntax): void => {
    // A tag with type arguments (`sql<Row[]>` before a template) is read as one with a `!` that is not there.
    const isError = node.type === "ERROR" || (node.isMissing && node.type !== "!")
    if (isError) at.push(node.start)
    else if (node.type === "comment" || node.type === "html_comment") {
      comments.push({ start: node.start, end: node.end })
    }
    // What a string holds spoils nothing, as an `&` in an attribute that begins no reference.
    if (node.type !== "string") for (const child of node.children) visit(child)
  }
  visit(root)
  return { errors: new Marks(at.sort((a, b) => a - b)), comments }
}

class Marks implements ErrorMarks {
  readonly count: number
  /** Errors that no function has claimed yet, in order. */
  readonly #free: number[]

  constructor(at: number[]) {
    this.count = at.length
    this.#free = at
  }

  spoils(start: number, end: number, claim: boolean): boolean {
    if (this.#free.length === 0) return false
    const first = this.#firstFrom(start)
    const spoiled = first < this.#free.length && this.#free[first]! <= end
    if (spoiled && claim) this.#free.splice(first, this.#firstFrom(end + 1) - first)
    return spoiled
  }

  #firstFrom(offset: number): number {
    let low = 0
    let high = this.#free.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#free[middle]! < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
