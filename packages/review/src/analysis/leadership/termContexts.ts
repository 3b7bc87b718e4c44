/**
 * Work of a leader's term that runs under another context than the term's: an election hands the callback a context that
 * ends when leadership is lost, and the callback passes on the one of the process.
 */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node, Param } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf } from "../program/names.ts"

export interface OutsideTerm {
  /** The work that goes on when the term is over. */
  readonly at: Call
  /** The context that it is given. */
  readonly given: string
  /** The context of the term, which the callback is handed. */
  readonly term: Param
}

interface Callback {
  readonly fn: Func
  readonly term: Param
  /** The literal or the call that the callback stands in. */
  readonly election: Node
  /** What else the election is told: what to do when leadership is lost. */
  readonly others: readonly Node[]
}

const ELECTS = /elect(?:ion|or)?(?![a-z])|[lL]eader(?:ship)?\w*\.(?:New|Run|Start|Campaign)/
const WORKS =
  /^(?:run|start|serve|watch|loop|process|begin|launch|consume|work|listen|reconcile|sync|poll|schedule|dispatch|execute)/i
const ENDS =
  /^(?:Exit|Fatal\w*|FlushAndExit|panic|Panic\w*|cancel\w*|stop\w*|Stop\w*|shutdown\w*|Shutdown\w*|close|Kill|Goexit)$|[cC]ancel(?:Func)?$/

/** Every such piece of work in a file of Go, one for each callback. */
export function outsideTermIn(file: File): OutsideTerm[] {
  return callbacksIn(file).flatMap((callback) => {
    if (endsWithTerm(file, callback)) return []
    for (const call of file.calls) {
      if (call.start < callback.fn.start || call.end > callback.fn.end) continue
      if (!WORKS.test(call.name)) continue
      const given = call.args.find((arg) => isOutside(file, callback.fn, arg))
      if (given) return [{ at: call, given: dotted(given), term: callback.term }]
    }
    return []
  })
}

function callbacksIn(file: File): Callback[] {
  const found: Callback[] = []
  const add = (node: Node | undefined, election: Node, others: readonly Node[]): void => {
    if (node?.kind !== "lambda") return
    const [term] = node.fn.params
    if (term && /(?:^|\.)Context$/.test(term.type ?? ""))
      found.push({ fn: node.fn, term, election, others })
  }
  for (const object of file.objects) {
    const started = object.entries.find(({ key }) => key === "OnStartedLeading")
    if (!started?.value) continue
    const rest = object.entries.flatMap(({ key, value }) =>
      key === "OnStoppedLeading" && value ? [value] : [],
    )
    add(started.value, object, rest)
  }
  for (const call of file.calls) {
    if (!ELECTS.test(dotted(call.callee))) continue
    for (const arg of call.args)
      add(
        arg,
        call,
        call.args.filter((one) => one !== arg),
      )
  }
  return found
}

/** Losing leadership ends the process, or cancels what the callback has started. */
function endsWithTerm(file: File, { fn, term, election, others }: Callback): boolean {
  const name = term.name
  if (name !== "" && name !== "_" && isHeeded(fn, name)) return true
  if (others.some((one) => ends(one))) return true
  return isLastOfProcess(file, election)
}

/** `<-ctx.Done()`, `context.AfterFunc(ctx, cancel)`: the callback itself looks at the end of the term. */
function isHeeded(fn: Func, name: string): boolean {
  let found = false
  walk(fn, (node) => {
    if (node.kind === "call")
      found ||=
        dotted(node.callee) === `${name}.Done` ||
        (/AfterFunc$|[mM]erge|[jJ]oin/.test(node.name) &&
          node.args.some((arg) => dotted(arg) === name))
    return !found
  })
  return found
}

function ends(node: Node): boolean {
  if (node.kind === "name" || node.kind === "member")
    return /exit|stop|cancel|lost|shut|die|fatal/i.test(dotted(node))
  let found = false
  walk(node, (one) => {
    if (one.kind === "call") found ||= ENDS.test(one.name)
    return !found
  })
  return found
}

/** `leaderelection.RunOrDie(…)` as the last thing that a function does, or what ends the process after it. */
function isLastOfProcess(file: File, election: Node): boolean {
  if (file.functionOf(election)?.isLambda) return false
  let inner = election
  let isLast = false
  for (const outer of file.ancestorsOf(election)) {
    // Beside the rest of the process, or again and again.
    if (outer.kind === "go" || outer.kind === "loop") return false
    if (outer.kind === "function") break
    if (outer.kind === "block" && !isLast) {
      const run = runOf(outer.body.slice(outer.body.indexOf(inner)))
      const rest = run ? outer.body.slice(outer.body.indexOf(run) + 1) : []
      isLast = run !== null && (rest.length === 0 || rest.some((one) => ends(one)))
      if (!isLast) return false
    }
    inner = outer
  }
  return isLast
}

/** The statement that takes part in the election: the one that makes it, or a `Run` of what it was kept in. */
function runOf([made, ...rest]: readonly Node[]): Node | null {
  if (made?.kind === "call") return made.name.startsWith("Run") ? made : null
  if (made?.kind !== "assign") return null
  const names = made.targets.map((target) => dotted(target))
  return (
    rest.find((one) => {
      const receiver = one.kind === "call" && one.name.startsWith("Run") ? receiverOf(one) : null
      return receiver !== null && names.includes(dotted(receiver))
    }) ?? null
  )
}

/** A context of a function around the callback, or of the package. */
function isOutside(file: File, callback: Func, arg: Node): boolean {
  if (arg.kind !== "name" || !/(?:^|[a-z_])(?:ctx|Ctx|context|Context)$/.test(arg.name))
    return false
  const { name } = arg
  for (let fn = file.functionOf(arg); fn !== null; fn = file.functionOf(fn)) {
    const own = fn
    const isTaken = own.params.some((param) => param.name === name)
    const isMade = file
      .assignmentsTo(name)
      .some((one) => one.declares && file.functionOf(one) === own && one.start < arg.start)
    if (isTaken || isMade) return own.start < callback.start
  }
  return false
}
