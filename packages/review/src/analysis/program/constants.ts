/** Values that can be told without running: numbers, durations, strings. */
import type { Node } from "../../ir/nodes.ts"
import { definitionsOf } from "./definitions.ts"
import type { File } from "./file.ts"
import { dotted } from "./names.ts"
import type { Program } from "./program.ts"

const MAX_STEPS = 6

/** Milliseconds of Go's and others' named units. */
const UNITS: ReadonlyMap<string, number> = new Map(
  Object.entries<number>({
    "time.Nanosecond": 1e-6,
    "time.Microsecond": 1e-3,
    "time.Millisecond": 1,
    "time.Second": 1000,
    "time.Minute": 60_000,
    "time.Hour": 3_600_000,
  }),
)

const DURATION_CALLS: ReadonlyMap<string, number> = new Map(
  Object.entries<number>({
    ofNanos: 1e-6,
    ofMillis: 1,
    ofSeconds: 1000,
    ofMinutes: 60_000,
    ofHours: 3_600_000,
  }),
)

/** Milliseconds of Kotlin's `5.seconds`. */
const DURATION_MEMBERS: ReadonlyMap<string, number> = new Map(
  Object.entries<number>({
    milliseconds: 1,
    seconds: 1000,
    minutes: 60_000,
    hours: 3_600_000,
  }),
)

/** The number that an expression always has, or null. Names are followed to their only definition. */
export function numberOf(
  program: Program,
  file: File,
  node: Node,
  steps = MAX_STEPS,
): number | null {
  if (steps === 0) return null
  if (node.kind === "number") return node.value
  if (node.kind === "unary" && node.op === "-")
    return negated(numberOf(program, file, node.operand, steps - 1))
  if (node.kind === "member") {
    const unit = UNITS.get(file.standardName(dotted(node)))
    if (unit !== undefined) return unit
    const factor = DURATION_MEMBERS.get(node.name)
    if (factor !== undefined && node.object.kind === "number") return node.object.value * factor
  }
  if (node.kind === "binary") {
    const left = numberOf(program, file, node.left, steps - 1)
    const right = numberOf(program, file, node.right, steps - 1)
    return left === null || right === null ? null : calculated(node.op, left, right)
  }
  if (node.kind === "call") return numberOfCall(program, file, node, steps)
  if (node.kind !== "name" && node.kind !== "member") return null
  const definitions = definitionsOf(program, file, node)
  if (definitions.length !== 1 || definitions[0]!.value === null || definitions[0]!.op !== "=")
    return null
  return numberOf(program, definitions[0]!.file, definitions[0]!.value, steps - 1)
}

function numberOfCall(
  program: Program,
  file: File,
  call: Node & { kind: "call" },
  steps: number,
): number | null {
  const [first] = call.args
  const factor = DURATION_CALLS.get(call.name)
  if (!first) return null
  if (factor !== undefined) {
    const value = numberOf(program, file, first, steps - 1)
    return value === null ? null : value * factor
  }
  // A conversion: time.Duration(5), int(x), Number(x).
  if (
    /^(?:Duration|int|int64|float64|float|long|Number|toLong)$/.test(call.name) &&
    call.args.length === 1
  ) {
    return numberOf(program, file, first, steps - 1)
  }
  return null
}

function negated(value: number | null): number | null {
  return value === null ? null : -value
}

function calculated(op: string, a: number, b: number): number | null {
  if (op === "+") return a + b
  if (op === "-") return a - b
  if (op === "*") return a * b
  if (op === "/") return b === 0 ? null : a / b
  if (op === "**") return a ** b
  return op === "<<" ? a * 2 ** b : null
}
