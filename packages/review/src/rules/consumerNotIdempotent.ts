/** consumer-not-idempotent: a message that is delivered twice counts twice. */
import { claimWithin } from "../analysis/messages/claims.ts"
import { type Consumer, consumersOf } from "../analysis/messages/consumers.ts"
import { type Effect, effectsWithin } from "../analysis/effects/repeatedEffects.ts"
import type { File } from "../analysis/program/file.ts"
import type { Program } from "../analysis/program/program.ts"
import {
  isEphemeral,
  isTelemetry,
  speaksOfMoney,
  textAround,
} from "../analysis/messages/streams.ts"
import { type Unclaimed, unclaimedIn, webhooksOf } from "../analysis/effects/webhooks.ts"
import type { Draft, Rule } from "./rule.ts"

/** A table of what was processed: somebody thought of it, if perhaps elsewhere. */
const REMEMBERED =
  /(?:processed|consumed|handled)_?(?:messages?|events?|webhooks?)|(?:Processed|Consumed|Handled)(?:Message|Event)|\binbox_?(?:messages?|events?)\b|InboxMessage|idempotent_?consumer|exactly_once/

export const consumerNotIdempotent: Rule = {
  id: "consumer-not-idempotent",
  title: "Consumer that counts a redelivery twice",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /[kK]afka|sarama|[aA]mqp|[rR]abbit|pika|[sS]qs|SQS|azqueue|storage[-.]queue|nats|jetstream|[pP]ub[sS]ub|pubsub|[pP]ulsar|Listener|consumer|Consumer|[wW]ebhook/,
  docs: {
    what: "A consumer of a broker that delivers at least once, or a handler of signed webhooks, adds to a sum, adds rows, moves money or sends mail for each delivery, and nothing asks whether the message was processed before.",
    why: "Brokers deliver again after every rebalance, restart, timeout or lost acknowledgement. The second delivery of the same message credits the wallet or charges the card again.",
    silent: [
      "The message's identity is claimed first: an insert that a unique key may refuse, SETNX, a table of processed messages, in the handler or what it calls.",
      "The effect may be repeated: an upsert, a status set to a constant, a condition on the old state.",
      "The other side gets an idempotency key.",
      "The state of what is changed is looked at, and the handler leaves when it is done already.",
      "The consumer only tails telemetry, presence or caches, or reads with a group of its own.",
      "A table of processed messages is named elsewhere in the service: then it is of tier context.",
    ],
    reach: {
      sees: [
        "Consumers of Kafka, RabbitMQ, SQS, NATS and JetStream, Pub/Sub, Pulsar (only by Spring's annotation), JMS and Redis streams: callbacks, polling loops, Go's channels, and functions that take a message by its type and acknowledge it.",
        "Listeners by annotation (`@KafkaListener`, `@RabbitListener`, `@SqsListener`, `@JmsListener`, `@PulsarListener`, `@StreamListener`, Micronaut's `@Topic`, `@Incoming`, Nest's `@EventPattern`, FastStream's and Faust's decorators), and classes that are a MessageListener (also RocketMQ's beside another broker) or extend DefaultConsumer.",
        "Effects in the handler and up to two calls deep: a sum that changes (`balance += x`, `SET n = n + 1`, `increment`), a row that is added to a table named after money, orders or bookings or with a random id, calls that move money (Stripe, PayPal, Adyen, Braintree, wallets), mail and SMS.",
        "Claims in the handler and up to two calls deep: names such as `alreadyProcessed` or `dedupe`, NX, upserts, a caught violation of a unique key, a look at the state before the work.",
      ],
      misses: [
        "Files that name no broker, no listener and no consumer: a bare `@Incoming`, `@EventPattern` or `@app.agent`, and XREADGROUP.",
        "Background jobs (Celery, BullMQ, RQ, Sidekiq): they are tried again by other means.",
        "Unique keys that only the database knows: a repeated insert that it would refuse is reported all the same.",
        "Effects behind an interface that nothing in the repository implements, under names that say nothing of them; in Go verbs of money such as `Charge`.",
        "Consumers of kombu, which are given their callbacks in a list.",
      ],
    },
    fix: "Insert the message's identity into a table with a unique key, in the same transaction as the effect, and leave when it is there already.",
    reference: "https://microservices.io/patterns/communication-style/idempotent-consumer.html",
    examples: {
      go: {
        bad: 'for msg := range claim.Messages() {\n\tdb.Exec("UPDATE wallets SET balance = balance + $1 WHERE id = $2", amount, id)\n\tsession.MarkMessage(msg, "")\n}',
        good: 'for msg := range claim.Messages() {\n\ttx.Exec("INSERT INTO processed_messages (id) VALUES ($1)", messageID)\n\ttx.Exec("UPDATE wallets SET balance = balance + $1 WHERE id = $2", amount, id)\n\ttx.Commit()\n\tsession.MarkMessage(msg, "")\n}',
      },
      python: {
        bad: 'async for msg in consumer:\n    await db.execute("UPDATE wallets SET balance = balance + $1 WHERE id = $2", amount, wallet)',
        good: 'async for msg in consumer:\n    async with db.transaction():\n        if await already_processed(db, msg.key):\n            continue\n        await db.execute("UPDATE wallets SET balance = balance + $1 WHERE id = $2", amount, wallet)',
      },
      typescript: {
        bad: "eachMessage: async ({ message }) => {\n  await stripe.charges.create({ amount, customer })\n}",
        good: "eachMessage: async ({ message }) => {\n  await stripe.charges.create({ amount, customer }, { idempotencyKey: String(message.key) })\n}",
      },
      java: {
        bad: '@KafkaListener(topics = "payments")\nvoid onPayment(Payment p) {\n  account.setBalance(account.getBalance().add(p.amount()));\n  accounts.save(account);\n}',
        good: '@KafkaListener(topics = "payments")\n@Transactional\nvoid onPayment(Payment p) {\n  if (processedMessages.existsById(p.id())) return;\n  processedMessages.save(new ProcessedMessage(p.id()));\n  account.setBalance(account.getBalance().add(p.amount()));\n}',
      },
      kotlin: {
        bad: '@KafkaListener(topics = ["payments"])\nfun onPayment(p: Payment) {\n  account.balance += p.amount\n  accounts.save(account)\n}',
        good: '@KafkaListener(topics = ["payments"])\n@Transactional\nfun onPayment(p: Payment) {\n  if (processedMessages.existsById(p.id)) return\n  processedMessages.save(ProcessedMessage(p.id))\n  account.balance += p.amount\n}',
      },
    },
  },
  check(file, program, report) {
    for (const webhook of webhooksOf(program, file)) {
      const found = unclaimedIn(program, webhook)
      if (found)
        report({
          ...draftOf(program, file, webhook, found.effect),
          ...webhookWords(webhook, found),
        })
    }
    for (const consumer of consumersOf(program, file)) {
      if (consumer.broker === "jobs" || isTelemetry(file, consumer)) continue
      if (isEphemeral(program, file, consumer)) continue
      const effect = effectOf(program, file, consumer)
      if (!effect || claimWithin(program, consumer.file, consumer.body)) continue
      report(draftOf(program, file, consumer, effect))
    }
  },
}

function webhookWords({ at }: Consumer, { at: call, effect }: Unclaimed): Partial<Draft> {
  return {
    at: call,
    message: `a webhook that is sent again is acted on again: ${effect.shown}`,
    because: [
      { text: "signed events arrive here; the sender repeats one until it is answered", at },
      { text: effect.shown, at: effect.at, file: effect.file },
    ],
  }
}

function effectOf(program: Program, file: File, consumer: Consumer): Effect | null {
  const effects = effectsWithin(program, consumer.file, consumer.body)
  const own = effects.filter((one) => one.kind !== "handlers")
  const strong = own.find((one) => one.kind !== "row") ?? own[0]
  if (strong) return strong
  // Handlers of others are known only by what they are registered for.
  const dispatch = effects[0]
  return dispatch && speaksOfMoney(file.text) && resendsAll(consumer) ? dispatch : null
}

/** The handler passes messages on and says that they are not to be compared with earlier ones. */
function resendsAll(consumer: Consumer): boolean {
  return /dedup\w*["']?\s*[:=]\s*(?:false|False)|payment|escrow|refund|charge/i.test(
    consumer.file.text,
  )
}

function draftOf(program: Program, file: File, consumer: Consumer, effect: Effect): Draft {
  const remembered = program.evidence.find(
    file.path,
    REMEMBERED,
    "everywhere",
    "processed messages",
    "module",
  )
  const isMoney =
    effect.kind === "money" || speaksOfMoney(`${textAround(file, consumer)} ${effect.shown}`)
  return {
    at: consumer.at,
    tier: remembered ? "context" : "likely",
    severity: isMoney ? "high" : "medium",
    message: `a message that is delivered again is processed again: ${effect.shown}`,
    because: [
      { text: "messages are received here, each at least once", at: consumer.at },
      { text: effect.shown, at: effect.at, file: effect.file },
    ],
    checked: [
      "no claim on the message's identity in the handler or in what it calls",
      "no upsert, unique key or condition on the old state that makes the effect happen once",
      "no table of processed messages in this service",
    ],
  }
}
