/** dlq-missing: what a consumer cannot process is logged and gone, or circles for ever. */
import type { Consumer } from "../analysis/messages/consumers.ts"
import { consumersOf } from "../analysis/messages/consumers.ts"
import { type Drop, dropOf } from "../analysis/messages/drops.ts"
import type { File } from "../analysis/program/file.ts"
import type { Program } from "../analysis/program/program.ts"
import {
  isEphemeral,
  isTelemetry,
  speaksOfMoney,
  textAround,
} from "../analysis/messages/streams.ts"
import type { Draft, Rule } from "./rule.ts"

/** Where failed messages are kept: in code, in configuration, in infrastructure. */
const KEPT =
  /\bdlq|_dlq|Dlq\b|DLQ|dead[-_ ]?letter|[dD]eadLetter|\bDLT\b|RetryableTopic|redrive|x-dead-letter|parking[-_]?lot|retry[-_.]topic|retryTopic|poison[-_]?(?:queue|topic)|failed[-_]?(?:messages?|events?)\b|MaxDeliver|max_deliver|delivery[-_]limit/

export const dlqMissing: Rule = {
  id: "dlq-missing",
  title: "No place for messages that fail",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /[kK]afka|sarama|[aA]mqp|[rR]abbit|pika|[sS]qs|SQS|azqueue|storage[-.]queue|nats|jetstream|[pP]ub[sS]ub|pubsub|[pP]ulsar|Listener|consumer|Consumer/,
  docs: {
    what: "A consumer catches every failure of a message, logs it and goes on as if it had been processed, or gives the message back without a limit. Nothing keeps the messages that failed.",
    why: "A message that fails because a database is away for a minute is lost and nobody can replay it; one that can never succeed comes round for ever and holds up what is behind it. Only the log knows, until it is rotated.",
    silent: [
      "The service has a dead-letter queue or topic, a retry topic or a table of failed messages: in code, configuration or infrastructure.",
      "The failure is raised to the broker or its client, or recorded anywhere but in a log.",
      "The consumer only tails telemetry, presence or caches, or reads from the end with a group of its own.",
      "A broker that redelivers gets no acknowledgement for what failed.",
    ],
    reach: {
      sees: [
        "Consumers of Kafka, RabbitMQ, SQS, Azure's storage queues, NATS and JetStream, Pub/Sub, Pulsar (only by Spring's annotation), JMS and Redis streams: by callback, loop, Go's channel, annotation or the message's type.",
        "A catch that only logs, counts or acknowledges, Go's `if err != nil` that does, `.catch(console.error)` and `runCatching { … }.onFailure { … }`: in the handler, around it within its loop, or in the function that it hands the message to.",
        "Attempts that are counted, where the last one ends with a line in the log and an acknowledgement (`if (attempts >= MAX) { log; ack }`).",
        "A nack that puts the message back (`requeue`, `basic_nack`, JetStream's `Nak`) where nothing counts deliveries.",
        "Whether the client takes a failed message as done: Kafka, JMS, Kinesis, annotated listeners, kafkajs and sqs-consumer do; others only where it is acknowledged all the same.",
        "Places for failed messages, by their names in code, configuration and infrastructure of the service: dlq, dead-letter, DLT, redrive, `@RetryableTopic`, retry topics, parking lots, max_deliver, delivery-limit.",
      ],
      misses: [
        "Files that name no broker, no listener and no consumer: a bare `@Incoming`, `@EventPattern` or `@app.agent`, and XREADGROUP.",
        "A dead-letter queue that is set up outside of the repository.",
        "Consumers of kombu, which are given their callbacks in a list.",
        "A call in the failing branch that keeps nothing: all that are no log, metric or acknowledgement are taken for keeping the message.",
        "Background jobs (Celery, BullMQ, RQ, Sidekiq).",
      ],
    },
    fix: "After a bounded number of attempts send the message, with the error, to a dead-letter topic or queue, and only then acknowledge it.",
    reference:
      "https://www.confluent.io/blog/kafka-connect-deep-dive-error-handling-dead-letter-queues/",
    examples: {
      go: {
        bad: 'for msg := range claim.Messages() {\n\tif err := h.ship(ctx, msg.Value); err != nil {\n\t\tlog.Println(err)\n\t}\n\tsession.MarkMessage(msg, "")\n}',
        good: 'for msg := range claim.Messages() {\n\tif err := h.ship(ctx, msg.Value); err != nil {\n\t\tif err := h.deadLetter(ctx, msg, err); err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n\tsession.MarkMessage(msg, "")\n}',
      },
      python: {
        bad: 'async for msg in consumer:\n    try:\n        await ship(msg.value)\n    except Exception:\n        logger.exception("failed")',
        good: 'async for msg in consumer:\n    try:\n        await ship(msg.value)\n    except Exception as error:\n        await producer.send_and_wait("orders.dlq", msg.value, headers=[("error", str(error).encode())])',
      },
      typescript: {
        bad: "await consumer.run({\n  eachMessage: async ({ message }) => {\n    try {\n      await ship(message)\n    } catch (error) {\n      logger.error(error)\n    }\n  },\n})",
        good: 'await consumer.run({\n  eachMessage: async ({ message }) => {\n    try {\n      await ship(message)\n    } catch (error) {\n      await producer.send({ topic: "orders.dlq", messages: [message] })\n    }\n  },\n})',
      },
      java: {
        bad: '@KafkaListener(topics = "orders")\nvoid onOrder(String order) {\n  try {\n    shipping.ship(order);\n  } catch (Exception e) {\n    log.error("failed", e);\n  }\n}',
        good: '@RetryableTopic(attempts = "4")\n@KafkaListener(topics = "orders")\nvoid onOrder(String order) {\n  shipping.ship(order);\n}',
      },
      kotlin: {
        bad: '@KafkaListener(topics = ["orders"])\nfun onOrder(order: String) {\n  try {\n    shipping.ship(order)\n  } catch (e: Exception) {\n    log.error("failed", e)\n  }\n}',
        good: '@RetryableTopic(attempts = "4")\n@KafkaListener(topics = ["orders"])\nfun onOrder(order: String) {\n  shipping.ship(order)\n}',
      },
    },
  },
  check(file, program, report) {
    for (const consumer of consumersOf(program, file)) {
      if (consumer.broker === "jobs" || isTelemetry(file, consumer)) continue
      if (isEphemeral(program, file, consumer)) continue
      const drop = dropOf(program, consumer)
      if (!drop) continue
      if (program.evidence.find(file.path, KEPT, "everywhere", "kept failures", "module")) continue
      report(draftOf(program, file, consumer, drop))
    }
  },
}

function draftOf(program: Program, file: File, consumer: Consumer, drop: Drop): Draft {
  const witness = program.evidence.find(file.path, KEPT, "everywhere", "kept failures")
  // What code of another language does with its failures says nothing of this consumer's.
  const elsewhere =
    witness !== null &&
    !isOfAnotherLanguage(file.path, witness.path) &&
    !isOthersText(file.path, witness.path)
  const isMoney = speaksOfMoney(textAround(file, consumer))
  return {
    at: drop.isLast && !drop.file ? drop.at : consumer.at,
    tier: drop.isParse || elsewhere ? "context" : "likely",
    severity: isMoney ? "high" : "medium",
    message:
      drop.fate === "lost"
        ? `a message that fails ${drop.isLast ? "for the last time " : ""}is logged and taken as processed; nothing keeps it`
        : "a message that fails goes back to its queue without a limit",
    because: [
      { text: "messages are received here", at: consumer.at },
      {
        text:
          drop.fate === "lost"
            ? "the failure ends here, in a log"
            : "the failure ends here, and the message is delivered again",
        at: drop.at,
        file: drop.file ?? consumer.file,
      },
    ],
    checked: [
      "no dead-letter queue, retry topic or table of failed messages in this service's code or configuration",
      "the failure is not raised and not recorded",
      ...(drop.isLast ? [] : ["no count of deliveries"]),
    ],
  }
}

/** What is written about another folder. */
function isOthersText(path: string, other: string): boolean {
  return /\.md$/i.test(other) && !path.startsWith(other.slice(0, other.lastIndexOf("/") + 1))
}

function isOfAnotherLanguage(path: string, other: string): boolean {
  const ending = (name: string): string => /\.(go|py|[cm]?[jt]sx?|java|kt)$/.exec(name)?.[1] ?? ""
  const kind = (name: string): string => ending(name).replace(/^[cm]?[jt]sx?$/, "script")
  return kind(other) !== "" && kind(other) !== kind(path)
}
