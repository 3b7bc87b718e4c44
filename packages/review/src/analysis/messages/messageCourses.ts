/** The course that every message takes through a consumer, and the names that it and its parts have on the way. */
import { walk } from "../../ir/children.ts"
import type { Block, Call, Node, Send } from "../../ir/nodes.ts"
import { type Acknowledgement, acknowledgementOf } from "./acknowledgements.ts"
import type { Consumer } from "./consumers.ts"
import type { File } from "../program/file.ts"
import { dotted } from "../program/names.ts"

/** `h.events <- event`, `await queue.put(event)`, `queue.offer(record)`. */
export function handedIn(statement: Node, names: ReadonlySet<string>): Call | Send | null {
  const bare = statement.kind === "await" ? statement.value : statement
  if (bare.kind === "send") {
    const isTold = /err|done|result|log|metric|stop|quit|ack/i.test(dotted(bare.channel))
    return !isTold && mentions(bare.value, names) ? bare : null
  }
  if (bare.kind !== "call" || bare.callee.kind !== "member") return null
  const isQueue =
    /^(?:put|put_nowait|offer|enqueue|add|addLast|push)$/.test(bare.name) &&
    /queue$|buffer$|inbox$|mailbox$|backlog$/i.test(dotted(bare.callee.object))
  return isQueue && bare.args.some((arg) => mentions(arg, names)) ? bare : null
}

/** The blocks that every message goes through from its start: the body, and what stands plainly around all of it. */
export function coursesOf(body: Block, message: readonly string[]): Block[] {
  const within = (statement: Node): Block | null => {
    if (statement.kind === "try") return statement.body
    if (statement.kind === "with" && statement.form !== "synchronized") return statement.body
    if (statement.kind === "if" && isThere(statement.test, message)) return statement.then
    return null
  }
  return [
    body,
    ...body.body.flatMap((statement) => {
      const inner = within(statement)
      return inner ? coursesOf(inner, message) : []
    }),
  ]
}

/** Asks only whether a message has come: `msg != nil`, `err == nil`, `msg is not None`. */
function isThere(test: Node, message: readonly string[]): boolean {
  if (test.kind !== "binary") return test.kind === "name" && message.includes(test.name)
  if (test.right.kind !== "null" || test.left.kind !== "name") return false
  return /^(?:!=|!==|is not)$/.test(test.op)
    ? message.includes(test.left.name)
    : /^(?:==|===|is)$/.test(test.op) && test.left.name.startsWith("err")
}

/** A statement that acknowledges, whatever comes of it. */
export function ackOf(statement: Node): Acknowledgement | null {
  const parts: (Node | null)[] =
    statement.kind === "if" ? [statement.init, statement.test] : [statement]
  for (const part of parts) {
    let node: Node | null = part
    if (node?.kind === "assign") node = node.value
    if (node?.kind === "await") node = node.value
    if (node?.kind === "binary") node = node.left
    const one = node?.kind === "call" ? acknowledgementOf(node) : null
    if (one?.kind === "ack") return one
  }
  return null
}

/** The message's names, and names of what was read from it. */
export function derivedNames(file: File, consumer: Consumer): ReadonlySet<string> {
  const names = new Set(consumer.message)
  const isWithin = ({ start, end }: Node): boolean =>
    start >= consumer.body.start && end <= consumer.body.end
  const assigns = file.assignments.filter(isWithin)
  const calls = file.language === "go" ? file.calls.filter(isWithin) : []
  // What is read from what was read comes in a second round.
  for (let round = 0; round < 2; round++) {
    for (const { value, targets } of assigns) {
      if (!value || !mentions(value, names)) continue
      for (const target of targets) {
        walk(target, (node) => {
          if (node.kind === "name" && !/^(?:err|error|ok|_)$/.test(node.name)) names.add(node.name)
          return undefined
        })
      }
    }
    // `json.Unmarshal(message.Body, &order)`
    for (const { args } of calls) {
      if (!args.some((arg) => mentions(arg, names))) continue
      for (const arg of args)
        if (arg.kind === "unary" && arg.op === "&" && arg.operand.kind === "name")
          names.add(arg.operand.name)
    }
  }
  return names
}

/** Whether a node holds one of some names. */
export function mentions(root: Node, names: ReadonlySet<string>): boolean {
  let found = false
  walk(root, (node) => {
    if (node.kind === "name" && names.has(node.name)) found = true
    return !found
  })
  return found
}
