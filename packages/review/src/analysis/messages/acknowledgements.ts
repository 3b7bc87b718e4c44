/** How a consumer tells its broker that a message is done with, or that it is not. */
import { walk } from "../../ir/children.ts"
import type { Call, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { argNamed, dotted, receiverOf, wordsOf } from "../program/names.ts"

export interface Acknowledgement {
  /** `requeue` gives the message back to be delivered again; `reject` does not. */
  readonly kind: "ack" | "requeue" | "reject"
  readonly call: Call
}

const ACK =
  /^(?:ack|Ack|AckSync|DoubleAck|ackAll|basicAck|basic_ack|ack_async|acknowledge|Acknowledge|acknowledgeAsync|commitSync|commitAsync|commitOffsets|commit_offsets|CommitMessages|CommitRecords|CommitUncommittedOffsets|CommitMarkedOffsets|CommitMessage|CommitOffsets|MarkMessage|MarkOffset|MarkCommitRecords|resolveOffset|storeOffset|store_offsets|StoreOffsets|StoreMessage|deleteMessage|delete_message|DeleteMessage|DeleteMessageWithContext|xack|xAck|XAck|completeMessage|complete_message|commitMessage|ackMessage|deleteMessageBatch)$/
const NACK =
  /^(?:nack|Nack|basicNack|basic_nack|Nak|nak|NakWithDelay|NackRequeue|negativeAcknowledge|abandonMessage|requeue)$/
const REJECT =
  /^(?:reject|Reject|basicReject|basic_reject|Term|term|deadLetterMessage|TermWithReason)$/

/** What a call tells the broker; null where it tells nothing. */
export function acknowledgementOf(call: Call): Acknowledgement | null {
  const { name } = call
  const [command] = call.args
  if (name === "send" && command?.kind === "call" && command.name === "DeleteMessageCommand")
    return { kind: "ack", call }
  if (ACK.test(name)) return { kind: "ack", call }
  if (/^(?:commit|Commit)$/.test(name)) return isOfConsumer(call) ? { kind: "ack", call } : null
  if (NACK.test(name) && receiverOf(call))
    return { kind: requeues(call, true) ? "requeue" : "reject", call }
  if (
    REJECT.test(name) &&
    receiverOf(call) &&
    !/promise|reject\b.*Promise/i.test(dotted(call.callee))
  )
    return { kind: requeues(call, false) ? "requeue" : "reject", call }
  return null
}

/** `commit` is of databases too. */
function isOfConsumer(call: Call): boolean {
  const receiver = receiverOf(call)
  return (
    receiver !== null &&
    wordsOf(dotted(receiver)).some((word) =>
      /^(?:consumer|kafka|offsets?|reader|message|msg|record)$/.test(word),
    )
  )
}

/** The last flag of nack and reject says whether the message goes back to its queue. */
function requeues(call: Call, byDefault: boolean): boolean {
  const named = argNamed(call, "requeue")
  if (named) return !(named.kind === "bool" && !named.value)
  const flags = call.args.filter((arg) => arg.kind === "bool")
  const last = flags.at(-1)
  if (last?.kind !== "bool") return byDefault
  // `nack(message, allUpTo, requeue)` and Go's `Nack(multiple, requeue)`; a lone flag of JavaScript is `allUpTo`.
  const isAllUpTo = /^nack$/.test(call.name) && call.args.length === 2 && flags.length === 1
  return isAllUpTo ? byDefault : last.value
}

/** Every such call in some code, those of functions within it too, in the order of the text. */
export function acknowledgementsIn(root: Node): readonly Acknowledgement[] {
  const found: Acknowledgement[] = []
  walk(root, (node) => {
    const one = node.kind === "call" ? acknowledgementOf(node) : null
    if (one) found.push(one)
    return undefined
  })
  return found
}

/** `noAck: true`, `auto_ack=True`, Go's and Java's third argument: the broker forgets a message when it is sent. */
export function isAutoAcked(file: File, receive: Node): boolean {
  if (receive.kind !== "call") return false
  const named = argNamed(receive, "noAck", "no_ack", "auto_ack", "autoAck")
  if (named) return named.kind === "bool" && named.value
  const third = receive.args[file.language === "go" ? 2 : 1]
  return /^(?:Consume|basicConsume)$/.test(receive.name) && third?.kind === "bool" && third.value
}
