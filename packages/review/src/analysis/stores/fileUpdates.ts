/**
 * Files that a function reads, changes and writes as a whole, while others do the same: what they wrote in between is
 * gone. Reading and writing may stand in functions of their own: `data = await this.load(); …; await this.save(data)`.
 */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import type { File } from "../program/file.ts"
import { dotted, rootOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"

export interface FileUpdate {
  readonly fn: Func
  readonly read: Call
  /** Where what was read is changed. */
  readonly at: Node
  readonly write: Call
}

const READS =
  /\breadFile\b|\bread_text\b|aiofiles\.open\([^)]*(?:["']r|\)|encoding)|json\.load\b|readTextFile|\breadJson\b|\breadJSON\b|Bun\.file\(/
const WRITES =
  /\bwriteFile\b|\bwrite_text\b|(?:aiofiles\.)?open\([^)]*["']w|json\.dump\b|writeTextFile|\bwriteJson\b|\bwriteJSON\b|Bun\.write\(|os\.replace\(/
/** What lets one after the other: locks, queues, chains of promises. */
const ORDERED =
  /[lL]ocks?\b|[lL]ock\(|flock|[mM]utex|[sS]emaphore|serializ(?:e|ed)[A-Z(]|[qQ]ueue|enqueue|chain|withFile|_sem\b|runExclusive|[pP]ending|single_?flight|debounce|\btail\b/
/** Things that live in a process that many use, by the name of a class or file. */
const SHARED = new Set(
  "store stores session sessions memory memories registry repository repo state manager service queue history tracker conversation conversations storage persistence ledger".split(
    " ",
  ),
)
const CHANGES =
  /^(?:push|append|set|add|splice|unshift|insert|update|setdefault|pop|remove|delete|extend)$/
/** What one person runs. */
const ALONE =
  /(?:^|\/)(?:cli|bin|scripts?|commands?|cmd|setup|install\w*|build|tools?|config)(?:\/|\.|_)|[cC]onfig/

export function fileUpdates(program: Program, file: File): FileUpdate[] {
  if (!/^(?:javascript|typescript|python)$/.test(file.language)) return []
  if (!READS.test(file.text) || !WRITES.test(file.text) || ALONE.test(file.path)) return []
  return file.functions.flatMap((fn) => updateIn(program, file, fn) ?? [])
}

function updateIn(program: Program, file: File, fn: Func): FileUpdate | null {
  if (!fn.isAsync || !fn.body || fn.isLambda || !isShared(file, fn)) return null
  if (ORDERED.test(file.textOf(fn)) || isOrderedAround(file, fn)) return null
  const calls = file.calls.filter((call) => call.start >= fn.start && call.end <= fn.end)
  for (const read of calls) {
    const names = waitedFor(file, read)
    if (names.length === 0 || !touches(program, file, fn, read, READS)) continue
    const known = closure(file, fn, read, names)
    const write = calls.find(
      (call) =>
        call.start > read.end &&
        call.args.some((arg) => mentions(arg, known)) &&
        touches(program, file, fn, call, WRITES),
    )
    const at = write && changeOf(file, fn, read, write, known)
    if (at) return { fn, read, at, write }
  }
  return null
}

/** Those who call it let one after the other. */
function isOrderedAround(file: File, fn: Func): boolean {
  return file.callsNamed(fn.name).some((call) => {
    const caller = file.methodOf(call)
    return caller !== null && caller !== fn && ORDERED.test(file.textOf(caller))
  })
}

function isShared(file: File, fn: Func): boolean {
  const owner = file.classOf(fn)?.name ?? ""
  const name = file.path.split("/").at(-1)!.replace(/\..*$/, "")
  return [...wordsOf(owner), ...wordsOf(name)].some((word) => SHARED.has(word))
}

/** The names that what a call gives is put into, where it is waited for. */
function waitedFor(file: File, call: Call): string[] {
  let isAwaited = false
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "await") isAwaited = true
    if (outer.kind === "assign")
      return isAwaited
        ? outer.targets.flatMap((one) => (one.kind === "name" ? [one.name] : []))
        : []
    if (outer.kind === "block") return []
  }
  return []
}

/** Whether a call reads or writes a file itself, or calls a function of this file that does nothing else. */
function touches(program: Program, file: File, fn: Func, call: Call, what: RegExp): boolean {
  // `async with aiofiles.open(path) as f: content = await f.read()`
  if (/^(?:read|write)$/.test(call.name)) return what.test(file.textOf(fn))
  if (what.test(`${dotted(call.callee)}(`) && call.args.length > 0) return true
  return resolveCall(program, file, call).some(
    (target) =>
      target.file === file &&
      target.fn.body !== null &&
      what.test(file.textOf(target.fn)) &&
      !ORDERED.test(file.textOf(target.fn)),
  )
}

/** What was read, and what was made of it: `raw`, then `JSON.parse(raw)`, then `data.items`. */
function closure(file: File, fn: Func, read: Call, names: readonly string[]): Set<string> {
  const known = new Set(names)
  for (const { start, end, targets, value } of file.assignments) {
    if (start < read.end || end > fn.end || !value || !mentions(value, known)) continue
    for (const target of targets) if (target.kind === "name") known.add(target.name)
  }
  return known
}

/** The statement between that puts a part into what was read. */
function changeOf(
  file: File,
  fn: Func,
  read: Call,
  write: Call,
  known: ReadonlySet<string>,
): Node | null {
  const isBetween = (node: Node): boolean =>
    node.start > read.end && node.end <= write.start && node.start > fn.start
  const assign = file.assignments.find((one) => {
    const [target] = one.targets
    if (!target || !isBetween(one)) return false
    return (target.kind === "index" || target.kind === "member") && known.has(rootOf(target) ?? "")
  })
  return (
    assign ??
    file.calls.find(
      (call) =>
        isBetween(call) &&
        call.callee.kind === "member" &&
        CHANGES.test(call.name) &&
        known.has(rootOf(call.callee.object) ?? ""),
    ) ??
    null
  )
}

function mentions(root: Node, names: ReadonlySet<string>): boolean {
  let found = false
  walk(root, (node) => {
    if (node.kind === "name" && names.has(node.name)) found = true
    return !found
  })
  return found
}
