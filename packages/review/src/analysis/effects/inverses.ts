/** Verbs that change something elsewhere, and the verbs that take it back. */
import { wordsOf } from "../program/names.ts"

const INVERSES: Readonly<Record<string, string>> = {
  charge: "refund void cancel reverse",
  pay: "refund void cancel reverse",
  capture: "refund void reverse",
  authorize: "void cancel release reverse",
  authorise: "void cancel release reverse",
  debit: "credit refund reverse",
  credit: "debit reverse",
  withdraw: "deposit refund return reverse redeposit",
  deposit: "withdraw reverse",
  deduct: "restore add return refund replenish",
  transfer: "reverse refund return",
  reserve: "release cancel unreserve free return",
  book: "cancel unbook release",
  hold: "release cancel free",
  allocate: "release deallocate free cancel",
  purchase: "refund cancel return",
  buy: "refund cancel return sell",
  place: "cancel",
  provision: "deprovision teardown destroy delete remove release",
  issue: "revoke void cancel",
  mint: "burn revoke",
  redeem: "restore return unredeem",
  grant: "revoke remove",
  activate: "deactivate",
  ship: "cancel return recall",
  dispatch: "cancel recall",
  create: "delete cancel remove destroy",
  register: "unregister deregister delete remove",
  subscribe: "unsubscribe cancel",
  decrement: "increment restore",
  decrease: "increase restore",
  assign: "unassign release",
}

/** Verbs whose effect alone makes a chain of steps a matter of money, stock or seats. */
const STRONG = new Set(
  "charge pay capture authorize authorise debit credit withdraw deposit deduct transfer reserve book hold allocate purchase buy place provision redeem".split(
    " ",
  ),
)

/** What takes back anything. */
const TAKES_BACK = /compensat|rollback|roll_back|undo|revert|revers/i

export interface Step {
  /** The first word: what is done. */
  readonly verb: string
  readonly nouns: readonly string[]
  readonly isStrong: boolean
}

/** A step that changes something which a known verb takes back; null for reading, telling and unknown names. */
export function mutatingStep(name: string): Step | null {
  if (TAKES_BACK.test(name)) return null
  const words = wordsOf(name.replace(/(?:_?[aA]ctivity|Step|Async)$/, ""))
  const [verb, ...nouns] = words
  if (verb === undefined || !Object.hasOwn(INVERSES, verb)) return null
  return { verb, nouns, isStrong: STRONG.has(verb) }
}

/** Whether a name takes a step back: an inverse verb with a noun in common, or `chargeCompensation`. */
export function takesBack(name: string, step: Step): boolean {
  const words = wordsOf(name)
  if (TAKES_BACK.test(name))
    return (
      words.includes(step.verb) ||
      step.nouns.length === 0 ||
      step.nouns.some((noun) => words.includes(noun)) ||
      words.length <= 1
    )
  const [verb, ...nouns] = words
  if (!verb || !INVERSES[step.verb]!.split(" ").includes(verb)) return false
  if (step.nouns.length === 0 || nouns.length === 0) return true
  // `refundPayment` takes `chargeCustomer` back: money has many nouns.
  if (/^(?:refund|void|cancel|reverse)$/.test(verb)) return true
  return step.nouns.some((noun) => nouns.some((other) => isAlike(noun, other)))
}

function isAlike(a: string, b: string): boolean {
  return a === b || a === `${b}s` || b === `${a}s`
}

/** Names of steps that change nothing, or nothing that is taken back. */
export function isHarmless(name: string): boolean {
  const [verb = ""] = wordsOf(name)
  return /^(?:validate|check|verify|get|fetch|load|read|find|calculate|compute|notify|send|log|audit|emit|publish|prepare|init|wait|finish|complete|confirm|approve|end|list|lookup)$/.test(
    verb,
  )
}
