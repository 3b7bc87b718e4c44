/** Go's channels as places that several functions know: where they are made, how large, who sends and who receives. */
import type { Call, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { numberOf } from "../program/constants.ts"
import { callersOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import type { Program } from "../program/program.ts"
import { folderOf } from "../program/resolve.ts"
import { stateOf } from "./states.ts"

export interface Channel {
  readonly key: string
  /** As named where it is made. */
  readonly name: string
  /** The call of `make`. */
  readonly made: Call
  /** The type of what is sent, as written. */
  readonly element: string
  readonly isBuffered: boolean
}

const CHANNELS = Symbol("channels of a file")

/** Every channel that a file makes and puts into a field or a variable. */
export function channelsIn(program: Program, file: File): readonly Channel[] {
  return program.memo<File, readonly Channel[]>(CHANNELS, file, [], () => {
    const found: Channel[] = []
    for (const assign of file.assignments) {
      const made = makeOf(file, assign.value)
      const [target] = assign.targets
      if (!made || !target || assign.targets.length !== 1) continue
      const key = keyOf(program, file, target)
      if (key) found.push({ ...channelOf(program, file, made), key, name: nameOf(target) })
    }
    for (const object of file.objects) {
      for (const entry of object.entries) {
        const made = makeOf(file, entry.value)
        const type = object.type
          ?.replace(/\[[^]*$/, "")
          .split(".")
          .at(-1)
        if (!made || !type || entry.key === null) continue
        found.push({
          ...channelOf(program, file, made),
          key: `${folderOf(file.path)}:${type}.${entry.key}`,
          name: entry.key,
        })
      }
    }
    return found
  })
}

/** The key of a channel where it is used; a variable has that of the function that declares it. */
export function keyOf(program: Program, file: File, node: Node): string | null {
  const state = stateOf(program, file, node)
  if (state) return state.key
  if (node.kind !== "name") return null
  const fn = file.functionOf(node)
  return fn ? `${file.path}:${fn.start}:${node.name}` : null
}

/** Whether anything of a file receives from a channel in work of its own, which is elsewhere in between. */
export function isReceivedByWorker(program: Program, file: File, key: string): boolean {
  let found = false
  for (const root of file.unit.body) {
    walk(root, (node) => {
      if (found) return false
      const isReceive =
        (node.kind === "receive" && keyOf(program, file, node.channel) === key) ||
        (node.kind === "loop" &&
          node.iterable !== null &&
          keyOf(program, file, node.iterable) === key)
      if (isReceive) found = isInWorker(program, file, node)
      return undefined
    })
  }
  return found
}

const WORKERS =
  /loop|run|work|start|serve|listen|process|poll|watch|daemon|background|main|consume|dispatch/i

/** A goroutine, or a function that is one's whole work: those who only wait for a moment are not missed. */
function isInWorker(program: Program, file: File, node: Node, depth = 2): boolean {
  const isFirst = depth === 2
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "go") return true
    if (outer.kind !== "function" || (outer.isLambda && outer.name === "")) continue
    if (isFirst && WORKERS.test(outer.name)) return true
    if (outer.isLambda) continue
    return (
      depth > 0 &&
      callersOf(program, { file, fn: outer }).some(({ file: from, call }) =>
        isInWorker(program, from, call, depth - 1),
      )
    )
  }
  return false
}

function channelOf(
  program: Program,
  file: File,
  made: Call,
): Pick<Channel, "made" | "element" | "isBuffered"> {
  const element = file.textOf(made.args[0]!).replace(/^(?:<-)?chan(?:<-)?\s*/, "")
  const size = made.args[1]
  return { made, element, isBuffered: size !== undefined && numberOf(program, file, size) !== 0 }
}

function makeOf(file: File, value: Node | null): Call | null {
  if (value?.kind !== "call" || value.name !== "make" || !value.args[0]) return null
  return /^(?:<-)?chan\b/.test(file.textOf(value.args[0])) ? value : null
}

function nameOf(target: Node): string {
  return target.kind === "member" || target.kind === "name" ? target.name : ""
}
