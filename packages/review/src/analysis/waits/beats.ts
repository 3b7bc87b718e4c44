/** What runs at each beat of a timer or a loop, and what it asks of other machines. */
import type { Call, Loop, Node, Select } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall, resolveFunction } from "../program/resolve.ts"
import { targetOf } from "../program/targets.ts"
import type { Wait } from "./waits.ts"

export interface Asking {
  readonly file: File
  readonly node: Node
}

/** What runs at each beat: the body of a callback, of a loop, or of the arm that receives a tick. */
export function bodiesOf(
  program: Program,
  file: File,
  wait: Wait,
  around: Node | null,
): readonly Asking[] {
  const beaten = wait.form === "interval" && !wait.callback ? beatenBy(file, wait) : []
  if (beaten.length > 0) return beaten.map((node) => ({ file, node }))
  if (wait.callback && around?.kind !== "loop")
    return resolveFunction(program, file, wait.callback).map(({ file: from, fn }) => ({
      file: from,
      node: fn,
    }))
  return around ? [{ file, node: around }] : []
}

/** What a ticker's beat runs: the body of a `range`, or of the arm that receives it. */
function beatenBy(file: File, wait: Wait): Node[] {
  const found: Node[] = []
  const holder = file.parentOf(wait.call)
  const target = holder?.kind === "assign" ? holder.targets[0] : undefined
  const around = file.methodOf(wait.call)
  if (!target || !around) return beatenByKept(file, wait)
  const channel = `${dotted(target)}.C`
  walk(around, (node) => {
    if (node.kind === "select") found.push(...armsOf(file, node, channel))
    if (node.kind === "loop" && node.iterable && dotted(node.iterable) === channel)
      found.push(node.body)
    // `<-ticker.C` as a statement of a loop.
    const isBare = node.kind === "receive" && file.parentOf(node)?.kind === "block"
    if (isBare && dotted(node.channel) === channel) found.push(loopAround(file, node) ?? node)
    return undefined
  })
  return found
}

/** A ticker that is kept in a field: whoever in the file receives from it. */
function beatenByKept(file: File, wait: Wait): Node[] {
  const found: Node[] = []
  for (const object of file.objects) {
    const key = object.entries.find((one) => one.value === wait.call)?.key
    if (key === null || key === undefined) continue
    for (const fn of file.functions)
      walk(fn, (node) => {
        if (node.kind === "select") found.push(...armsOf(file, node, `.${key}.C`))
        return undefined
      })
  }
  return found
}

/** The arms of a `select` that receive a tick; one that does nothing lets the loop's round go on. */
function armsOf(file: File, select: Select, channel: string): Node[] {
  return select.cases.flatMap(({ comm, body }) => {
    if (!comm || !file.textOf(comm).includes(channel)) return []
    const isIdle = body.body.every((one) => one.kind === "continue")
    return [isIdle ? (loopAround(file, select) ?? body) : body]
  })
}

function loopAround(file: File, node: Node): Node | null {
  return loopOf(file, node)?.body ?? null
}

/** The loop that a node is a part of, in the same function. */
export function loopOf(file: File, node: Node): Loop | null {
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "loop") return outer
    if (outer.kind === "function") return null
  }
  return null
}

const ASKS = new Set(
  "get list fetch query find load pull poll claim check ping search read describe lookup scan select count refresh status receive dequeue reserve head sync".split(
    " ",
  ),
)

/** Of mutexes, groups and logs, whatever else has such a name. */
const PLUMBING =
  /^(?:R?(?:Lock|Unlock)|lock|unlock|Wait|Done|Add|Signal|Broadcast|Load|Store|Info|Warn|Error|Debug|Log|Printf?|Println|Errorf?|Stop|Reset|String|Close|close|put|add|remove|set|info|warn|error|debug|trace)$/

const MEMO = Symbol("question of a round")

/** The first call of a round, or of what it calls, that asks another machine and uses the answer. */
export function questionIn(program: Program, file: File, node: Node, steps = 1): Call | null {
  return program.memo<Node, Call | null>(MEMO, node, null, () => {
    const inner: Call[] = []
    let found: Call | null = null
    walk(node, (one) => {
      if (found) return false
      if (one.kind !== "call") return undefined
      if (isQuestion(program, file, one)) found = one
      else if (!PLUMBING.test(one.name)) inner.push(one)
      return undefined
    })
    if (found || steps === 0) return found
    for (const call of inner) {
      // Where several may be meant, what one of them asks says nothing.
      const [target, ...others] = resolveCall(program, file, call)
      const body = others.length === 0 ? target?.fn.body : null
      const asked = target && body ? questionIn(program, target.file, body, steps - 1) : null
      if (asked) return asked
    }
    return null
  })
}

function isQuestion(program: Program, file: File, call: Call): boolean {
  const [verb] = wordsOf(call.name)
  if (verb === undefined || !ASKS.has(verb) || !isUsed(file, call)) return false
  const receiver = receiverOf(call)
  if (!receiver) return call.name === "fetch"
  const path = dotted(receiver).split(".")
  const name = path.at(-1)!
  const last = wordsOf(name).at(-1) ?? ""
  // `heartBeat.getServerStatus()` speaks of a server, and asks none; `pool.getNumActive()` asks oneself.
  const isAsked =
    ASKED.has(last) ||
    // `prisma.user.findMany()` asks through a model.
    path.some((part) => LIBRARIES.test(part)) ||
    (HOLDERS.has(last) && call.args.length > 0)
  return isAsked && targetOf(program, file, call, 0) !== "local"
}

/** Who answers for another machine, as the last word of a name. */
const ASKED = new Set(
  "client api dao repository repo mapper stub fetcher gateway upstream".split(" "),
)
/** Who does so when it is asked for something. */
const HOLDERS = new Set(
  "db database redis conn connection pool session registry collection cluster".split(" "),
)
const LIBRARIES =
  /^(?:axios|requests|httpx|https?|prisma|supabase|kafka|sqs|s3|etcd|consul|mongo)$/i

/** Nothing but a stop ends the rounds: they do not wait for something that was begun to be over. */
export function isEndlessRound(file: File, around: Node | null): boolean {
  if (around?.kind !== "loop") return true
  if (around.form === "each" || around.update) return false
  const { test } = around
  if (test && !(test.kind === "bool" && test.value) && !STOP.test(file.textOf(test))) return false
  let ends = false
  walk(around.body, (node) => {
    if (node.kind === "if" && !STOP.test(file.textOf(node.test)))
      for (const branch of [node.then, node.otherwise])
        ends ||= branch !== null && /^(?:break|return)$/.test(branch.body.at(-1)?.kind ?? "")
    return !ends && node.kind !== "function" && node.kind !== "loop"
  })
  return !ends
}

const STOP =
  /running|stop|shut|clos|active|alive|enabled|cancel|abort|interrupt|ctx|context|started|quit|exit|disconnect|drain|idle|\berr|error|fail|!\s*ok\b|done/i

/** The result goes into a name that is more than an error, or is looked at. */
function isUsed(file: File, call: Call): boolean {
  let holder = file.parentOf(call)
  if (holder?.kind === "await") holder = file.parentOf(holder)
  if (holder?.kind === "assign")
    return holder.targets.some((target) => !/^(?:_|err\w*|error)$/.test(dotted(target)))
  return holder?.kind === "loop" || holder?.kind === "member"
}
