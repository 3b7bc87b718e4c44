/** Where messages are handed to a broker, whatever the client: Kafka, RabbitMQ, SQS, SNS, NATS, Pub/Sub, job queues. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { type Broker, brokerOfNode, brokersOf } from "./brokers.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import type { Reached } from "../program/reached.ts"
import { resolveCall, typeOf } from "../program/resolve.ts"

export interface Publishing {
  readonly broker: Broker
  readonly file: File
  /** The call, or Go's `producer.Input() <- message`. */
  readonly node: Node
  /** What the message goes to, as far as the first arguments tell. */
  readonly args: readonly Node[]
}

/** Names that only clients of brokers have. */
const ALWAYS: ReadonlyMap<string, Broker> = new Map(
  Object.entries<Broker>({
    convertAndSend: "amqp",
    basicPublish: "amqp",
    basic_publish: "amqp",
    sendToQueue: "amqp",
    PublishWithContext: "amqp",
    PublishWithDeferredConfirm: "amqp",
    PublishWithDeferredConfirmWithContext: "amqp",
    send_and_wait: "kafka",
    WriteMessages: "kafka",
    ProduceSync: "kafka",
    TryProduce: "kafka",
    send_message_batch: "sqs",
    apply_async: "jobs",
    send_task: "jobs",
  }),
)

const VERB =
  /^(?:send|publish|produce|emit|xadd|put_?(?:records?|events?)|PutRecords?|PutEvents|Put|Send|Publish|Produce|XAdd)(?:Async|Sync|Batch|Messages?|_messages?|Msg|Events?|_events?|_async|Record|MessageAsync|DefaultAsync|WithContext|_message_batch)?$/

/** Command objects of the AWS SDK. */
const COMMANDS: ReadonlyMap<string, Broker> = new Map(
  Object.entries<Broker>({
    SendMessageCommand: "sqs",
    SendMessageBatchCommand: "sqs",
    PublishCommand: "sns",
    PublishBatchCommand: "sns",
    PutEventsCommand: "eventbridge",
    PutRecordCommand: "kinesis",
    PutRecordsCommand: "kinesis",
  }),
)

/** Names that may mean anything until the file imports a broker's library. */
const WEAK =
  /^(?:channel|ch|chan|topic|client|writer|queue|exchange|template|publisher|producer|prod|nc|js|cl|bus|conn|session)$/

/** What sends, but never to a broker. */
const NOT_BROKER =
  /mail|smtp|socket|\bws\b|\bres\b|response|reply|emitter|applicationEvent|domainEventPublisher|dispatcher|mediator|http|axios|telegram|slack|webhook|fetch|request|notifier|logger|ipc|window|process|port|sse|stream\.write|sms|push/i

const MEMO = Symbol("publishing of a call")

/** What a node itself hands to a broker; null for anything else. */
export function publishingOf(program: Program, file: File, node: Node): Publishing | null {
  if (node.kind === "send") {
    const { channel } = node
    return channel.kind === "call" && channel.name === "Input"
      ? { broker: "kafka", file, node, args: [node.value] }
      : null
  }
  if (node.kind !== "call") return null
  return program.memo<Call, Publishing | null>(MEMO, node, null, () => {
    const broker = brokerOfCall(program, file, node)
    return broker && { broker, file, node, args: node.args }
  })
}

function brokerOfCall(program: Program, file: File, call: Call): Broker | null {
  const receiver = receiverOf(call)
  if (!receiver) return null
  const always = ALWAYS.get(call.name)
  if (always) {
    if (call.name === "convertAndSend" && /redis/i.test(dotted(receiver))) return null
    return always === "amqp" ? (brokerOfNode(program, file, receiver, call) ?? always) : always
  }
  const command = call.args[0]
  if (call.name === "send" && command?.kind === "call" && command.isNew) {
    const known = COMMANDS.get(command.name)
    if (known) return known
  }
  if (call.name === "delay" && file.language === "python")
    return receiver.kind === "name" && call.args.length > 0 ? "jobs" : null
  // Spring's `redisTemplate.opsForStream().add(record)`
  if (call.name === "add" && receiver.kind === "call" && receiver.name === "opsForStream")
    return "redis"
  if (/^(?:add|addBulk)$/.test(call.name)) return queuedBy(file, receiver, call)
  if (!VERB.test(call.name) || NOT_BROKER.test(dotted(receiver))) return null
  if (isNoMessage(call)) return null
  const broker = brokerOfNode(program, file, receiver, call)
  if (/^(?:redis)$/.test(broker ?? "")) return null
  if (broker) return broker
  const last = wordsOf(dotted(receiver)).at(-1) ?? ""
  if (!WEAK.test(last)) return null
  // Spring's and others' events within the process.
  if (
    /^(?:Application|Domain)?Event(?:Publisher|Bus|Emitter)$|Mediator/.test(
      typeOf(program, file, receiver, call) ?? "",
    )
  )
    return null
  // Redis' own publish reaches only who listens at the moment: no message that could be owed.
  const imported = brokersOf(file).find((one) => one !== "jobs" && one !== "redis")
  if (imported && call.name === "send" && last === "client") return null
  if (imported) return imported
  return /^X[Aa]dd$|^xadd$/.test(call.name) ? "redis" : null
}

/** What is given a transaction is written in it; what is given nothing tells of itself: gauges, a registry. */
function isNoMessage(call: Call): boolean {
  if (call.args.length === 0) return /^[pP]ublish$/.test(call.name)
  return call.args.some((arg) =>
    /^(?:tx|txn)$|(?:^|\.)\w*(?:Tx|Txn|[tT]ransaction)(?:\(\))?$/.test(dotted(arg)),
  )
}

/** `queue.add("charge", data)` of BullMQ. */
function queuedBy(file: File, receiver: Node, call: Call): Broker | null {
  if (call.args.length === 0 || !/queue$/i.test(dotted(receiver))) return null
  return brokersOf(file).includes("jobs") ? "jobs" : null
}

/**
 * What a function that publishes is called, or what it is called on. Only these are followed: looking into every call
 * of a large program costs more than all rules together.
 */
const HINTS =
  /publish|send|sent|emit|produc|notif|announce|dispatch|enqueue|forward|event|messag|fire|raise|broadcast|kafka|rabbit|queue|topic|stream|broker|bus|sns|sqs|nats/i

/** One table for each number of steps. */
const REACH = [0, 1, 2, 3].map((steps) => Symbol(`publishings of a function, ${steps} steps`))

/** Every publishing in some code and in what it calls, up to this many calls deep. */
export function publishingsWithin(
  program: Program,
  file: File,
  root: Node,
  depth = 2,
): readonly Reached<Publishing>[] {
  const found: Reached<Publishing>[] = []
  walk(root, (node) => {
    if (node.kind !== "call" && node.kind !== "send") return undefined
    const own = publishingOf(program, file, node)
    if (own) found.push({ from: node, what: own, depth: 0 })
    else if (
      node.kind === "call" &&
      depth > 0 &&
      HINTS.test(dotted(node.callee)) &&
      !(VERB.test(node.name) && isNoMessage(node))
    ) {
      for (const target of resolveCall(program, file, node)) {
        const [first] = within(program, target.file, target.fn, depth - 1)
        if (first) found.push({ from: node, what: first.what, depth: first.depth + 1 })
      }
    }
    return undefined
  })
  return found
}

function within(
  program: Program,
  file: File,
  fn: Func,
  depth: number,
): readonly Reached<Publishing>[] {
  if (!fn.body) return []
  return program.memo<Func, readonly Reached<Publishing>[]>(REACH[depth]!, fn, [], () =>
    publishingsWithin(program, file, fn.body!, depth),
  )
}
