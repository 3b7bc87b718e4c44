import type { Node } from "../../ir/nodes.ts"

/** Something that code does itself or through functions that it calls. */
export interface Reached<What> {
  /** Where it is reached from: a node of the code that was asked about. */
  readonly from: Node
  readonly what: What
  /** Calls in between. */
  readonly depth: number
}
