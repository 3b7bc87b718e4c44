/** What happens twice when code runs twice: sums that grow, rows that are added, money and mail that go out. */
import { walk } from "../../ir/children.ts"
import type { Call, Node } from "../../ir/nodes.ts"
import { databaseWriteOf } from "../rows/databaseWrites.ts"
import type { File } from "../program/file.ts"
import { isRandomSource } from "../program/entropy.ts"
import { dotted, receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"

export interface Effect {
  /** `row` is a plain insert, which a unique key may still refuse. */
  readonly kind: "sum" | "money" | "mail" | "row" | "handlers"
  readonly file: File
  readonly at: Node
  /** What it is, for a reader. */
  readonly shown: string
}

const SUMS =
  /balance|amount|stock|quantity|qty|count|points|credits?$|total|inventory|available|seats|usage|quota|sold|views/i
const MONEY_VERB =
  /^(?:charge|refund|capture|payout|pay|transfer|credit|debit|withdraw|deposit|settle|topUp|top_up)(?:[A-Z_]\w*)?$/
const MONEY_OWNER =
  /stripe|paypal|adyen|braintree|payment|wallet|billing|bank|charges?|refunds?|payouts?|transfers?|gateway|account|ledger|settlement|psp/i
const MAIL_VERB =
  /^(?:send|deliver)_?\w*(?:e?mail|sms|notification|receipt|newsletter|voucher)s?\w*$/i
const MAIL_OWNER =
  /mail|smtp|sendgrid|twilio|ses\b|postmark|mailgun|sms|notifier|notification|push|resend/i
const LEDGER =
  /payment|transaction|ledger|entry|entries|invoice|charge|refund|payout|transfer|order|shipment|booking|reservation|credit|debit|reward|point|coupon|movement/i

/** Effects of some code and of what it calls, up to this many calls deep. */
export function effectsWithin(
  program: Program,
  file: File,
  root: Node,
  depth = 2,
  seen: Set<Node> = new Set(),
): Effect[] {
  const found: Effect[] = []
  if (seen.has(root)) return found
  seen.add(root)
  const writes = hasWrite(program, file, root)
  walk(root, (node) => {
    if (node.kind === "assign" && writes) {
      const sum = sumOf(node)
      if (sum) found.push({ kind: "sum", file, at: node, shown: `\`${sum}\` changes by an amount` })
    }
    if (node.kind === "loop") found.push(...dispatchesOf(file, node))
    if (node.kind !== "call") return undefined
    const bodies = depth > 0 ? resolveCall(program, file, node).filter(({ fn }) => fn.body) : []
    const own = effectOf(program, file, node, writes)
    // A name only promises; a body that is there tells.
    if (own && (bodies.length === 0 || own.kind === "sum" || own.kind === "row")) found.push(own)
    else
      for (const { file: at, fn } of bodies)
        found.push(...effectsWithin(program, at, fn.body!, depth - 1, seen))
    return undefined
  })
  return found
}

function hasWrite(program: Program, file: File, root: Node): boolean {
  let found = false
  walk(root, (node) => {
    if (node.kind === "call") found ||= databaseWriteOf(program, file, node) !== null
    return !found
  })
  return found
}

/** `wallet.balance += amount`, `wallet.balance = wallet.balance + amount`. */
function sumOf(node: Node & { kind: "assign" }): string | null {
  const [target] = node.targets
  if (target?.kind !== "member" || !SUMS.test(target.name)) return null
  if (node.op === "+=" || node.op === "-=") return target.name
  const { value } = node
  if (value?.kind === "binary" && /^[+-]$/.test(value.op) && namesMember(value, target.name))
    return target.name
  if (
    value?.kind === "call" &&
    /^(?:add|plus|minus|subtract|Add|Sub)$/.test(value.name) &&
    namesMember(value, target.name)
  )
    return target.name
  return null
}

function namesMember(root: Node, name: string): boolean {
  let found = false
  walk(root, (node) => {
    if (
      (node.kind === "member" || node.kind === "call") &&
      node.name.toLowerCase().endsWith(name.toLowerCase())
    )
      found = true
    return !found
  })
  return found
}

function effectOf(program: Program, file: File, call: Call, writes: boolean): Effect | null {
  const write = databaseWriteOf(program, file, call)
  if (write?.kind === "increment")
    return { kind: "sum", file, at: call, shown: `${tableShown(write.table)} changes by an amount` }
  if (write?.kind === "insert") {
    const isLedger = LEDGER.test(write.table) || hasFreshId(file, call)
    if (isLedger)
      return { kind: "row", file, at: call, shown: `a row is added to ${tableShown(write.table)}` }
    return null
  }
  const receiver = receiverOf(call)
  const on = receiver ? dotted(receiver) : ""
  if (hasKey(file, call)) return null
  const isMoney =
    !/^capture(?:Exception|Message|Error|Event|Output|Stack\w*)$/i.test(call.name) &&
    ((MONEY_VERB.test(call.name) && (MONEY_OWNER.test(on) || /[A-Z_]/.test(call.name.slice(1)))) ||
      (/^(?:create|Create|New|confirm)$/.test(call.name) &&
        /stripe|charges?$|refunds?$|payouts?$|transfers?$|payment_?intents?|payments?$|^(?:subscription|customerbalancetransaction)$/i.test(
          on,
        ) &&
        !/[rR]epo|prisma|objects/.test(on)))
  if (isMoney)
    return { kind: "money", file, at: call, shown: `\`${dotted(call.callee)}\` moves money` }
  if (
    MAIL_VERB.test(call.name) ||
    (/^(?:send|Send|deliver|DialAndSend)/.test(call.name) && MAIL_OWNER.test(on))
  )
    return { kind: "mail", file, at: call, shown: `\`${dotted(call.callee)}\` sends to people` }
  // Java: `account.setBalance(account.getBalance().add(amount))`
  const setter = /^set([A-Z]\w*)$/.exec(call.name)?.[1]
  const [value] = call.args
  if (setter && value && writes && SUMS.test(setter) && isSumOf(value, setter))
    return {
      kind: "sum",
      file,
      at: call,
      shown: `\`${setter[0]!.toLowerCase()}${setter.slice(1)}\` changes by an amount`,
    }
  return null
}

function isSumOf(value: Node, name: string): boolean {
  const isSum =
    (value.kind === "binary" && /^[+-]$/.test(value.op)) ||
    (value.kind === "call" && /^(?:add|plus|minus|subtract)$/.test(value.name))
  return isSum && namesMember(value, name)
}

/** A fresh identity for each row: no unique key of the message can refuse the second one. */
function hasFreshId(file: File, call: Call): boolean {
  let found = false
  for (const arg of call.args) {
    walk(arg, (node) => {
      if (node.kind === "call" && isRandomSource(file, node)) found = true
      return !found
    })
  }
  return found
}

/** Whether the other side is given a key by which it knows a repetition. */
function hasKey(file: File, call: Call): boolean {
  return /idempot|dedup(?!licate["']?\s*[:=]\s*false)|request_?id|client_?token/i.test(
    call.args.map((arg) => file.textOf(arg)).join(" "),
  )
}

function tableShown(table: string): string {
  return table === "" ? "the database" : `\`${table}\``
}

/** `for (const handler of handlers) await handler(message)`: effects of others, unknown here. */
function dispatchesOf(file: File, loop: Node & { kind: "loop" }): Effect[] {
  if (
    loop.form !== "each" ||
    !loop.iterable ||
    !/handlers?|listeners?|subscribers?/i.test(dotted(loop.iterable))
  )
    return []
  const names = new Set(loop.bindings.flatMap((one) => (one.kind === "name" ? [one.name] : [])))
  const found: Effect[] = []
  walk(loop.body, (node) => {
    if (node.kind !== "call" || found.length > 0) return undefined
    const root = node.callee.kind === "name" ? node.callee.name : null
    if (root && names.has(root) && node.args.length > 0)
      found.push({ kind: "handlers", file, at: node, shown: "every registered handler runs" })
    return undefined
  })
  return found
}
