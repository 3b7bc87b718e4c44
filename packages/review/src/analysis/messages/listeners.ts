/** Methods that a library calls for each message: by their annotations, or by what they override. */
import type { Func, Node } from "../../ir/nodes.ts"
import { type Broker, brokersOf } from "./brokers.ts"
import type { Consumer } from "./consumers.ts"
import type { File } from "../program/file.ts"

const LISTENERS: readonly (readonly [RegExp, Broker])[] = [
  [/^(?:KafkaListener|KafkaHandler|Topic)$/, "kafka"],
  [/^(?:RabbitListener|RabbitHandler|RabbitSubscribe|RabbitRPC)$/, "amqp"],
  [/^(?:SqsListener|SqsMessageHandler)$/, "sqs"],
  [/^(?:JmsListener)$/, "jms"],
  [/^(?:NatsListener|NatsSubscribe)$/, "nats"],
  [/^(?:PulsarListener|PulsarReader)$/, "pulsar"],
  [/^(?:StreamListener|Incoming|EventPattern|ServiceBusListener)$/, "broker"],
  [/(?:broker|kafka|rabbit|nats|stream)\w*\.(?:subscriber|consumer|agent|topic)$/, "broker"],
  [/^app\.agent$/, "kafka"],
]

/** Interfaces and classes of libraries, and the methods of theirs that take a message. */
const OVERRIDES: readonly (readonly [RegExp, RegExp])[] = [
  [/^onMessage$/, /^(?:\w+\.)?(?:\w*MessageListener|RocketMQListener)$/],
  [/^handleDelivery$/, /^(?:\w+\.)?(?:DefaultConsumer|Consumer)$/],
]

/** The consumer that a function is; null for every other function. */
export function listenerOf(file: File, fn: Func): Consumer | null {
  if (!fn.body) return null
  for (const annotation of fn.annotations) {
    const short = annotation.name.split(".").at(-1) ?? ""
    for (const [pattern, broker] of LISTENERS) {
      if (!pattern.test(short) && !pattern.test(annotation.name)) continue
      if (short === "Topic" && !hasClassAnnotation(file, fn, /^KafkaListener$/)) continue
      const at = annotationSpot(fn)
      return consumer(file, fn, broker, "listener", at, fn)
    }
  }
  return overridden(file, fn)
}

/** `class Orders implements MessageListener { void onMessage(…) }`, `class Orders extends DefaultConsumer`. */
function overridden(file: File, fn: Func): Consumer | null {
  const bases = file.classOf(fn)?.bases ?? []
  const [name] =
    OVERRIDES.find(
      ([method, base]) => method.test(fn.name) && bases.some((one) => base.test(one)),
    ) ?? []
  if (!name || fn.params.length === 0) return null
  const broker = brokersOf(file).find((one) => one !== "redis" && one !== "jobs")
  if (!broker) return null
  // What RabbitMQ's own client calls is acknowledged by hand; containers of listeners do it themselves.
  const form = fn.name === "handleDelivery" ? "callback" : "listener"
  return consumer(file, fn, broker, form, annotationSpot(fn), fn)
}

/** The line that names the function, below its annotations. */
function annotationSpot(fn: Func): { start: number; end: number } {
  return { start: fn.nameStart, end: fn.nameStart + fn.name.length }
}

function hasClassAnnotation(file: File, fn: Func, name: RegExp): boolean {
  return file.classOf(fn)?.annotations.some((one) => name.test(one.name)) ?? false
}

/** The consumer whose messages a function takes. */
export function consumer(
  file: File,
  fn: Func,
  broker: Broker,
  form: Consumer["form"],
  at: { readonly start: number; readonly end: number },
  receive: Node,
): Consumer {
  const message = fn.params
    .flatMap((param) => [param.name, ...(param.names ?? [])])
    .filter((name) => name !== "" && !/^(?:self|cls|this|ctx|_|ch|channel)$/.test(name))
  return { broker, form, file, body: fn.body!, fn, at, receive, message }
}
