/** Maps and lists that are written back whole with one part changed: `{ ...row.settings, theme }`. */
import type { Assign, Call, Node } from "../../ir/nodes.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf, rootOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"

const ENCODES = /^(?:stringify|dumps|toJson|toJSON|encode|Json|Marshal|to_json|writeValueAsString)$/
const DECODES =
  /^(?:parse|loads|fromJson|decode|dict|list|copy|deepcopy|cloneDeep|structuredClone|clone|deepcopy|toMutableMap|toMutableList|HashMap|ArrayList|LinkedHashMap)$/
const MERGES = /^(?:assign|merge|deepMerge|deepmerge|mergeDeep|extend|defaultsDeep)$/
const CHANGES =
  /^(?:update|set|put|push|append|add|insert|extend|setdefault|unshift|splice|pop|remove|delete|putAll|addAll)$/

/**
 * Where a value is made of a map or a list that was read, with a part of it changed; null for anything else.
 * @param asks - whether an expression is the map that was read
 */
export function mergeOn(
  program: Program,
  file: File,
  value: Node,
  asks: (node: Node) => boolean,
): Node | null {
  if (value.kind === "await") return mergeOn(program, file, value.value, asks)
  if (value.kind === "object") {
    const isSpread = value.entries.some(
      (one) => one.value.kind === "spread" && isIt(one.value.value, asks),
    )
    return isSpread && value.entries.length > 1 ? value : null
  }
  if (value.kind === "list") {
    const isSpread = value.items.some((one) => one.kind === "spread" && isIt(one.value, asks))
    return isSpread && value.items.length > 1 ? value : null
  }
  if (value.kind === "call") {
    if (ENCODES.test(value.name) && value.args[0])
      return mergeOn(program, file, value.args[0], asks)
    const isMerge =
      MERGES.test(value.name) && value.args.length > 1 && value.args.some((one) => isIt(one, asks))
    return isMerge ? value : null
  }
  if (value.kind !== "name") return null
  // A local may hold what was read at first, and what was made of it when it is written.
  const isRead = asks(value)
  for (const one of definitionsOf(program, file, value)) {
    // Each step goes back in the text, also where a name is assigned to itself.
    if (one.file !== file || one.isParam || !one.value || one.at.end > value.start) continue
    const merged = mergeOn(program, file, one.value, asks)
    if (merged) return merged
    if (isRead || !isCopy(one.value, asks)) continue
    const changed = changeOf(file, value.name, one.at.end, value.start)
    if (changed) return changed
  }
  return null
}

/** What was read, its fallback and its decoding passed over. */
function isIt(node: Node, asks: (node: Node) => boolean): boolean {
  if (asks(node)) return true
  if (node.kind === "await") return isIt(node.value, asks)
  if (node.kind === "binary" && /^(?:\?\?|\|\|)$/.test(node.op)) return isIt(node.left, asks)
  if (node.kind === "conditional") return isIt(node.then, asks) || isIt(node.otherwise, asks)
  if (node.kind !== "call" || !DECODES.test(node.name)) return false
  const receiver = receiverOf(node)
  return (
    (receiver !== null && asks(receiver)) ||
    (node.args[0] !== undefined && isIt(node.args[0], asks))
  )
}

function isCopy(node: Node, asks: (node: Node) => boolean): boolean {
  if (isIt(node, asks)) return true
  const [only, ...more] = node.kind === "object" ? node.entries.map((one) => one.value) : []
  return only?.kind === "spread" && more.length === 0 && isIt(only.value, asks)
}

/** `meta["key"] = value`, `meta.update(…)`: the copy is changed before it is written. */
function changeOf(file: File, name: string, from: number, to: number): Assign | Call | null {
  const isWithin = (node: Node): boolean => node.start >= from && node.end <= to
  for (const assign of file.assignments) {
    const [target] = assign.targets
    if (!target || !isWithin(assign) || (target.kind !== "index" && target.kind !== "member"))
      continue
    if (rootOf(target) === name) return assign
  }
  return (
    file
      .callsNamed("update")
      .concat(file.calls.filter((call) => call.name !== "update" && CHANGES.test(call.name)))
      .find((call) => {
        const receiver = receiverOf(call)
        return isWithin(call) && receiver !== null && dotted(receiver) === name
      }) ?? null
  )
}

/** `row.settings["theme"] = theme`: a part of a map that stands in a column. */
export function partChanged(
  file: File,
  within: { readonly start: number; readonly end: number },
  names: readonly string[],
): { readonly at: Assign; readonly entity: string; readonly column: string }[] {
  return file.assignments.flatMap((at) => {
    const [target] = at.targets
    if (at.start < within.start || at.end > within.end || target?.kind !== "index") return []
    const { object } = target
    if (object.kind !== "member" || object.object.kind !== "name") return []
    const entity = object.object.name
    return names.includes(entity) ? [{ at, entity, column: object.name }] : []
  })
}
