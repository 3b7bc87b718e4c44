/**
 * Where messages of a broker are received: callbacks, listeners with annotations, and loops that poll. What runs for
 * each message is the body; whether its broker takes the message back by itself is for `acknowledgements.ts`.
 */
import { walk } from "../../ir/children.ts"
import type { Block, Call, Func, Loop, Node } from "../../ir/nodes.ts"
import { type Broker, brokerOfName, brokerOfNode, brokersOf, usesKafka } from "./brokers.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { argNamed, dotted, receiverOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { consumer, listenerOf } from "./listeners.ts"
import { resolveFunction } from "../program/resolve.ts"
import { fetchedBy, selectsOf, typedConsumerOf } from "./typedConsumers.ts"

export interface Consumer {
  readonly broker: Broker
  readonly form: "callback" | "listener" | "loop"
  /** The file of the body; another than the one asked about for callbacks that are passed by name. */
  readonly file: File
  /** What runs for each message. */
  readonly body: Block
  readonly fn: Func | null
  /** Where it begins, to be shown, in the file that was asked about. */
  readonly at: { readonly start: number; readonly end: number }
  /** The call or loop that receives. */
  readonly receive: Node
  /** Names that the message has in the body. */
  readonly message: readonly string[]
}

const CONSUMERS = Symbol("consumers of a file")

/** Every consumer that a file sets up, in the order of the text. */
export function consumersOf(program: Program, file: File): readonly Consumer[] {
  return program.memo<File, readonly Consumer[]>(CONSUMERS, file, [], () => {
    const found = [
      ...file.functions.flatMap((fn) => listenerOf(file, fn) ?? []),
      ...file.calls.flatMap((call) => callbacksOf(program, file, call)),
      ...file.objects.flatMap((object) => propertiesOf(program, file, object)),
      ...file.functions.flatMap((fn) => loopsOf(program, file, fn)),
      ...file.functions.flatMap((fn) => typedConsumerOf(file, fn) ?? []),
      ...file.functions.flatMap((fn) => fetchedBy(program, file, fn) ?? []),
    ]
    const seen = new Set<Node>()
    return found
      .filter((one) => !seen.has(one.body) && seen.add(one.body))
      .sort((a, b) => a.at.start - b.at.start)
  })
}

// --- callbacks ---------------------------------------------------------------------------------------------------

/** Calls that take a callback for messages when they are made on a broker's client. */
const SUBSCRIBES =
  /^(?:subscribe|Subscribe|QueueSubscribe|SubscribeAsync|PullSubscribe|consume|Consume|basic_consume|basicConsume|receive|Receive|process|consumeMessages|consume_messages|onMessage|addListener|listen|handle|on|startConsumer|subscribeAndConsume|consumer|registerConsumer|setMessageListener|ConsumeClaim|simpleConsume)$/
const MESSAGE_EVENT = /^(?:message|data|msg|messageReceived|record)$/

function callbacksOf(program: Program, file: File, call: Call): Consumer[] {
  const receiver = receiverOf(call)
  if (call.isNew && /^Worker$/.test(call.name) && brokersOf(file).includes("jobs"))
    return fromArguments(program, file, call, "jobs", call.args.slice(1))
  // watermill's router
  if (
    /^Add(?:NoPublisher|Consumer)?Handler$/.test(call.name) &&
    file.unit.imports.some((one) => one.module.includes("watermill"))
  )
    return fromArguments(program, file, call, "broker", call.args.slice(-1))
  if (!SUBSCRIBES.test(call.name) || !receiver) return []
  const args = [...call.args, ...namedCallbacks(call)]
  if (call.name === "on") {
    const event = call.args[0]
    if (event?.kind !== "string" || !MESSAGE_EVENT.test(event.value)) return []
    if (/socket|\bws\b|process|client|window|port|worker|redis|\bsub\b/i.test(dotted(receiver)))
      return []
    if (!/consumer|subscription|kafka/i.test(dotted(receiver))) return []
  }
  const broker = brokerOfReceiver(program, file, receiver, call)
  if (!broker || (broker === "jobs" && call.name !== "process")) return []
  return fromArguments(program, file, call, broker, args)
}

function namedCallbacks(call: Call): Node[] {
  const named = argNamed(
    call,
    "on_message_callback",
    "callback",
    "cb",
    "handler",
    "onMessage",
    "on_message",
  )
  return named ? [named] : []
}

/** The broker of `channel.consume(…)`, `nc.Subscribe(…)`, `sub.Receive(…)`: by its name or by what the file imports. */
function brokerOfReceiver(program: Program, file: File, receiver: Node, at: Call): Broker | null {
  const known = brokerOfNode(program, file, receiver, at)
  if (known) return known
  const imported = brokersOf(file).filter((one) => one !== "redis")
  const words = wordsOf(dotted(receiver))
  const isWeak = words.some((word) =>
    /^(?:channel|ch|chan|consumer|subscription|sub|subscriber|queue|nc|js|conn|client|worker|reader|q)$/.test(
      word,
    ),
  )
  return isWeak ? (imported[0] ?? null) : null
}

function fromArguments(
  program: Program,
  file: File,
  call: Call,
  broker: Broker,
  args: readonly Node[],
): Consumer[] {
  for (const arg of args) {
    if (
      arg.kind !== "lambda" &&
      arg.kind !== "name" &&
      arg.kind !== "member" &&
      arg.kind !== "call"
    )
      continue
    // The first function with a message to take; a second one is for failures.
    for (const target of resolveFunction(program, file, arg)) {
      const { fn } = target
      if (!fn.body || fn.params.length === 0) continue
      const isHere = target.file === file
      const at = isHere ? headOf(fn) : call
      return [consumer(target.file, fn, broker, "callback", at, call)]
    }
  }
  return []
}

function headOf(fn: Func): { start: number; end: number } {
  return { start: fn.start, end: Math.max(fn.start + 1, fn.body?.start ?? fn.end) }
}

/** `{ eachMessage: async ({ message }) => … }`, `{ handleMessage }`. */
function propertiesOf(program: Program, file: File, object: Node & { kind: "object" }): Consumer[] {
  const found: Consumer[] = []
  for (const entry of object.entries) {
    const kafka = /^each(?:Message|Batch)$/.test(entry.key ?? "")
    const sqs = /^handleMessage(?:Batch)?$/.test(entry.key ?? "") && brokersOf(file).includes("sqs")
    if (!kafka && !sqs) continue
    for (const { file: at, fn } of resolveFunction(program, file, entry.value)) {
      if (!fn.body) continue
      const spot = at === file ? headOf(fn) : entry.value
      found.push(consumer(at, fn, kafka ? "kafka" : "sqs", "callback", spot, object))
    }
  }
  return found
}

// --- loops -------------------------------------------------------------------------------------------------------

/** Calls that fetch messages within a loop. */
const POLLS =
  /^(?:poll|Poll|ReadMessage|FetchMessage|PollFetches|PollRecords|getone|getmany|receive_message|receive_messages|ReceiveMessage|receiveMessages?|[dD]equeueMessages|pull|Fetch|NextMsg|xreadgroup|xReadGroup|XReadGroup|readGroup|basic_get|get_message)$/
const STREAMS = /consumer|messages|deliver|subscription|\bmsgs\b|records|stream|queue_iter/i

function loopsOf(program: Program, file: File, fn: Func): Consumer[] {
  const isLikely = brokersOf(file).length > 0 || consumesByType(fn) || usesKafka(program)
  if (!isLikely) return []
  const found: Consumer[] = []
  walk(fn.body!, (node) => {
    // A lambda has a turn of its own.
    if (node.kind === "function") return false
    if (node.kind === "loop") {
      const one = loopOf(program, file, fn, node)
      const all = one ? [one] : selectsOf(program, file, fn, node)
      found.push(...all)
      if (all.length > 0) return false
    }
    return undefined
  })
  return found
}

/** sarama's `ConsumeClaim(session, claim)`. */
function consumesByType(fn: Func): boolean {
  return fn.params.some((param) =>
    /ConsumerGroupClaim|amqp\.Delivery|jetstream\./.test(param.type ?? ""),
  )
}

function loopOf(program: Program, file: File, fn: Func, loop: Loop): Consumer | null {
  const spot = { start: loop.start, end: Math.max(loop.start + 1, loop.body.start) }
  if (loop.form === "each" && loop.iterable) {
    const broker = streamOf(program, file, loop)
    if (!broker) return null
    const message = loop.bindings.flatMap(namesIn)
    return { broker, form: "loop", file, body: loop.body, fn, at: spot, receive: loop, message }
  }
  const poll = pollIn(program, file, loop)
  if (poll) {
    const each = messagesLoop(loop, poll.names)
    if (each) {
      return {
        broker: poll.broker,
        form: "loop",
        file,
        body: each.body,
        fn,
        at: { start: each.start, end: Math.max(each.start + 1, each.body.start) },
        receive: poll.call,
        message: each.bindings.flatMap(namesIn),
      }
    }
    const { broker, call, names } = poll
    return {
      broker,
      form: "loop",
      file,
      body: loop.body,
      fn,
      at: spot,
      receive: call,
      message: names,
    }
  }
  return null
}

/** `async for msg in consumer`, `for d := range msgs`, `for msg := range claim.Messages()`. */
function streamOf(program: Program, file: File, loop: Loop): Broker | null {
  const over = loop.iterable!
  const name = dotted(over)
  if (name.endsWith("claim.Messages()")) return "kafka"
  // Without a library in this file only a name tells.
  const made = brokersOf(file).length > 0 ? definitionsOf(program, file, over) : []
  const sources = [over, ...made.flatMap((one) => one.value ?? [])]
  for (const source of sources) {
    const call = source.kind === "await" ? source.value : source
    if (call.kind !== "call") continue
    const receiver = receiverOf(call)
    const isConsume =
      /^(?:Consume|ConsumeWithContext|consume|iterator|subscribe|Messages|messages)$/.test(
        call.name,
      )
    if (isConsume && receiver) {
      const broker = brokerOfReceiver(program, file, receiver, call)
      if (broker && broker !== "jobs") return broker
    }
    if (/^(?:AIOKafkaConsumer|KafkaConsumer)$/.test(call.name)) return "kafka"
  }
  const known = brokersOf(file).filter((one) => one !== "jobs" && one !== "redis")
  if (!STREAMS.test(name)) return null
  // A consumer that another file has made.
  if (known.length === 0) return /consumer$/i.test(name) && usesKafka(program) ? "kafka" : null
  // Only iterating over a consumer itself waits for messages; a list called `messages` does not.
  if (/consumer$/i.test(name)) return brokerOfName(name) ?? known[0]!
  return loop.isAsync && /subscription|\bsub$|queue_iter|messages$/i.test(name) ? known[0]! : null
}

interface Poll {
  readonly broker: Broker
  readonly call: Call
  readonly names: readonly string[]
}

function pollIn(program: Program, file: File, loop: Loop): Poll | null {
  let found: Poll | null = null
  walk(loop.body, (node) => {
    if (found || node.kind === "function") return false
    const value = node.kind === "assign" ? unwrapped(node.value) : null
    const direct = node.kind === "loop" && node.iterable ? unwrapped(node.iterable) : null
    const call = value ?? direct
    if (call?.kind === "call" && isPoll(call)) {
      const broker = brokerOfPoll(program, file, call)
      if (broker) {
        const targets = node.kind === "assign" ? node.targets : []
        found = { broker, call, names: targets.flatMap(namesIn).filter((name) => name !== "err") }
      }
    }
    return undefined
  })
  return found
}

function unwrapped(node: Node | null): Node | null {
  if (node?.kind === "await") return unwrapped(node.value)
  // `(await sqs.send(command)).Messages ?? []`
  if (node?.kind === "member" && /^(?:Messages|messages|Records)$/.test(node.name))
    return unwrapped(node.object)
  if (node?.kind === "binary" && node.op === "??") return unwrapped(node.left)
  return node
}

function isPoll(call: Call): boolean {
  if (POLLS.test(call.name)) return true
  if (call.name === "consume" && call.args.length > 0) return true
  const [command] = call.args
  return (
    call.name === "send" &&
    command?.kind === "call" &&
    command.isNew === true &&
    command.name === "ReceiveMessageCommand"
  )
}

function brokerOfPoll(program: Program, file: File, call: Call): Broker | null {
  const receiver = receiverOf(call)
  if (!receiver) return null
  if (/receive_?message|dequeue_?messages/i.test(call.name) || call.name === "send") return "sqs"
  if (/^x_?read_?group$/i.test(call.name)) return "redis"
  const known = brokerOfReceiver(program, file, receiver, call)
  if (known) return known
  const own = /consumer|reader|\br$|\bc$|\bcl$/i.test(dotted(receiver))
    ? brokersOf(file).find((one) => one === "kafka" || one === "pulsar" || one === "nats")
    : undefined
  if (own) return own
  const isElsewhere = /consumer$/i.test(dotted(receiver)) && brokersOf(file).length === 0
  return isElsewhere &&
    /^(?:poll|getone|getmany|ReadMessage|FetchMessage|PollFetches)$/.test(call.name) &&
    usesKafka(program)
    ? "kafka"
    : null
}

/** The loop over what a poll brought: `for (record : records)`. */
function messagesLoop(outer: Loop, names: readonly string[]): Loop | null {
  let found: Loop | null = null
  walk(outer.body, (node) => {
    if (found) return false
    if (node.kind === "loop" && node.form === "each" && node.iterable) {
      const over = node.iterable
      let isOfPoll = names.length === 0
      walk(over, (one) => {
        if (one.kind === "name" && names.includes(one.name)) isOfPoll = true
        return !isOfPoll
      })
      // `for tp, batch in records.items(): for msg in batch`
      if (isOfPoll) {
        found = messagesLoop(node, node.bindings.flatMap(namesIn)) ?? node
      }
    }
    return undefined
  })
  return found
}

function namesIn(node: Node): string[] {
  const names: string[] = []
  walk(node, (one) => {
    if (one.kind === "name") names.push(one.name)
    return undefined
  })
  return names.filter((name) => name !== "_")
}
