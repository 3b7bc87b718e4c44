/** What makes a second delivery harmless: a claim on the message's identity, a look at what was done, a unique key. */
import { walk } from "../../ir/children.ts"
import type { Node } from "../../ir/nodes.ts"
import { databaseWriteOf } from "../rows/databaseWrites.ts"
import type { File } from "../program/file.ts"
import { leaves } from "../program/failures.ts"
import { dotted } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"

const CLAIM_NAMES =
  /(?:already|is|was|has|been|mark|claim|try|ensure)_?\w*(?:processed|handled|seen|consumed|done)|duplicate|dedup|dedupe|idempot|^claim|_claim|setnx|set_nx|setIfAbsent|putIfAbsent|insertIfAbsent|if_?not_?exists|firstTime|first_time|tryInsert|inbox|processed_?(?:message|event)|exactly_?once|sendOffsetsToTransaction|send_offsets_to_transaction|^exists(?:By\w*)?$|^get_or_create$|^update_or_create$|^insert_?[iI]gnore$/i
const UNIQUE =
  /Duplicate|UniqueViolation|unique_violation|IntegrityError|DataIntegrity|ConstraintViolation|23505|P2002|E11000|11000|DoesNotExist|AlreadyExists|AlreadyProcessed/
const STATE =
  /status|state|processed|completed|paid|settled|shipped|done|exists?|existing|found|already|duplicate|seen|version|sequence|offset|previous|rowcount|rowsAffected|affected|inserted|claimed|isNew/i

/** Where something stands in the way of doing it twice; null where nothing does. */
export function claimWithin(
  program: Program,
  file: File,
  root: Node,
  depth = 2,
  seen: Set<Node> = new Set(),
): Node | null {
  if (seen.has(root)) return null
  seen.add(root)
  let found: Node | null = null
  walk(root, (node) => {
    if (found) return false
    if (isClaim(program, file, node)) found = node
    else if (node.kind === "call" && depth > 0) {
      for (const target of resolveCall(program, file, node)) {
        if (!found && target.fn.body)
          found = claimWithin(program, target.file, target.fn.body, depth - 1, seen) ? node : null
      }
    }
    return undefined
  })
  return found
}

function isClaim(program: Program, file: File, node: Node): boolean {
  switch (node.kind) {
    case "call": {
      if (CLAIM_NAMES.test(node.name) || CLAIM_NAMES.test(ownerOf(node))) return true
      const write = databaseWriteOf(program, file, node)
      if (write?.statement?.onConflict) return true
      if (write?.kind === "upsert") return true
      // `update … where id = $1 and status = 'pending'` changes a row once.
      const where = write?.statement?.where ?? []
      if (
        where.some((one) =>
          /status|state|version|event|message|offset|seq|processed/i.test(one.column),
        )
      )
        return true
      return /nx["']?\s*[:=]\s*[tT]rue|NX\b/.test(textOfArgs(file, node))
    }
    case "try":
      return node.catches.some((one) =>
        UNIQUE.test(`${one.types.join(" ")} ${file.textOf(one.body).slice(0, 400)}`),
      )
    case "if":
      return isLookedAt(file, node)
    default:
      return false
  }
}

function ownerOf(call: Node & { kind: "call" }): string {
  return call.callee.kind === "member" ? dotted(call.callee.object) : ""
}

function textOfArgs(file: File, call: Node & { kind: "call" }): string {
  if (!/^(?:set|Set|SetArgs|execute|execute_command|call|Do)$/.test(call.name)) return ""
  return call.args.map((arg) => file.textOf(arg)).join(" ")
}

/** `if (order.status === "paid") return`, `if existing != nil { return nil }`. */
function isLookedAt(file: File, node: Node & { kind: "if" }): boolean {
  const test = file.textOf(node.test)
  if (
    /\berr(?:or)?\b|\.ok\b|response|\bres\b/i.test(test) &&
    !/already|exists|duplicate/i.test(test)
  )
    return false
  if (!STATE.test(test) || refuses(file, node)) return false
  return leaves(node.then.body, "round") || isWholeRest(file, node)
}

/** What throws is delivered again: it says that something is missing, and not that it was done. */
function refuses(file: File, { test, then }: Node & { kind: "if" }): boolean {
  return (
    then.body.at(-1)?.kind === "throw" &&
    !/already|duplicate|processed|handled|exists/i.test(`${file.textOf(test)} ${file.textOf(then)}`)
  )
}

/** `if (isNew) { …all the work… }` as the last statement. */
function isWholeRest(file: File, node: Node & { kind: "if" }): boolean {
  const block = file.parentOf(node)
  if (block?.kind !== "block" || block.body.at(-1) !== node || node.otherwise !== null) return false
  return !asksWhatWasGiven(file, node)
}

/** `if (order.status === "NEW")` of a message: the same in every delivery of it. */
function asksWhatWasGiven(file: File, node: Node & { kind: "if" }): boolean {
  const params = new Set(
    file.functionOf(node)?.params.flatMap((one) => [one.name, ...(one.names ?? [])]),
  )
  let roots = 0
  let given = 0
  walk(node.test, (one) => {
    if (one.kind !== "name" || /^[A-Z]/.test(one.name)) return undefined
    roots++
    if (params.has(one.name)) given++
    return undefined
  })
  return roots > 0 && roots === given
}
