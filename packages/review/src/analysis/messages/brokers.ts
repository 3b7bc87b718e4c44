/** Which message broker a name, a type or an import speaks of. */
import type { Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { question } from "../program/question.ts"
import { typeOf } from "../program/resolve.ts"

/** `jobs` are queues of background work (Celery, BullMQ); `aws` covers what needs the command to tell. */
export type Broker =
  | "kafka"
  | "amqp"
  | "sqs"
  | "sns"
  | "eventbridge"
  | "kinesis"
  | "nats"
  | "pubsub"
  | "redis"
  | "pulsar"
  | "jms"
  | "jobs"
  | "broker"

/** Words that name a broker wherever they stand. */
const WORDS: ReadonlyMap<string, Broker> = new Map(
  Object.entries<Broker>({
    kafka: "kafka",
    kafkatemplate: "kafka",
    sarama: "kafka",
    producer: "kafka",
    redpanda: "kafka",
    rabbit: "amqp",
    rabbitmq: "amqp",
    rabbittemplate: "amqp",
    amqp: "amqp",
    amqptemplate: "amqp",
    sqs: "sqs",
    sns: "sns",
    eventbridge: "eventbridge",
    kinesis: "kinesis",
    nats: "nats",
    jetstream: "nats",
    pubsub: "pubsub",
    pulsar: "pulsar",
    jms: "jms",
    jmstemplate: "jms",
    streambridge: "broker",
    servicebus: "broker",
    eventhub: "broker",
    rocketmq: "broker",
    mq: "broker",
    broker: "broker",
  }),
)

/** Libraries, by the module that they are imported from. */
const LIBRARIES: readonly (readonly [RegExp, Broker])[] = [
  [/kafka|sarama|franz-go|node-rdkafka|confluent|faust|goka|watermill-kafka/i, "kafka"],
  [/amqp|rabbit|pika|kombu|lapin/i, "amqp"],
  // Azure's storage queues hide and delete messages as SQS does.
  [/\bsqs\b|client-sqs|SqsClient|sqs-consumer|awspring|azqueue|storage[-.]queue/i, "sqs"],
  [/\bsns\b|client-sns/i, "sns"],
  [/eventbridge/i, "eventbridge"],
  [/kinesis/i, "kinesis"],
  [/\bnats\b|nats\.go|nats\.io|jetstream/i, "nats"],
  [/pubsub|pub_sub/i, "pubsub"],
  [/pulsar/i, "pulsar"],
  [/\bjms\b|activemq|artemis/i, "jms"],
  [/bullmq|\bbull\b|celery|dramatiq|\brq\b|asynq|sidekiq/i, "jobs"],
  [/redis/i, "redis"],
]

/** The brokers whose libraries a file imports, in the order of the list above. */
export function brokersOf(file: File): readonly Broker[] {
  const known = BROKERS.get(file)
  if (known) return known
  const found = LIBRARIES.filter(([pattern]) =>
    file.unit.imports.some((one) => pattern.test(one.module) || pattern.test(one.name)),
  ).map(([, broker]) => broker)
  const requires = file.calls.flatMap((call) =>
    call.name === "require" && call.args[0]?.kind === "string" ? [call.args[0].value] : [],
  )
  for (const [pattern, broker] of LIBRARIES) {
    if (!found.includes(broker) && requires.some((one) => pattern.test(one))) found.push(broker)
  }
  // The clouds' libraries hold every service; the text tells which.
  if (
    file.unit.imports.some((one) =>
      /^(?:boto3|aiobotocore|aioboto3|aws-sdk|@aws-sdk)/.test(one.module),
    )
  ) {
    for (const service of ["sqs", "sns", "kinesis"] as const) {
      if (!found.includes(service) && new RegExp(`\\b${service}`, "i").test(file.text))
        found.push(service)
    }
  }
  BROKERS.set(file, found)
  return found
}

const BROKERS = new WeakMap<File, readonly Broker[]>()

/** The broker that a name speaks of by itself, `kafkaProducer`, `this.sqs`. */
export function brokerOfName(name: string): Broker | null {
  const words = wordsOf(name)
  for (const word of words) {
    const broker = WORDS.get(word)
    if (broker && broker !== "kafka") return broker
  }
  return words.some((word) => WORDS.get(word) === "kafka") ? "kafka" : null
}

/** The broker that an expression is of, by its name, then by its declared type. */
export function brokerOfNode(program: Program, file: File, node: Node, at: Node): Broker | null {
  const named = brokerOfName(dotted(node))
  if (named && !(named === "kafka" && !/kafka|sarama/i.test(dotted(node)))) return named
  const type = typeOf(program, file, node, at)
  // NestJS hides its brokers behind a proxy.
  if (type && /^Client(?:Proxy|RMQ|Nats|Kafka)/.test(type))
    return /Kafka/.test(type) ? "kafka" : "broker"
  const typed = type ? brokerOfName(type) : null
  if (typed) return typed
  // `producer` alone is a producer of whatever the file imports.
  if (named) return brokersOf(file).find((one) => one !== "redis" && one !== "jobs") ?? named
  return null
}

const ANYWHERE = question("brokers of a program", (program) =>
  program.sources.some(
    (source) =>
      source.summary.imports.some((one) =>
        LIBRARIES.some(([pattern]) => pattern.test(one.module) || pattern.test(one.name)),
      ) ||
      /require\(["'](?:kafka|amqp|nats|@aws-sdk|aws-sdk|@google-cloud)|boto3/.test(source.text),
  ),
)

/** Whether any file of a program imports a broker's library: without one nothing can be published. */
export function hasBroker(program: Program): boolean {
  return program.ask(ANYWHERE, "")
}

const KAFKA = question("whether a program uses Kafka", (program) =>
  program.sources.some(
    (source) =>
      !source.isTest && source.summary.imports.some((one) => LIBRARIES[0]![0].test(one.module)),
  ),
)

/** Whether any file imports a client of Kafka: a consumer may be made in one file and looped over in another. */
export function usesKafka(program: Program): boolean {
  return program.ask(KAFKA, "")
}
