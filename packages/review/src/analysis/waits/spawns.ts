/** Work that is started and not waited for, in every language. */
import { walk } from "../../ir/children.ts"
import type { Call, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import type { Located, Program } from "../program/program.ts"
import { resolveCall, resolveFunction } from "../program/resolve.ts"

export interface Spawn {
  /** What starts it: `go f()`, `create_task(f())`, `void f()`. */
  readonly at: Node
  /** What runs: a function, or a call of one. */
  readonly work: Node
}

const SPAWNERS =
  /^(?:create_task|ensure_future|launch|async|submit|execute|runAsync|supplyAsync|start_soon|spawn|run_in_executor|run_coroutine_threadsafe|setImmediate)$/

/** Everything that a piece of code starts without waiting for it. */
export function spawnsIn(program: Program, file: File, within: Node): readonly Spawn[] {
  const found: Spawn[] = []
  walk(within, (node, parent) => {
    if (node.kind === "function" && node !== within && !node.isLambda) return false
    if (node.kind === "go") found.push({ at: node, work: node.call })
    if (node.kind !== "call") return undefined
    if (SPAWNERS.test(node.name) && file.language !== "go") {
      const work = node.args.find(
        (arg) =>
          arg.kind === "lambda" ||
          arg.kind === "call" ||
          arg.kind === "member" ||
          arg.kind === "name",
      )
      if (work && !isAwaited(parent)) found.push({ at: node, work })
    } else if (isScript(file) && isFloating(program, file, node))
      found.push({ at: node, work: node })
    return undefined
  })
  return found
}

function isScript(file: File): boolean {
  return file.language === "javascript" || file.language === "typescript"
}

function isAwaited(parent: Node | null): boolean {
  return (
    parent?.kind === "await" ||
    (parent?.kind === "member" && /^(?:join|await|get|result)$/.test(parent.name))
  )
}

/** A call whose promise nobody waits for: a statement of its own, `void f()`, `f().catch(…)` as a statement. */
function isFloating(program: Program, file: File, call: Call): boolean {
  let at: Node = call
  let parent = file.parentOf(at)
  let isChained = false
  while (parent?.kind === "member" && /^(?:then|catch|finally)$/.test(parent.name)) {
    const outer = file.parentOf(parent)
    if (outer?.kind !== "call") return false
    isChained = true
    at = outer
    parent = file.parentOf(at)
  }
  const isVoid = parent?.kind === "unary" && parent.op === "void"
  if (isVoid) parent = file.parentOf(parent!)
  const isStatement =
    parent?.kind === "block" ||
    (parent?.kind === "return" && parent.implicit === true && isTimer(file, parent))
  if (!isStatement) return false
  return isVoid || isChained || resolveCall(program, file, call).some(({ fn }) => fn.isAsync)
}

/** `() => f()` given to a timer: what it returns goes nowhere. */
function isTimer(file: File, implicit: Node): boolean {
  for (const outer of file.ancestorsOf(implicit)) {
    if (outer.kind === "call")
      return /^(?:setInterval|setTimeout|setImmediate|on|once)$/.test(outer.name)
  }
  return false
}

/** The functions that a spawn runs. */
export function workOf(program: Program, file: File, spawn: Spawn): readonly Located[] {
  if (spawn.work.kind === "call") return resolveCall(program, file, spawn.work)
  return resolveFunction(program, file, spawn.work)
}
