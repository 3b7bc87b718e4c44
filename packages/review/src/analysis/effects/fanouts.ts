/** Work that is started for every element of a list at once, in every language. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { overOf } from "../program/listElements.ts"
import { dotted, receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveFunction } from "../program/resolve.ts"

export interface Fanout {
  /** What starts them. */
  readonly at: Node
  /** The list. */
  readonly over: Node
  /** What runs for each element. */
  readonly work: readonly { readonly file: File; readonly node: Node }[]
}

export function fanoutsOf(program: Program, file: File): Fanout[] {
  switch (file.language) {
    case "javascript":
    case "typescript":
      return file.calls.flatMap((call) => ofPromiseAll(program, file, call))
    case "python":
      return [
        ...file.calls.flatMap((call) => ofGather(program, file, call)),
        ...inLoops(file, /^(?:create_task|start_soon|ensure_future|spawn)$/),
      ]
    case "go":
      return inLoops(file, /^Go$/)
    case "java":
    case "kotlin":
      return [...file.calls.flatMap((call) => ofMap(file, call)), ...inLoops(file, startsOf(file))]
    default:
      return []
  }
}

/** Starters without a pool that bounds them. */
function startsOf(file: File): RegExp {
  const isUnbounded =
    /newCachedThreadPool|newVirtualThreadPerTaskExecutor|ofVirtual\(|startVirtualThread|newThreadPerTaskExecutor/.test(
      file.text,
    )
  if (file.language === "kotlin")
    return isUnbounded ? /^(?:launch|async|submit|execute)$/ : /^(?:launch|async|sendAsync)$/
  return isUnbounded
    ? /^(?:submit|execute|supplyAsync|runAsync|startVirtualThread|start|sendAsync)$/
    : /^(?:sendAsync|startVirtualThread)$/
}

function mapOf(file: File, node: Node, program: Program): Call | null {
  if (node.kind === "call" && /^(?:map|flatMap)$/.test(node.name) && receiverOf(node)) return node
  if (node.kind !== "name") return null
  for (const one of definitionsOf(program, file, node)) {
    if (one.file === file && one.value?.kind === "call" && /^(?:map|flatMap)$/.test(one.value.name))
      return one.value
  }
  return null
}

function ofPromiseAll(program: Program, file: File, call: Call): Fanout[] {
  if (!/^Promise\.(?:all|allSettled)$/.test(dotted(call.callee)) || !call.args[0]) return []
  const map = mapOf(file, call.args[0], program)
  const over = map && receiverOf(map)
  const work = map?.args[0]
  if (!map || !over || !work) return []
  return [{ at: call, over, work: bodiesOf(program, file, work) }]
}

function bodiesOf(program: Program, file: File, work: Node): { file: File; node: Node }[] {
  if (work.kind === "lambda") return [{ file, node: work.fn }]
  return resolveFunction(program, file, work).map(({ file, fn }) => ({ file, node: fn }))
}

/** `gather(*[f(x) for x in xs])`, also through a name. */
function ofGather(program: Program, file: File, call: Call): Fanout[] {
  if (!/(?:^|\.)(?:gather|wait|as_completed)$/.test(dotted(call.callee))) return []
  return call.args.flatMap((arg) => {
    const given = arg.kind === "spread" ? arg.value : call.name === "gather" ? null : arg
    if (!given) return []
    const lists = [
      given,
      ...definitionsOf(program, file, given).flatMap((one) =>
        one.file === file && one.value ? [one.value] : [],
      ),
    ]
    return lists.flatMap((list) => {
      const over = overOf(list)
      const work = list.kind === "other" ? list.children[0] : undefined
      return over && work ? [{ at: call, over, work: [{ file, node: work }] }] : []
    })
  })
}

/** `xs.map { async { … } }`, `xs.stream().map(x -> supplyAsync(…))`. */
function ofMap(file: File, call: Call): Fanout[] {
  const over = receiverOf(call)
  const lambda = call.args[0]
  if (!over || !/^(?:map|forEach|onEach|mapNotNull)$/.test(call.name) || lambda?.kind !== "lambda")
    return []
  const starts = startsOf(file)
  let started: Call | null = null
  walk(lambda, (node) => {
    if (node.kind === "call" && starts.test(node.name)) started ??= node
    return !started
  })
  return started ? [{ at: started, over, work: [{ file, node: started }] }] : []
}

/** `for _, x := range xs { go f(x) }`, `for x in xs: group.create_task(f(x))`. */
function inLoops(file: File, starters: RegExp): Fanout[] {
  const found: Fanout[] = []
  const add = (node: Node, work: Node): void => {
    for (const outer of file.ancestorsOf(node)) {
      if (outer.kind === "loop") {
        if (outer.form === "each" && outer.iterable)
          found.push({ at: node, over: outer.iterable, work: [{ file, node: work }] })
        return
      }
      if (outer.kind === "function") return
    }
  }
  for (const call of file.calls) {
    const parent = file.parentOf(call)
    if (parent?.kind === "go") add(parent, call)
    else if (
      starters.test(call.name) && receiverOf(call) === null
        ? file.language === "kotlin"
        : starters.test(call.name)
    ) {
      if (
        call.args.some((arg) => arg.kind === "lambda" || arg.kind === "call") ||
        call.name === "start"
      )
        add(call, call)
    }
  }
  return found
}

/** The function that a fan-out stands in. */
export function methodAround(file: File, fanout: Fanout): Func | null {
  return file.methodOf(fanout.at)
}
