/** lost-update: a value is read, changed and written back, over what others wrote in between. */
import { arithmeticOn, columnRead, type Changed } from "../analysis/rows/arithmetic.ts"
import type { File } from "../analysis/program/file.ts"
import { changesEntity, countedBy, handedRecords } from "../analysis/rows/handedRecords.ts"
import { fileUpdates } from "../analysis/stores/fileUpdates.ts"
import { mergeOn, partChanged } from "../analysis/rows/merges.ts"
import { countedRecords } from "../analysis/rows/ownRecords.ts"
import { dotted, receiverOf, rootOf, wordsOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import type { RowCall } from "../analysis/rows/rowCall.ts"
import { rowCallsOf } from "../analysis/rows/rowCalls.ts"
import { bare, singular, someNode } from "../analysis/rows/rows.ts"
import { isConditional, isRowGuarded, isVersioned } from "../analysis/rows/rowGuards.ts"
import { sectionsAt } from "../analysis/sharing/sections.ts"
import { isTime, sqlUpdates, type SqlUpdate } from "../analysis/rows/sqlUpdates.ts"
import { storeUpdates } from "../analysis/stores/storeUpdates.ts"
import { unitAround } from "../analysis/program/units.ts"
import type { Call, Func, Node } from "../ir/nodes.ts"
import { lostUpdateReach } from "./reach/lostUpdate.ts"
import type { Draft, DraftFact, Rule, Spot } from "./rule.ts"

const GRAVE = new Set(
  "balance amount stock quantity qty inventory credit credits wallet points quota seats available remaining total paid price cents funds limit usage used".split(
    " ",
  ),
)

/** What somebody runs once, by hand. */
const ONCE = /(?:^|\/)(?:migrations?|management\/commands|scripts|fixtures|seeds?|cli)\//

export const lostUpdate: Rule = {
  id: "lost-update",
  title: "Lost update",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin", "sql"],
  scope: "code",
  mentions:
    /[uU]pdate|UPDATE|[sS]ave|commit|\.set\(|\.Set\(|merge|Transactional|writeFile|json\.dump|\b(?:[sS]et|[pP]ut|[sS]tore|[wW]rite|[pP]atch|[pP]ersist|[oO]verwrite|[aA]djust|[cC]hange)(?:[A-Z_]\w*)?\(/,
  docs: {
    what: "Code reads a row (or a file that a store keeps), computes a new value from what it read, and writes that value back. Nothing keeps others from doing the same at the same time.",
    why: "Two requests read 10, both write 9, and one of the two is lost: money, stock, attempts. A transaction alone does not help, because at the usual isolation both read before either writes.",
    silent: [
      "The database computes the new value itself: SET n = n + 1, F(), increment.",
      "The row is locked when it is read (FOR UPDATE), or a lock is held around both.",
      "The write has a condition on a version or on the value that was read.",
      "The isolation is raised to repeatable read or serializable.",
      "The column is a time or a place in an order: who writes last is right.",
    ],
    reach: lostUpdateReach,
    fix: "Let the database compute it (SET n = n + ?), or lock the row when reading (FOR UPDATE), or put a version into the WHERE and check how many rows changed.",
    reference:
      "https://www.2ndquadrant.com/en/blog/postgresql-anti-patterns-read-modify-write-cycles/",
    examples: {
      go: {
        bad: 'db.QueryRow("SELECT stock FROM items WHERE id = $1", id).Scan(&stock)\ndb.Exec("UPDATE items SET stock = $1 WHERE id = $2", stock-1, id)',
        good: 'db.Exec("UPDATE items SET stock = stock - 1 WHERE id = $1 AND stock > 0", id)',
      },
      python: {
        bad: "account = Account.objects.get(pk=pk)\naccount.balance -= amount\naccount.save()",
        good: 'Account.objects.filter(pk=pk, balance__gte=amount).update(balance=F("balance") - amount)',
      },
      typescript: {
        bad: "const user = await prisma.user.findUnique({ where: { id } })\nawait prisma.user.update({ where: { id }, data: { points: user.points + 10 } })",
        good: "await prisma.user.update({ where: { id }, data: { points: { increment: 10 } } })",
      },
      java: {
        bad: "Account a = accounts.findById(id).orElseThrow();\na.setBalance(a.getBalance() - amount);\naccounts.save(a);",
        good: "Account a = accounts.findByIdForUpdate(id).orElseThrow();\na.setBalance(a.getBalance() - amount);\naccounts.save(a);",
      },
      kotlin: {
        bad: "val item = items.findById(id).orElseThrow()\nitem.stock -= 1\nitems.save(item)",
        good: "items.decrementStock(id)",
      },
      sql: {
        bad: "SELECT balance INTO b FROM accounts WHERE id = p_id;\nUPDATE accounts SET balance = b - p_amount WHERE id = p_id;",
        good: "SELECT balance INTO b FROM accounts WHERE id = p_id FOR UPDATE;\nUPDATE accounts SET balance = b - p_amount WHERE id = p_id;",
      },
    },
  },
  check(file, program, report) {
    if (file.language === "sql") {
      for (const found of sqlUpdates(file)) report(sqlDraft(found))
      return
    }
    if (ONCE.test(file.path)) return
    const seen = new Set<string>()
    const add = (fn: Func, column: string, draft: Draft, held: Node | null = null): void => {
      const key = `${fn.start}:${column}`
      if (seen.has(key) || isRowGuarded(program, file, fn)) return
      if (held && sectionsAt(program, file, held).length > 0) return
      seen.add(key)
      report(draft)
    }
    const rows = rowCallsOf(program, file)
    for (const read of [...rows, ...handedRecords(program, file)]) {
      const fn = unitAround(file, read.call)
      if (!fn || read.locks || read.results.length === 0 || !isRead(read)) continue
      const later = rows.filter((row) => row.call.start > read.call.start && row.call.end <= fn.end)
      for (const write of later) {
        const changed = changedBy(program, file, read, write)
        if (changed) add(fn, changed.column, draftOf(file, read, changed, write.call), changed.at)
      }
      const isHanded = !rows.includes(read)
      for (const changed of entityChanges(program, file, fn, read)) {
        if (isHanded && isOwn(changed.column)) continue
        const saved = savedAfter(file, fn, changed, later, isHanded)
        const table = changed.managed ? singular(changed.managed) : read.table
        if (saved && !isVersioned(program, file, changed.at, changed.entity, table))
          add(fn, changed.column, draftOf(file, read, changed, saved), changed.at)
      }
    }
    for (const { fn, at, record, field, saved } of countedRecords(program, file)) {
      if (isVersioned(program, file, at, record, null)) continue
      const changed: Changed = { column: bare(field), at, entity: record }
      add(fn, bare(field), draftOf(file, null, changed, saved, fn))
    }
    for (const { read, at, write } of fileUpdates(program, file)) report(ofFile(read, at, write))
    for (const { fn, key, read, names, at, write } of storeUpdates(program, file)) {
      const changed: Changed = { column: bare(names[0]!), at, entity: null }
      const fix = {
        text: "Use the store's own counter (INCRBY, DECRBY), a Lua script, or WATCH with a transaction that is tried again.",
      }
      add(fn, key, { ...draftOf(file, read, changed, write), fix }, at)
    }
  },
}

function ofFile(read: Node, at: Node, write: Node): Draft {
  return {
    at,
    tier: "likely",
    severity: "low",
    message:
      "a file is read, changed and written as a whole, with waits between: what others wrote meanwhile is lost",
    because: [
      { text: "the file is read here", at: read },
      { text: "changed here", at },
      { text: "and written here", at: write },
    ],
    checked: ["no lock or queue lets one after the other"],
    fix: {
      text: "Let one change after the other: a lock for each file around reading and writing.",
    },
  }
}

/** A mapper's `save` that gives the row back is no read. */
function isRead(row: RowCall): boolean {
  return row.kind === "read"
}

/** The column that a write sets to a value made of what a read found in it. */
function changedBy(program: Program, file: File, read: RowCall, write: RowCall): Changed | null {
  const isSaved = write.kind === "save" && write.through !== undefined
  if (write.kind !== "update" && !isSaved) return null
  if (read.table && write.table && read.table !== write.table) return null
  for (const set of write.sets) {
    if (set.isSelfReferential || isTime(set.column) || isConditional(write, set.column)) continue
    if (set.computedFrom && isHeldBy(read, set.computedFrom) && !isOwn(set.column))
      return { column: set.column, at: write.call, entity: null }
    const values = set.value ? [set.value] : write.through ? [] : valuesGiven(write)
    for (const value of values) {
      const isIt = (node: Node): boolean => columnRead(read, node, set.column)
      const at = arithmeticOn(program, file, value, isIt) ?? mergeOn(program, file, value, isIt)
      if (at && !isVersioned(program, file, at, null, write.table))
        return { column: set.column, at, entity: null }
    }
  }
  return null
}

/** Whether a name, or what it points to, holds the row. */
function isHeldBy(read: RowCall, node: Node): boolean {
  const held = node.kind === "unary" ? node.operand : node
  return held.kind === "name" && read.results.includes(held.name)
}

/** The arguments that a statement's parameters get. */
function valuesGiven(write: RowCall): Node[] {
  const own = write.call.args.flatMap((arg) => (arg.kind === "list" ? arg.items : [arg]))
  return own
    .filter((arg) => arg.kind !== "string" && arg.kind !== "template")
    .flatMap((arg) => (arg.kind === "object" ? arg.entries.map((entry) => entry.value) : [arg]))
}

interface EntityChange extends Changed {
  readonly entity: string
  /** The class of what changed, where JPA writes it back, whoever read it. */
  readonly managed?: string | null
}

/** `account.balance -= amount`, `account.setBalance(account.getBalance() - amount)`. */
function entityChanges(program: Program, file: File, fn: Func, read: RowCall): EntityChange[] {
  const found: EntityChange[] = []
  const isAfter = (node: Node): boolean => node.start > read.call.end && node.end <= fn.end
  for (const assign of file.assignments) {
    const [target] = assign.targets
    if (!isAfter(assign) || target?.kind !== "member" || !assign.value) continue
    const entity = rootOf(target) ?? ""
    if (!read.results.includes(entity)) continue
    const column = bare(target.name)
    if (isTime(column)) continue
    const adds = /^[-+*/]=$/.test(assign.op) && !isText(assign.value)
    const isIt = (node: Node): boolean => columnRead(read, node, column)
    const at = adds
      ? assign
      : (arithmeticOn(program, file, assign.value, isIt) ??
        (keepsWhole(file) ? mergeOn(program, file, assign.value, isIt) : null))
    if (at) found.push({ column, at: assign, entity })
  }
  if (file.language === "python")
    for (const one of partChanged(file, { start: read.call.end, end: fn.end }, read.results))
      found.push({ ...one, column: bare(one.column) })
  for (const call of file.calls) {
    if (!isAfter(call)) continue
    if (call.callee.kind === "member" && read.results.includes(rootOf(call.callee.object) ?? "")) {
      const field = countedBy(program, file, call)
      if (field !== null && !isTime(bare(field)))
        found.push({
          column: bare(field),
          at: call,
          entity: rootOf(call.callee.object)!,
          managed: changesEntity(program, file, call),
        })
    }
    const setter = /^set([A-Z]\w*)$/.exec(call.name)
    const entity = rootOf(call.callee) ?? ""
    if (setter && call.args.length === 1 && read.results.includes(entity)) {
      const column = bare(setter[1]!)
      const at =
        !isTime(column) &&
        arithmeticOn(program, file, call.args[0]!, (node) => columnRead(read, node, column))
      if (at) found.push({ column, at: call, entity })
    }
    // Kotlin's `save(item.copy(stock = item.stock - 1))`
    if (call.name === "copy" && read.results.includes(entity)) {
      for (const arg of call.args) {
        if (arg.kind !== "named" || isTime(bare(arg.name))) continue
        const column = bare(arg.name)
        if (arithmeticOn(program, file, arg.value, (node) => columnRead(read, node, column)))
          found.push({ column, at: call, entity })
      }
    }
  }
  return found
}

/** Mongoose writes only what was set within a document; others write a column whole. */
function keepsWhole(file: File): boolean {
  return !file.unit.imports.some((one) => /mongoose/.test(one.module))
}

/** Of records that another function read: counts of one worker's own tries, and places in an order. */
function isOwn(column: string): boolean {
  return /retr|attempt|tries|fail|error|version|revision|order$|index$|level|page|step$/.test(
    column,
  )
}

function isText(node: Node): boolean {
  return node.kind === "string" || node.kind === "template" || node.kind === "list"
}

const SAVES =
  /^(?:save\w*|Save\w*|asave|update\w*|Update\w*|merge|persist|put|flush|commit|replaceOne)$/

/** What writes an entity back after it was changed. */
function savedAfter(
  file: File,
  fn: Func,
  changed: EntityChange,
  later: readonly RowCall[],
  isHanded = false,
): Node | null {
  const whole = later.find((row) => writesWhole(file, row, changed))
  if (whole) return isConditional(whole, changed.column) ? null : whole.call
  for (const call of file.calls) {
    if (call.end > fn.end || call.end < changed.at.start || !SAVES.test(call.name)) continue
    const receiver = receiverOf(call)
    if (!receiver || (isHanded && !isStrong(file, call, receiver, changed.entity))) continue
    const row = later.find((one) => one.call === call)
    if (
      row?.through &&
      row.sets.length > 0 &&
      !row.sets.some((set) => set.column === changed.column)
    )
      continue
    if (row && row.kind !== "save" && row.where.some((one) => /version|revision/.test(one.column)))
      return null
    if (rootOf(receiver) === changed.entity && call.args.length <= 1) return call
    if (
      call.args.some((arg) =>
        someNode(arg, (node) => node.kind === "name" && node.name === changed.entity),
      )
    )
      return call
    if (
      file.language === "python" &&
      /^(?:commit|flush)$/.test(call.name) &&
      /session|db|\bs$/i.test(dotted(receiver))
    )
      return call
  }
  // A managed entity is written at the end of the transaction.
  const isManaged =
    (!isHanded || (changed.managed ?? null) !== null) &&
    (file.language === "java" || file.language === "kotlin") &&
    (fn.annotations.some((one) => one.name.endsWith("Transactional")) ||
      file.classOf(fn)?.annotations.some((one) => one.name.endsWith("Transactional")))
  return isManaged ? changed.at : null
}

/** A function of the program that was given the record and writes what changed in it. */
function writesWhole(file: File, row: RowCall, changed: EntityChange): boolean {
  if (!row.through || !row.record || row.call.end < changed.at.start) return false
  if (row.kind === "delete" || (row.kind === "insert" && file.language !== "python")) return false
  if (rootOf(row.record.kind === "unary" ? row.record.operand : row.record) !== changed.entity)
    return false
  return row.sets.length === 0 || row.sets.some((set) => set.column === changed.column)
}

const KEEPERS =
  /(?:repo(?:sitory|s)?|dao|store|storage|db|tx|trx|session|em|manager|model|mapper|collection|coll|prisma|orm|client|service|uow|accounts|[a-z]s)(?:\(\))?$/i

/** What writes a record of which only the name of a helper says that it is a row. */
function isStrong(file: File, call: Call, receiver: Node, entity: string): boolean {
  if (
    /^(?:put|update|merge)$/.test(call.name) &&
    file.language !== "java" &&
    file.language !== "kotlin"
  )
    return false
  if (dotted(receiver) === entity) return /^(?:save|asave|Save|update)$/.test(call.name)
  return KEEPERS.test(dotted(receiver)) || /^(?:this|self)$/.test(dotted(receiver))
}

/** With `handed`, the record came into that function, and where it was read is not known. */
function draftOf(
  file: File,
  read: RowCall | null,
  changed: Changed,
  written: Node,
  handed: Func | null = null,
): Draft {
  const grave = wordsOf(columnShown(file, changed)).some((word) => GRAVE.has(word))
  return {
    at: changed.at,
    tier: "likely",
    severity: grave ? "high" : "medium",
    message: `\`${columnShown(file, changed)}\` is computed from a row that was read before and written back; what others write in between is lost`,
    because: [
      handed || !read
        ? { text: "the row was read before this was called", at: handed ? nameOf(handed) : written }
        : { text: "the row is read here, without a lock", at: read.call },
      ...(read ? wayOf(read) : []),
      { text: "the new value is computed from it here", at: changed.at },
      ...(written === changed.at ? [] : [{ text: "and written here", at: written }]),
    ],
    checked: [
      "the row is not locked when it is read, and no lock is held around both",
      "the write has no condition on a version or on the value that was read",
      "the isolation is not raised",
    ],
  }
}

/** Where the row is touched, when that is in another function. */
function wayOf({ through }: RowCall): DraftFact[] {
  return through ? [{ text: "by this", at: through.call, file: through.file }] : []
}

function nameOf(fn: Func): Spot {
  return { start: fn.start, end: Math.min(fn.end, fn.body?.start ?? fn.end) }
}

/** The column as it is written in the code. */
function columnShown(file: File, changed: Changed): string {
  const text = file.textOf(changed.at)
  const words = text.match(/[A-Za-z_]\w*/g) ?? []
  return words.find((word) => bare(word) === changed.column) ?? changed.column
}

function sqlDraft({ read, update, set }: SqlUpdate): Draft {
  return {
    at: set,
    tier: "likely",
    severity: wordsOf(set.column).some((word) => GRAVE.has(word)) ? "high" : "medium",
    message: `\`${set.column}\` is computed from a row that was read before and written back; what others write in between is lost`,
    because: [
      { text: "the row is read here, without a lock", at: read },
      { text: "and written here", at: update },
    ],
    checked: [
      "the row is not locked when it is read",
      "the update has no condition on the value that was read",
    ],
  }
}
