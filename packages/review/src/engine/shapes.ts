/**
 * Shapes of plain objects: the kind and the keys in their order. Objects of one shape are told apart by their fields alone.
 * Shapes are much the same in all files, so that they are found once in a program.
 */
import { PARENT_KEY } from "../ir/parents.ts"

export interface Shape {
  readonly kind: string | null
  /** What is written of such an object: not its kind, and no link to the node around it. */
  readonly keys: readonly string[]
  /** Whether each key is a place in the text. */
  readonly places: readonly boolean[]
}

/** Where the kind and the keys of an object lead, one after the other: a name of them all would be made for each node. */
interface Step {
  readonly next: Map<string | null, Step>
  /** Of what has these keys and no more. */
  shape: Shape | null
}

/** Far more than the frontends make; what has as many is something else, and is not remembered for ever. */
const MAX_STEPS = 20_000

let kinds = new Map<string | null, Step>()
let count = 0

export function shapeOf(value: Readonly<Record<string, unknown>>): Shape {
  const kind = typeof value["kind"] === "string" ? value["kind"] : null
  let step = stepTo(kinds, kind)
  // No list of the keys is made: plain objects have no others.
  for (const key in value) if (isTold(key, value[key], kind)) step = stepTo(step.next, key)
  return (step.shape ??= newShape(value, kind))
}

export function isPlaceKey(key: string): boolean {
  return key === "start" || key === "end" || key === "nameStart"
}

function newShape(value: Readonly<Record<string, unknown>>, kind: string | null): Shape {
  const keys = Object.keys(value).filter((key) => isTold(key, value[key], kind))
  return { kind, keys, places: keys.map(isPlaceKey) }
}

function isTold(key: string, field: unknown, kind: string | null): boolean {
  return field !== undefined && (key !== "kind" || kind === null) && key !== PARENT_KEY
}

function stepTo(steps: Map<string | null, Step>, key: string | null): Step {
  let step = steps.get(key)
  if (!step) {
    if (++count > MAX_STEPS) {
      kinds = new Map()
      count = 1
    }
    steps.set(key, (step = { next: new Map(), shape: null }))
  }
  return step
}
