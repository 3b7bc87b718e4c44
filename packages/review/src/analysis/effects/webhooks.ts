/** Handlers of webhooks that a payment service signs and sends again until it hears that they arrived. */
import { walk } from "../../ir/children.ts"
import type { Block, Call, Func, Node } from "../../ir/nodes.ts"
import { claimWithin } from "../messages/claims.ts"
import type { Consumer } from "../messages/consumers.ts"
import type { File } from "../program/file.ts"
import { consumer } from "../messages/listeners.ts"
import { dotted } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { type Effect, effectsWithin } from "./repeatedEffects.ts"
import { resolveCall } from "../program/resolve.ts"

/** `stripe.webhooks.constructEvent(…)`, `Webhook.construct_event(…)`, `webhook.ConstructEvent(…)`, and wrappers of these. */
const VERIFIES =
  /^(?:constructEvent(?:Async)?|construct_event|ConstructEvent\w*|(?:verify|Verify)(?:_?Stripe)?_?Webhook(?:_?Signature)?|verify_(?:stripe_)?webhook(?:_signature)?)$/
const SENDERS = /stripe|paddle|webhook/i

/** Functions of a file that take a signed event and act on it. */
export function webhooksOf(program: Program, file: File): Consumer[] {
  return file.functions.flatMap((fn) => {
    if (!fn.body || fn.params.length === 0 || fn.hasError) return []
    const received = file.calls.find(
      (call) => file.functionOf(call) === fn && receives(program, file, call),
    )
    // What only hands the event back is asked by the handler.
    if (!received || onlyGivesBack(file, fn, received)) return []
    const at = { start: fn.start, end: Math.max(fn.start + 1, fn.body.start) }
    return [consumer(file, fn, "broker", "callback", at, received)]
  })
}

export interface Unclaimed {
  /** The call of the handler that leads to it. */
  readonly at: Call
  readonly effect: Effect
}

/**
 * What a handler does for each delivery before it claims the event: asked of each kind of event on its own, since a
 * claim on one says nothing of another.
 */
export function unclaimedIn(program: Program, { file, body, fn }: Consumer): Unclaimed | null {
  const cases: Node[] = []
  walk(body, (node) => {
    if (node.kind === "function") return false
    if (node.kind === "switch") cases.push(...node.cases.map((one) => one.body))
    return node.kind !== "switch"
  })
  const first = cases[0]?.start ?? body.end
  const isClaimed = fn !== null && claimed(program, file, body, first)
  if (isClaimed || usesIdentity(file, body)) return null
  for (const root of cases.length > 0 ? cases : [body]) {
    const claim = claimWithin(program, file, root)
    for (const call of file.calls) {
      if (call.start < root.start || call.end > root.end) continue
      if (claim && claim.start <= call.start) break
      const effect = effectsWithin(program, file, call).find((one) => isGrave(one))
      if (effect) return { at: call, effect }
    }
  }
  return null
}

/** Mail that goes out twice is a nuisance; a row may be refused by a key that is not seen here. */
function isGrave({ kind }: Effect): boolean {
  return kind === "sum" || kind === "money"
}

/** Whether the event is claimed before it is told apart what it is. */
function claimed(program: Program, file: File, body: Block, before: number): boolean {
  return body.body.some((one) => one.end <= before && claimWithin(program, file, one) !== null)
}

const IDENTITY =
  /\bev(?:en)?t\b(?:\?\.|\.|\[["'])(?:id|ID)\b|\b(?:event|delivery|webhook)[-_]?id\b/i
const LOGS = /log|console|print|debug|info|warn|trace|span|tag|capture/i

/** The event's own identity goes into something else than a log: who handles it once needs it. */
function usesIdentity(file: File, body: Block): boolean {
  return file.calls.some(
    (call) =>
      call.start >= body.start &&
      call.end <= body.end &&
      !LOGS.test(dotted(call.callee)) &&
      call.args.some((arg) => IDENTITY.test(file.textOf(arg))),
  )
}

function receives(program: Program, file: File, call: Call): boolean {
  if (verifies(call)) return true
  return resolveCall(program, file, call).some(
    ({ file: at, fn }) =>
      at === file &&
      at.calls.some(
        (one) => at.functionOf(one) === fn && verifies(one) && onlyGivesBack(at, fn, one),
      ),
  )
}

/** `webhooks.unwrap(body, { headers })`, `wh.verify(payload, headers)` of Svix, Paddle's `webhooks.unmarshal(…)`. */
const UNWRAPS = /(?:^|\.)(?:webhooks?|wh|svix\w*)\.(?:unwrap|unmarshal|verify|verifyAndParse)$/i

function verifies(call: Call): boolean {
  if (UNWRAPS.test(dotted(call.callee)) && call.args.length > 1) return true
  return (
    VERIFIES.test(call.name) &&
    call.callee.kind === "member" &&
    SENDERS.test(dotted(call.callee)) &&
    call.args.length > 1
  )
}

function onlyGivesBack(file: File, fn: Func, call: Call): boolean {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "return") return true
    if (outer === fn) return false
  }
  return false
}
