/**
 * Limits on collections of a context that is handed in: `ctx.state.sessions.size >= ctx.config.maxSessions`, and the
 * new one is put in after a wait, also through a function that only hands the collection out.
 */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { isLimit } from "../program/limits.ts"
import { leaves } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf, rootOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"
import { isCooperative, yieldBetween } from "../program/yields.ts"

export interface ContextLimit {
  readonly name: string
  readonly check: Node
  /** What is waited for in between. */
  readonly gap: Node
  readonly act: Call
}

const CONTEXTS = /^(?:ctx|context|state|app|deps|runtime|env|services?|server|host|hub|world)$/
const GROWS = /^(?:set|add|push|append|put|unshift)$/

export function contextLimits(program: Program, file: File): ContextLimit[] {
  return file.branches.flatMap((branch) => {
    if (branch.kind !== "if" || !leaves(branch.then.body, "function")) return []
    const fn = file.functionOf(branch)
    const { test } = branch
    if (!fn || !isCooperative(file, fn) || test.kind !== "binary" || !/^>=?$/.test(test.op))
      return []
    const path = sizedIn(fn, test.left)
    if (!path || !isLimit(program, file, test.right)) return []
    const act = growth(program, file, fn, branch.end, path)
    const gap = act && yieldBetween(program, file, fn, branch.end, act)
    return gap ? [{ name: path, check: test, gap, act }] : []
  })
}

/** `ctx.state.sessions` of `ctx.state.sessions.size`, where `ctx` is handed in. */
function sizedIn(fn: Func, node: Node): string | null {
  const on =
    node.kind === "member" && /^(?:size|length)$/.test(node.name)
      ? node.object
      : node.kind === "call" && node.name === "len" && node.args.length === 1
        ? node.args[0]!
        : null
  const root = on && rootOf(on)
  if (on?.kind !== "member" || !root || !CONTEXTS.test(root)) return null
  return fn.params.some((param) => param.name === root) ? dotted(on) : null
}

/** The call after the check that makes the same collection larger. */
function growth(program: Program, file: File, fn: Func, from: number, path: string): Call | null {
  const last = path.slice(path.lastIndexOf("."))
  return (
    file.calls.find((call) => {
      if (call.start < from || call.end > fn.end || !GROWS.test(call.name)) return false
      const on = receiverOf(call)
      if (!on) return false
      if (dotted(on) === path) return true
      return (
        on.kind === "call" &&
        resolveCall(program, file, on).some((target) => handsOut(target.fn, last))
      )
    }) ?? null
  )
}

function handsOut(fn: Func, last: string): boolean {
  if ((fn.body?.body.length ?? 0) !== 1) return false
  let found = false
  walk(fn.body!, (node) => {
    if (node.kind === "member" && `.${node.name}` === last) found = true
    return !found
  })
  return found
}
