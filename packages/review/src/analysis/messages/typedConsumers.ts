/**
 * Consumers that no call in sight hands to a broker: functions that take a message by its type, or fetch a single one,
 * and settle it; and arms of a `select` that receive one.
 */
import { walk } from "../../ir/children.ts"
import type { Func, Loop, Node } from "../../ir/nodes.ts"
import { acknowledgementsIn } from "./acknowledgements.ts"
import { type Broker, brokerOfNode, brokersOf } from "./brokers.ts"
import type { Consumer } from "./consumers.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"

/** Types of messages, as their libraries name them. */
const TYPES: readonly (readonly [RegExp, Broker | null])[] = [
  [/^\*?sarama\.ConsumerMessage$|^\*?kgo\.Record$|^\*?kafka\.Message$/, "kafka"],
  [/^ConsumerRecord(?:<|$)|^KafkaMessage$|^EachMessagePayload$/, "kafka"],
  [/^\*?(?:amqp|amqp091|rabbitmq)\.Delivery$|(?:^|\.)ConsumeMessage\b/, "amqp"],
  [/(?:^|\.)(?:Abstract)?IncomingMessage$/, "amqp"],
  [/^\*nats\.Msg$|^jetstream\.Msg$|^JsMsg$/, "nats"],
  [/^\*pubsub\.Message$/, "pubsub"],
  [/^\*?pulsar\.(?:Consumer)?Message$/, "pulsar"],
  [/^\*message\.Message$/, "broker"],
]

/** A function that takes a message and says itself what becomes of it; null for every other. */
export function typedConsumerOf(file: File, fn: Func): Consumer | null {
  if (!fn.body) return null
  for (const param of fn.params) {
    const type = (param.type ?? "").trim()
    const [, broker] = TYPES.find(([pattern]) => pattern.test(type)) ?? []
    if (!broker || !isOfLibrary(file, broker) || !settles(fn, param.name)) continue
    const at = { start: fn.nameStart, end: fn.nameStart + Math.max(1, fn.name.length) }
    const message = [param.name]
    return { broker, form: "callback", file, body: fn.body, fn, at, receive: fn, message }
  }
  return null
}

const FETCHES = /^(?:Receive|FetchMessage|NextMsg|Next|receive|fetch_message|getone)$/

/** A function that fetches one message, outside of any loop, and settles it: `msg, err := sub.Receive(ctx)`. */
export function fetchedBy(program: Program, file: File, fn: Func): Consumer | null {
  for (const assign of fn.body?.body ?? []) {
    if (assign.kind !== "assign" || assign.value === null) continue
    const call = assign.value.kind === "await" ? assign.value.value : assign.value
    if (call.kind !== "call" || !FETCHES.test(call.name)) continue
    const receiver = receiverOf(call)
    // Who settles the message says that the file's broker is meant.
    const broker =
      receiver &&
      (brokerOfNode(program, file, receiver, call) ??
        brokersOf(file).find((one) => one !== "redis" && one !== "jobs"))
    const message = assign.targets[0] ? dotted(assign.targets[0]) : ""
    if (!broker || message === "" || !settles(fn, message)) continue
    const at = { start: call.start, end: call.callee.end }
    const { body } = fn
    return {
      broker,
      form: "callback",
      file,
      body: body!,
      fn,
      at,
      receive: call,
      message: [message],
    }
  }
  return null
}

/** `*message.Message` is of watermill, `IncomingMessage` of aio-pika and of Node's HTTP. */
function isOfLibrary(file: File, broker: Broker): boolean {
  if (broker === "broker") return file.unit.imports.some((one) => /watermill/.test(one.module))
  return brokersOf(file).includes(broker)
}

/** Whether a function acknowledges the message that it was given: then nobody else does. */
function settles(fn: Func, message: string): boolean {
  return acknowledgementsIn(fn.body!).some(({ call }) => {
    const receiver = receiverOf(call)
    if (receiver && dotted(receiver) === message) return true
    return call.args.some((arg) => dotted(arg).split(".")[0] === message)
  })
}

/** `select { case msg, ok := <-claim.Messages(): … }` in a loop: each arm that receives from a broker's channel. */
export function selectsOf(program: Program, file: File, fn: Func, loop: Loop): Consumer[] {
  if (file.language !== "go") return []
  const found: Consumer[] = []
  walk(loop.body, (node) => {
    if (node.kind === "function") return false
    if (node.kind !== "select") return undefined
    for (const one of node.cases) {
      const { comm, body } = one
      if (comm?.kind !== "assign" || comm.value?.kind !== "receive") continue
      const broker = brokerOfChannel(program, file, comm.value.channel)
      const message = comm.targets[0] ? dotted(comm.targets[0]) : ""
      if (!broker || message === "" || message === "_") continue
      const at = { start: one.start, end: Math.max(one.start + 1, body.start) }
      found.push({ broker, form: "loop", file, body, fn, at, receive: loop, message: [message] })
    }
    return undefined
  })
  return found
}

/** Channels that libraries hand out: sarama's claims, the deliveries of `Consume`. */
function brokerOfChannel(program: Program, file: File, channel: Node): Broker | null {
  if (dotted(channel).endsWith("claim.Messages()")) return "kafka"
  if (!brokersOf(file).includes("amqp")) return null
  const made = definitionsOf(program, file, channel)
  return made.some(
    ({ value }) => value?.kind === "call" && /^Consume(?:WithContext)?$/.test(value.name),
  )
    ? "amqp"
    : null
}
