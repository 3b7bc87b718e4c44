/**
 * Collections of Go that are searched under one lock and added to under the next: `RLock; for … { return }; RUnlock;
 * Lock; m[k] = v; Unlock`.
 */
import { walk } from "../../ir/children.ts"
import type { Func, Loop, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { sectionsAt, sectionsOf, shareSection } from "./sections.ts"

export interface SearchedMap {
  readonly fn: Func
  readonly name: string
  readonly search: Loop
  readonly put: Node
}

export function searchedMaps(program: Program, file: File): SearchedMap[] {
  if (file.language !== "go") return []
  return file.branches.flatMap((loop) => {
    if (loop.kind !== "loop" || loop.form !== "each" || loop.iterable?.kind !== "member") return []
    const fn = file.functionOf(loop)
    if (!fn || !returnsWithin(loop) || sectionsOf(program, file, fn).length < 2) return []
    if (sectionsAt(program, file, loop.iterable).length === 0) return []
    const name = dotted(loop.iterable)
    const put = file.assignments.find(
      ({ start, end, targets: [target] }) =>
        start > loop.end &&
        end <= fn.end &&
        target !== undefined &&
        dotted(target.kind === "index" ? target.object : target) === name,
    )
    if (!put || sectionsAt(program, file, put).length === 0) return []
    if (shareSection(program, file, loop.iterable, put) || isSearchedAgain(fn, loop, put, name))
      return []
    return [{ fn, name, search: loop, put }]
  })
}

function returnsWithin(loop: Loop): boolean {
  let found = false
  walk(loop.body, (node) => {
    if (node.kind === "return") found = true
    return !found && node.kind !== "function"
  })
  return found
}

/** Whether the collection is looked at once more between the two. */
function isSearchedAgain(fn: Func, loop: Loop, put: Node, name: string): boolean {
  let found = false
  walk(fn, (node) => {
    if (node.start <= loop.end || node.end >= put.start) return node.end > loop.end
    if (node.kind === "loop" && node.iterable && dotted(node.iterable) === name) found = true
    if (node.kind === "index" && dotted(node.object) === name) found = true
    return !found
  })
  return found
}
