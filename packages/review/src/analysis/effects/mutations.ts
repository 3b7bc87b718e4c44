/** Whether code changes something that others see: a row, a message, a payment. By names and by SQL. */
import { walk } from "../../ir/children.ts"
import type { Call, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"
import { ownRowsOf } from "../rows/ownRows.ts"
import { targetOf } from "../program/targets.ts"
import { textOfString } from "../program/text.ts"

const VERBS = new Set(
  "insert update delete remove save create add send charge pay refund capture transfer publish produce emit enqueue push post put patch mark process notify email mail purge expire archive renew sync upsert submit bill settle award credit debit dispatch deliver truncate cleanup clean execute exec write set bulkwrite".split(
    " ",
  ),
)

const WRITING_SQL =
  /^\s*(?:with\b[^]*?\b)?(?:insert\s+into|update\s+\S+\s+set|delete\s+from|merge\s+into|truncate)\b/i

/** Money and letters: what must not happen twice. */
const GRAVE =
  /charge|pay|refund|capture|transfer|bill|invoice|email|mail|sms|notif|credit|debit|payout|order/i

/** Who carries letters and money, and the verbs that hand something to them. */
const CARRIERS = new Set(
  "mail mails mailer mailing email emails emailer smtp sms notification notifications notifier reminder reminders invoice invoices payment payments payout payouts billing refund refunds slack telegram whatsapp discord digest digests newsletter push fcm twilio sendgrid mailgun stripe paypal".split(
    " ",
  ),
)
const HANDS_OVER = new Set(
  "send notify remind deliver dispatch charge pay refund bill capture transfer mail email push post alert announce broadcast issue renew payout".split(
    " ",
  ),
)

const LOOKS =
  /^_?(?:get|find|list|count|read|is|has|load|search|lookup|record|log|measure|observe|metric|gauge|inc)(?:[A-Z_]\w*)?$/
/** What is done with a letter before it goes. */
const PREPARES =
  /^(?:create|build|format|render|validate|make|compose|prepare|parse|template|on|use|with|set|add|remove|delete|update|save|insert|connect|close|verify|clear|mark|log|info|warn|error|debug)/
const SENDERS = /^(?:mailer|emailer|mail|email|sms|notifier)(?:er|service|sender|client|util)?$/i

/** Names that only stores of documents and rows have. */
const STORES =
  /^(?:(?:update|insert|delete|replace)(?:One|Many)|findOneAnd\w+|findByIdAnd\w+|bulkWrite|bulk_(?:create|update|write)|(?:update|insert|delete|replace)_(?:one|many)|save(?:All|AndFlush)|createMany)$/

export interface Mutation {
  readonly file: File
  readonly call: Call
  /** The call at the node that was asked about, by which it is reached. */
  readonly via: Call
  /** Where it is a statement. */
  readonly sql: string | null
  /** A letter or money: a reader sees that it came twice. */
  readonly isGrave: boolean
}

/** Taking away what is old: done twice it is done. */
const TAKES_AWAY =
  /^(?:delete|remove|purge|clean|cleanup|expire|truncate|destroy|prune|sweep|evict|clear|unlink|del|drop)/i

/** Whether a call that changes something only takes away, which a second time does nothing. */
export function takesAway({ call, sql }: Mutation): boolean {
  return sql === null ? TAKES_AWAY.test(call.name) : /^\s*(?:delete|truncate)\b/i.test(sql)
}

/** What makes something new: done twice there are two. */
const MAKES =
  /^(?:create|insert|add|persist|post|publish|enqueue|send|emit|produce|push|submit|dispatch|award|credit)(?!.*(?:Or|_or_)(?:Update|Ignore|Nothing|Replace|update|ignore|nothing|replace))/i

/** Whether a call that changes something makes something new each time. */
export function makesNew({ call, sql }: Mutation): boolean {
  return sql === null
    ? MAKES.test(call.name)
    : /^\s*insert\b/i.test(sql) && !/on\s+(?:conflict|duplicate)|insert\s+ignore/i.test(sql)
}

/** The first call below a node, through functions, that changes something outside of the process. */
export function mutationWithin(
  program: Program,
  file: File,
  node: Node,
  depth = 3,
  accepts: (found: Mutation) => boolean = () => true,
): Mutation | null {
  let found: Mutation | null = null
  walk(node, (one) => {
    if (found) return false
    if (one.kind === "call") {
      const own = mutationOf(program, file, one)
      found = own && accepts(own) ? own : throughCall(program, file, one, depth, accepts)
    }
    return undefined
  })
  return found
}

function throughCall(
  program: Program,
  file: File,
  call: Call,
  depth: number,
  accepts: (found: Mutation) => boolean,
): Mutation | null {
  // What a getter fills or a meter counts on its way is no effect of the job.
  if (depth === 0 || LOOKS.test(call.name)) return null
  for (const target of resolveCall(program, file, call)) {
    const found = target.fn.body
      ? mutationWithin(program, target.file, target.fn.body, depth - 1, accepts)
      : null
    if (found) return { ...found, via: call, isGrave: found.isGrave || GRAVE.test(target.fn.name) }
  }
  return null
}

/** Where `push` is what lists have. */
function isListed({ language }: File): boolean {
  return language === "javascript" || language === "typescript"
}

/** What a call changes by itself. */
export function mutationOf(program: Program, file: File, call: Call): Mutation | null {
  const name = dotted(call.callee)
  const isGrave = GRAVE.test(name)
  for (const arg of call.args.slice(0, 2)) {
    if (!/^(?:string|template|binary|name)$/.test(arg.kind)) continue
    const text = textOfString(program, file, arg, 3)
    if (text !== null && WRITING_SQL.test(text))
      return { file, call, via: call, sql: text, isGrave: isGrave || GRAVE.test(text) }
  }
  const [verb] = wordsOf(call.name)
  if (call.name === "push" && isListed(file)) return null
  if (verb !== undefined && HANDS_OVER.has(verb) && wordsOf(name).some((one) => CARRIERS.has(one)))
    return { file, call, via: call, sql: null, isGrave: true }
  const on = call.callee.kind === "member" ? dotted(call.callee.object).split(".").at(-1)! : ""
  if (SENDERS.test(on) && !LOOKS.test(call.name) && !PREPARES.test(call.name))
    return { file, call, via: call, sql: null, isGrave: true }
  const row = ownRowsOf(program, file).find((one) => one.call === call)
  if ((row && row.kind !== "read") || STORES.test(call.name))
    return { file, call, via: call, sql: null, isGrave }
  if (verb === undefined || !VERBS.has(verb) || call.callee.kind !== "member") return null
  return targetOf(program, file, call, 1) === "remote"
    ? { file, call, via: call, sql: null, isGrave }
    : null
}
