/** Where a list comes from: whether somebody else decides how long it is. */
import type { Call, Node } from "../../ir/nodes.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { overOf } from "../program/listElements.ts"
import { dotted, positional, receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"
import { ownRowsOf } from "../rows/ownRows.ts"

export interface Origin {
  readonly kind: "unbounded" | "bounded" | "unknown"
  readonly file: File
  /** What decides it. */
  readonly at: Node
}

const LISTS =
  /^(?:find_?all\w*|find_?many|find|find_?by\w*|list[A-Z_]?\w*|get_?all\w*|fetch_?all\w*|all|scan\w*|select\w*|query\w*|load_?all\w*|readdir|glob|(?:get|fetch|load|find|query|search|read)_?\w+s(?:_?(?:by|for|of|in|with|due|to)_?\w+)?|(?:Get|Fetch|Load|Find|List|Query|Search)\w+s)$/i
const LIMITS =
  /\blimit\b|\btake\b|LIMIT\s|\.slice\(|per_?page|page_?size|max_?(?:results|items|keys)|\[:\w+\]|\bfirst:/i
/** What keeps the length, or makes it shorter by what the list holds. */
const PASSES =
  /^(?:filter|map|values|keys|entries|flatMap|sort|sorted|list|set|tuple|enumerate|reversed|toList|stream|from|concat|distinct|toArray|items|asSequence|json|orElse|data|body|Array|toMutableList|mapNotNull|filterNotNull|parallelStream|all|Result|unique)$/
const SHORTENS =
  /^(?:slice|chunk\w*|take|limit|batch\w*|head|first|windowed|subList|range|splice|islice|partition)$/i
const BODY =
  /(?:^|\.)(?:req|request|ctx|context|event|c|input|dto|payload|body)\.(?:\w+\.)*\w*$|\.body\b|\.json\(\)|\.get_json\(\)/

/** Where a list comes from, through names, filters and mappings. */
export function originOf(program: Program, file: File, node: Node, steps = 6): Origin {
  const unknown: Origin = { kind: "unknown", file, at: node }
  if (steps === 0) return unknown
  switch (node.kind) {
    case "await":
    case "spread":
      return originOf(program, file, node.value, steps - 1)
    case "list":
      return node.items.some((one) => one.kind === "spread")
        ? unknown
        : { kind: "bounded", file, at: node }
    case "object":
      return { kind: "bounded", file, at: node }
    case "index":
      return node.index.kind === "list"
        ? { kind: "bounded", file, at: node }
        : originOf(program, file, node.object, steps - 1)
    case "binary":
      return /^(?:\?\?|\|\|)$/.test(node.op)
        ? originOf(program, file, node.left, steps - 1)
        : unknown
    case "call":
      return ofCall(program, file, node, steps)
    case "other":
      return ofComprehension(program, file, node, steps)
    case "member":
      return ofMember(program, file, node, steps)
    case "name":
      return ofDefinitions(program, file, node, steps)
    default:
      return unknown
  }
}

/** Python's `[one for one in many if …]` is as long as what it goes over. */
function ofComprehension(
  program: Program,
  file: File,
  node: Node & { kind: "other" },
  steps: number,
): Origin {
  const over = overOf(node)
  return over ? originOf(program, file, over, steps - 1) : { kind: "unknown", file, at: node }
}

/** Rows of a frame of pandas, which holds what a file or a query gave. */
const FRAMES = /^(?:iterrows|itertuples|to_dicts)$/

/** `searchParams.get("ids")?.split(",")`: whoever calls decides how many there are. */
function paramOfRequest(program: Program, file: File, call: Call): Node | null {
  const text = call.name === "split" ? receiverOf(call) : null
  if (!text) return null
  const isAsked = (node: Node): boolean => {
    if (node.kind === "binary" && /^(?:\?\?|\|\|)$/.test(node.op)) return isAsked(node.left)
    return isQuery(node)
  }
  const isQuery = (node: Node): boolean =>
    node.kind === "call" &&
    /^(?:get|getAll|query|Query|getlist|getParameter)$/.test(node.name) &&
    /searchParams|query|args|req(?:uest)?(?:$|\.)/i.test(dotted(node.callee))
  if (isAsked(text)) return text
  return (
    definitionsOf(program, file, text).find(
      (one) => one.file === file && one.value !== null && isAsked(one.value),
    )?.value ?? null
  )
}

function ofCall(program: Program, file: File, call: Call, steps: number): Origin {
  if (SHORTENS.test(call.name)) return { kind: "bounded", file, at: call }
  if (FRAMES.test(call.name) && receiverOf(call)) return { kind: "unbounded", file, at: call }
  const asked = paramOfRequest(program, file, call)
  if (asked) return { kind: "unbounded", file, at: asked }
  const row = ownRowsOf(program, file).find((one) => one.call === call)
  if (row) {
    const isShort = row.isLimited || LIMITS.test(file.textOf(call))
    return { kind: row.kind === "read" && !isShort ? "unbounded" : "bounded", file, at: call }
  }
  const receiver = receiverOf(call)
  const [first] = positional(call)
  if (PASSES.test(call.name)) {
    const from = receiver && !/^(?:Object|Array|Promise)$/.test(dotted(receiver)) ? receiver : first
    const passed = from ? originOf(program, file, from, steps - 1) : null
    if (passed && passed.kind !== "unknown") return passed
  }
  if (
    !LISTS.test(call.name) ||
    (receiver === null && first === undefined && file.language === "python")
  )
    return { kind: "unknown", file, at: call }
  const targets = resolveCall(program, file, call)
  const isShort =
    LIMITS.test(file.textOf(call)) ||
    targets.some(({ file: from, fn }) => LIMITS.test(from.textOf(fn)))
  return { kind: isShort ? "bounded" : "unbounded", file, at: call }
}

function ofMember(
  program: Program,
  file: File,
  node: Node & { kind: "member" },
  steps: number,
): Origin {
  const path = dotted(node)
  if (
    /^(?:req|request|ctx\.request|ctx\.req|event)\.(?:body|json|data|payload)\b/.test(path) ||
    (BODY.test(path) && /body|json/.test(path))
  )
    return { kind: "unbounded", file, at: node }
  const own = ofDefinitions(program, file, node, steps)
  if (own.kind !== "unknown") return own
  return originOf(program, file, node.object, steps - 1)
}

function ofDefinitions(program: Program, file: File, node: Node, steps: number): Origin {
  if (
    node.kind === "name" &&
    /^(?:\w*[bB]atch|\w*[cC]hunk|\w*[pP]age|shards?|partitions?|replicas?|nodes|workers|peers)$/.test(
      node.name,
    )
  )
    return { kind: "bounded", file, at: node }
  // A name that starts as a short list and is given another one later is as long as the other one.
  let known: Origin | null = null
  for (const one of definitionsOf(program, file, node)) {
    if (!one.value || one.value === node || one.isParam) continue
    const found = originOf(program, one.file, one.value, steps - 1)
    if (found.kind === "unbounded") return found
    if (found.kind === "bounded") known ??= found
  }
  return known ?? { kind: "unknown", file, at: node }
}
