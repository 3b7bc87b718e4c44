/** Limits on what a table holds: rows are counted, or a count in a row is read, and what takes the place comes later. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { capacityAt } from "./capacities.ts"
import { isLimit } from "../program/limits.ts"
import { valueFor } from "../program/definitions.ts"
import { leaves } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { handedRecords } from "./handedRecords.ts"
import { dotted, receiverOf, rootOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall, typeOf } from "../program/resolve.ts"
import { stepsOf } from "./rowSteps.ts"
import { type RowCall, textOfRow } from "./rowCall.ts"
import { rowCallsOf } from "./rowCalls.ts"
import { bare, fieldOf } from "./rows.ts"
import { isConditional, isRowGuarded } from "./rowGuards.ts"
import { addsTo, tableCountOf, waitsBetween } from "./tableCounts.ts"
import { unitAround } from "../program/units.ts"

export interface RowLimit {
  readonly fn: Func
  readonly name: string
  /** Where the count is read. */
  readonly read: Call
  readonly check: Node
  readonly act: Call
}

interface Count {
  readonly name: string
  readonly read: Call
  readonly on: string
  /** The column that holds the count; null where rows are counted. */
  readonly column: string | null
}

export function rowLimits(program: Program, file: File): RowLimit[] {
  const withExits = new Set<Node>()
  for (const node of file.branches) {
    if (node.kind !== "if" || !leaves(node.then.body)) continue
    for (const outer of file.ancestorsOf(node)) if (outer.kind === "function") withExits.add(outer)
  }
  return file.functions.flatMap((fn) => {
    if (!withExits.has(fn) || (fn.isLambda && file.methodOf(fn) !== null)) return []
    const found: RowLimit[] = []
    walk(fn, (node) => {
      if (node.kind === "function" && node !== fn && !node.isLambda) return false
      if (found.some((one) => one.fn === fn)) return false
      if (node.kind !== "if" || !leaves(node.then.body)) return undefined
      const limit = limitAt(program, file, fn, node)
      if (limit && !isRowGuarded(program, file, limit.fn)) found.push(limit)
      return undefined
    })
    return found
  })
}

function limitAt(
  program: Program,
  file: File,
  fn: Func,
  node: Node & { kind: "if" },
): RowLimit | null {
  let found: RowLimit | null = null
  walk(namedTest(file, fn, node.test), (test) => {
    if (found || test.kind !== "binary" || !/^(?:>=?|<=?|===?)$/.test(test.op)) return !found
    if (test.op.startsWith("=")) {
      found = reachedAt(program, file, fn, node, test)
      return found === null
    }
    found =
      fundsAt(program, file, fn, node, test) ??
      ownLimitAt(program, file, fn, node, test) ??
      roomAt(program, file, node, test)
    if (found) return false
    const isRight = isLimit(program, file, test.right)
    if (!isRight && !isLimit(program, file, test.left)) return true
    const isFull = test.op.startsWith(">") === isRight
    const count = isFull ? countOf(program, file, fn, isRight ? test.left : test.right) : null
    const act =
      count &&
      (actAfter(program, file, fn, node.end, count) ?? actOfCallers(program, file, fn, count))
    if (count && act) found = { fn, name: count.name, read: count.read, check: test, act }
    else if (isFull) found = tableLimit(program, file, isRight ? test.left : test.right, node, test)
    const side = isRight ? test.left : test.right
    if (found && side.kind === "name") found = { ...(found as RowLimit), name: side.name }
    if (found && isTakenWithin(file, found.fn, isRight ? test.right : test.left)) found = null
    return true
  })
  return found
}

/** `if (taken === MAX) throw …`, where rows are counted: the last place is the one that is asked for. */
function reachedAt(
  program: Program,
  file: File,
  fn: Func,
  branch: Node,
  test: Node & { kind: "binary" },
): RowLimit | null {
  const isRight = isLimit(program, file, test.right)
  if (!isRight && !isLimit(program, file, test.left)) return null
  const side = isRight ? test.left : test.right
  const count = countOf(program, file, fn, side)
  if (!count || count.column !== null) return null
  const act = actAfter(program, file, fn, branch.end, count)
  const name = side.kind === "name" ? side.name : count.name
  return act ? { fn, name, read: count.read, check: test, act } : null
}

/** `const isFull = taken >= places` before `if (isFull)`. */
function namedTest(file: File, fn: Func, test: Node): Node {
  if (test.kind !== "name") return test
  const kept = file
    .assignmentsTo(test.name)
    .findLast((one) => one.start >= fn.start && one.end <= test.start)
  return kept?.value?.kind === "binary" ? kept.value : test
}

const FUNDS = new Set(
  "balance credit credits stock quantity qty available remaining points seats funds inventory tokens wallet coins left units".split(
    " ",
  ),
)

/** `if (account.balance < amount) throw …`, and the amount is taken off without a condition on what is there. */
function fundsAt(
  program: Program,
  file: File,
  fn: Func,
  branch: Node,
  test: Node & { kind: "binary" },
): RowLimit | null {
  const side = test.op.startsWith("<") ? test.left : test.right
  const held = side.kind === "await" ? side.value : side
  // `const held = account.balance`
  const kept = held.kind === "name" ? keptField(file, fn, held) : held
  const field = kept && fieldOf(kept)
  if (!field || !wordsOf(field.name).some((word) => FUNDS.has(word))) return null
  const count = countOf(program, file, fn, kept)
  if (!count || count.column === null) return null
  const act = actAfter(program, file, fn, branch.end, count)
  if (!act || !takesOff(program, file, act)) return null
  return { fn, name: shownOf(file, held), read: count.read, check: test, act }
}

/** `if (wanted > seats - taken) return full`, where what is taken is a sum over rows. */
function roomAt(
  program: Program,
  file: File,
  branch: Node,
  test: Node & { kind: "binary" },
): RowLimit | null {
  const fn = unitAround(file, branch)
  const room = fn && capacityAt(program, file, fn, branch, test)
  return room && !isRowGuarded(program, file, fn) ? { fn, ...room } : null
}

/** `if (row.taken >= row.places) return`: both stand in one row, and what is taken goes up without asking again. */
function ownLimitAt(
  program: Program,
  file: File,
  fn: Func,
  branch: Node,
  test: Node & { kind: "binary" },
): RowLimit | null {
  const sides = test.op.startsWith(">") ? [test.left, test.right] : [test.right, test.left]
  const [taken, places] = sides.map((side) => fieldOf(side))
  if (taken?.of.kind !== "name" || places?.of.kind !== "name") return null
  if (taken.of.name !== places.of.name || taken.name === places.name) return null
  const count = countOf(program, file, fn, sides[0]!)
  if (!count || count.column === null) return null
  const act = actAfter(program, file, fn, branch.end, count)
  return act ? { fn, name: shownOf(file, sides[0]!), read: count.read, check: test, act } : null
}

/** Not a credit to somebody else's account. */
function takesOff(program: Program, file: File, act: Call): boolean {
  const row = rowCallsOf(program, file).find((one) => one.call === act)
  const text = row?.query ? row.query.text : row ? textOfRow(file, row) : file.textOf(act)
  return /-|decrement|decrease|minus|subtract/i.test(text)
}

/** The column of a row that a local was given last. */
function keptField(file: File, fn: Func, name: Node & { kind: "name" }): Node | null {
  const kept = file.assignments.findLast(
    (one) =>
      one.start >= fn.start &&
      one.end <= name.start &&
      one.targets.some((target) => target.kind === "name" && target.name === name.name),
  )
  if (!kept?.value || kept.op !== "=") return null
  let value = kept.value
  if (value.kind === "conditional") value = value.then
  if (value.kind === "binary" && /^(?:\?\?|\|\|)$/.test(value.op)) value = value.left
  if (value.kind === "call" && /^(?:Number|int|float|Decimal|str|parseFloat)$/.test(value.name))
    value = value.args[0] ?? value
  return fieldOf(value) ? value : null
}

/** As it is written, on one line. */
function shownOf(file: File, node: Node): string {
  return node.kind === "index" ? file.textOf(node) : dotted(node)
}

const CHECKS = /^_?(?:check|validate|ensure|enforce|assert|verify|require|guard)/i

/** `validateLimit()` only refuses: what takes the place follows where it was called, in the same file. */
function actOfCallers(program: Program, file: File, fn: Func, count: Count): Call | null {
  if (!CHECKS.test(fn.name) || count.column !== null) return null
  for (const site of file.callsNamed(fn.name)) {
    const caller = file.methodOf(site)
    if (!caller || caller === fn || isRowGuarded(program, file, caller)) continue
    const own = actAfter(program, file, caller, site.end, count)
    if (own) return own
    for (const call of file.calls) {
      if (call.start < site.end || call.end > caller.end || call.name === fn.name) continue
      if (!resolveCall(program, file, call).some((target) => target.file === file)) continue
      for (const target of overloadsOf(file, call)) {
        if (target === caller || !target.body || isRowGuarded(program, file, target)) continue
        const act = actAfter(program, file, target, target.body.start, count)
        if (act) return act
      }
    }
  }
  return null
}

function overloadsOf(file: File, call: Call): readonly Func[] {
  return file.functionsNamed(call.name).filter((fn) => fn.params.length === call.args.length)
}

/** Another write of the same function takes the place only below the limit: `{ count: { $lt: MAX } }`. */
function isTakenWithin(file: File, fn: Func, limit: Node): boolean {
  const name = dotted(limit).split(".").at(-1)!
  if (!/^\w+$/.test(name)) return false
  return new RegExp(`(?:\\$lte?|\\blte?|__lte?)\\s*[:=(]\\s*[\\w.]*\\b${name}\\b`).test(
    file.textOf(fn),
  )
}

/** Rows of a table are counted, and one is added later. */
function tableLimit(
  program: Program,
  file: File,
  counted: Node,
  branch: Node,
  check: Node,
): RowLimit | null {
  const fn = unitAround(file, branch)
  const count = fn && tableCountOf(program, file, fn, counted)
  const act = count && addsTo(program, file, fn, branch.end, count.table)
  if (!act || isRowGuarded(program, file, fn)) return null
  const isScript = file.language === "javascript" || file.language === "typescript"
  if (isScript && !waitsBetween(fn, count.read.end, act.start)) return null
  return { fn, name: count.name, read: count.read, check, act }
}

const COUNTS = /^(?:count(?:[A-Z_]\w*|Documents)?|Count(?:[A-Z]\w*)?|acount|get_?[cC]ount\w*)$/
const STORES =
  /(?:repo(?:sitory|s)?|dao|storage|service|prisma|model|objects|db|tx|trx|manager|mapper|collection|queries|\.\w*(?:where|filter|from|Where|Model|find)\(\))$|^prisma\.\w+$|\bprisma\.\w+$|\btx\.\w+$/i

const STORE_TYPES = /(?:Repository|Repo|Dao|DAO|Mapper|EntityManager)$/

function countOf(program: Program, file: File, fn: Func, node: Node): Count | null {
  const whole = node.kind === "await" ? node.value : node
  if (whole.kind === "binary" && whole.op === "+") return countOf(program, file, fn, whole.left)
  const direct = whole.kind === "call" ? whole : null
  if (direct) return counted(program, file, direct)
  if (whole.kind === "name") {
    const kept = file.assignments.findLast(
      (one) =>
        one.start >= fn.start &&
        one.end <= node.start &&
        one.targets.some((target) => target.kind === "name" && target.name === whole.name),
    )
    if (!kept) return null
    const given = valueFor(kept.targets, kept.value, whole.name)
    const isWaited = given !== kept.value
    const value = given?.kind === "await" ? given.value : given
    return value?.kind === "call" ? counted(program, file, value, isWaited) : null
  }
  const field = fieldOf(whole)
  if (field?.of.kind !== "name") return null
  const record = field.of.name
  const read = [...rowCallsOf(program, file), ...handedRecords(program, file)].find(
    (row) =>
      row.kind === "read" &&
      !row.locks &&
      row.call.start >= fn.start &&
      row.call.end <= node.start &&
      row.results.includes(record),
  )
  return read ? { name: field.name, read: read.call, on: "", column: bare(field.name) } : null
}

/** @param isWaited - it is waited for together with others */
function counted(program: Program, file: File, call: Call, isWaited = false): Count | null {
  const isScript = file.language === "javascript" || file.language === "typescript"
  if (isScript && !isWaited && file.parentOf(call)?.kind !== "await") return null
  // `Session.countDocuments({ user }).session(tx)`, `jobs.findByState(running).size()`
  const listed =
    /^(?:size|length)$/.test(call.name) && stepsOf(call).find((one) => one.name.startsWith("find"))
  const step = listed || stepsOf(call).find((one) => COUNTS.test(one.name))
  const receiver = step ? receiverOf(step) : null
  if (!receiver) return null
  const on = dotted(receiver)
  const isClass = /^[A-Z]\w*$/.test(rootOf(receiver) ?? "") && file.language !== "go"
  const type = receiver.kind === "call" ? null : typeOf(program, file, receiver, call)
  if (!STORES.test(on) && !isClass && !STORE_TYPES.test(type ?? "")) return null
  return { name: call.name, read: call, on: on.split(/\(|\.filter|\.where/)[0]!, column: null }
}

const TAKES =
  /^(?:add|create|insert|save|persist|register|book|reserve|append|upload|Create|Save|Insert|Add|acreate|asave)/

function actAfter(program: Program, file: File, fn: Func, from: number, count: Count): Call | null {
  const isLater = (call: Call): boolean => call.start > from && call.end <= fn.end
  const { column } = count
  if (column !== null) {
    const row = rowCallsOf(program, file).find(
      (one) => isLater(one.call) && one.kind === "update" && raises(one, column),
    )
    if (row) return row.call
    return (
      file.calls.find(
        (call) =>
          isLater(call) &&
          /^(?:increment|incrementBy|increase|decrement|decrementBy|decrease)$/.test(call.name) &&
          call.args.some((arg) => arg.kind === "string" && bare(arg.value) === column),
      ) ?? null
    )
  }
  return (
    file.calls.find((call) => {
      const receiver = receiverOf(call)
      if (!receiver || !isLater(call) || !TAKES.test(call.name)) return false
      if (call.name === "save" && isMadeAs(file, fn, receiver, count.on)) return true
      const on = dotted(
        stepsOf(call).length > 1 ? (receiverOf(stepsOf(call)[0]!) ?? receiver) : receiver,
      )
      return on === count.on || on.startsWith(`${count.on}.`)
    }) ?? null
  )
}

/** `const roadmap = new Roadmap({ … })`, which saves itself. */
function isMadeAs(file: File, fn: Func, receiver: Node, name: string): boolean {
  if (receiver.kind !== "name") return false
  return file.assignments.some(
    (one) =>
      one.start >= fn.start &&
      one.end <= receiver.start &&
      one.value?.kind === "call" &&
      one.value.isNew === true &&
      one.value.name === name &&
      one.targets.some((target) => target.kind === "name" && target.name === receiver.name),
  )
}

function raises(row: RowCall, column: string): boolean {
  return (
    !isConditional(row, column) &&
    row.sets.some((set) => set.column === column && set.isSelfReferential)
  )
}
