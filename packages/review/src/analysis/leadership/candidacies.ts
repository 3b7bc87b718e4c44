/**
 * Candidacies that last for one term: client-go's elector and Curator's selector take part once, and whoever has lost
 * leadership has to take part again.
 */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { argNamed, dotted, receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { callersOf, type CallSite, definitionsOf } from "../program/definitions.ts"
import { resolveFunction } from "../program/resolve.ts"

export interface Candidacy {
  /** The call that takes part. */
  readonly at: Call
  /** What would have to come again. */
  readonly again: string
}

/** Ends the process, or tells somebody who may: the platform starts it anew. */
const ENDS =
  /\bos\.Exit\(|\bpanic\(|Fatal\w*\(|\bcancel\w*\(|(?<![.\w])\w*Cancel\(|\bexit\w*\(|[eE]xitCh|\bstop\w*\(|\bStop\(\)|close\(|Shutdown\(|errCh|errors?\s*<-|<-\s*(?:err|fmt\.Errorf|errors\.)|\.Run(?:OrDie)?\(|syscall\.Kill|klog\.Exit/

/** Every candidacy of a file that ends with its first term and leaves the process behind. */
export function singleTermsOf(program: Program, file: File): Candidacy[] {
  if (file.language === "go") return file.calls.flatMap((call) => ofElector(program, file, call))
  if (file.language !== "java" && file.language !== "kotlin") return []
  return file.calls.flatMap((call) => ofSelector(program, file, call))
}

// --- client-go ------------------------------------------------------------------------------------------------------

function ofElector(program: Program, file: File, call: Call): Candidacy[] {
  const isRun =
    (call.name === "RunOrDie" && dotted(call.callee).startsWith("leaderelection.")) ||
    (call.name === "Run" && isElector(program, file, receiverOf(call)))
  if (!isRun || isRepeated(file, call) || !goesOn(program, file, call)) return []
  return isEndedByCallback(program, file) ? [] : [{ at: call, again: "Run" }]
}

function isElector(program: Program, file: File, receiver: Node | null): boolean {
  if (!receiver) return false
  const name = dotted(receiver).split(".").at(-1)!
  const isField = (assigned: Node): boolean => dotted(assigned).split(".").at(-1) === name
  return (
    definitionsOf(program, file, receiver).some((one) => isNewElector(one.value)) ||
    file.assignments.some((assign) => assign.targets.some(isField) && isNewElector(assign.value))
  )
}

function isNewElector(value: Node | null): boolean {
  return value?.kind === "call" && value.name === "NewLeaderElector"
}

/** In a loop, or given to what repeats: `wait.UntilWithContext(ctx, le.Run, …)` holds no call of Run at all. */
function isRepeated(file: File, call: Call): boolean {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "loop") return true
    if (outer.kind === "call" && /Until|Forever|Backoff|[rR]etry|Jitter|Poll/.test(outer.name))
      return true
    if (outer.kind === "function" && !outer.isLambda) return false
  }
  return false
}

/** Functions that only take part, from the one that does to the one that starts it beside the rest. */
const MAX_CALLERS = 2

/** Whether the process lives on after the election: it runs beside, here or where its function is called, or something waits behind it. */
function goesOn(program: Program, file: File, call: Call, depth = MAX_CALLERS): boolean {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "go") return !ENDS.test(file.text.slice(call.end, outer.end))
    // `group.Go(func() error { run(ctx); return nil })`
    if (outer.kind === "call" && outer.name === "Go" && outer !== call)
      return /\breturn nil\b/.test(file.text.slice(call.end, outer.end))
    if (outer.kind !== "function" || isGoroutine(file, outer)) continue
    const rest = file.text.slice(call.end, outer.end)
    if (outer.isLambda || ENDS.test(rest)) return false
    if (/<-\s*\w+\.Done\(\)|\bselect\s*\{\s*\}/.test(rest)) return true
    return (
      depth > 0 &&
      startsOf(program, file, outer).some(
        (site) =>
          !isRepeated(site.file, site.call) && goesOn(program, site.file, site.call, depth - 1),
      )
    )
  }
  return false
}

/** Calls of a function, also on what a constructor of its own file has made elsewhere. */
function startsOf(program: Program, file: File, fn: Func): readonly CallSite[] {
  const known = callersOf(program, { file, fn })
  if (known.length > 0 || fn.receiver === null) return known
  const makers = new Set(
    file.functions.flatMap((one) => (one.name.startsWith("New") ? [one.name] : [])),
  )
  return program.sourcesCalling(fn.name).flatMap(({ path, language }) => {
    const from = language === file.language ? program.file(path) : null
    return (from?.callsNamed(fn.name) ?? []).flatMap((call) => {
      const on = receiverOf(call)
      const isMade =
        from !== null &&
        on?.kind === "name" &&
        definitionsOf(program, from, on).some(
          ({ value }) => value?.kind === "call" && makers.has(value.name),
        )
      return isMade ? [{ file: from, call }] : []
    })
  })
}

/** The lambda of a `go func() { … }()` or of a group of goroutines. */
function isGoroutine(file: File, fn: Func): boolean {
  if (!fn.isLambda) return false
  const lambda = file.parentOf(fn)
  const outer = lambda && file.parentOf(lambda)
  if (outer?.kind !== "call") return false
  return outer.name === "Go" || file.parentOf(outer)?.kind === "go"
}

/** `OnStoppedLeading: func() { os.Exit(0) }` */
function isEndedByCallback(program: Program, file: File): boolean {
  const stopped = file.objects.flatMap((object) =>
    object.entries.filter((entry) => entry.key === "OnStoppedLeading"),
  )
  // Callbacks that are made elsewhere may do anything.
  if (stopped.length === 0) return true
  return stopped.some(({ value }) => {
    if (ENDS.test(file.textOf(value))) return true
    return resolveFunction(program, file, value).some(
      ({ file: from, fn }) => fn.body !== null && ENDS.test(from.textOf(fn.body)),
    )
  })
}

// --- Curator --------------------------------------------------------------------------------------------------------

function ofSelector(program: Program, file: File, call: Call): Candidacy[] {
  if (call.name !== "start" || /\bautoRequeue\(|\brequeue\(/.test(file.text)) return []
  const receiver = receiverOf(call)
  if (!receiver) return []
  const made = [
    receiver,
    ...definitionsOf(program, file, receiver).flatMap((one) => one.value ?? []),
  ]
  const isSelector = made.some((one) => one.kind === "call" && one.name === "LeaderSelector")
  return isSelector && argNamed(call, "autoRequeue") === null && !isRepeated(file, call)
    ? [{ at: call, again: "autoRequeue" }]
    : []
}
