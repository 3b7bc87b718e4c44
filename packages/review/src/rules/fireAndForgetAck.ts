/** fire-and-forget-ack: the broker is told that a message is done with before it is. */
import {
  acknowledgementOf,
  acknowledgementsIn,
  isAutoAcked,
} from "../analysis/messages/acknowledgements.ts"
import { type Consumer, consumersOf } from "../analysis/messages/consumers.ts"
import {
  ackOf,
  coursesOf,
  derivedNames,
  handedIn,
  mentions,
} from "../analysis/messages/messageCourses.ts"
import { floatingLoops, isJoined, isTold, wholeOf } from "../analysis/messages/leftWork.ts"
import { databaseWritesWithin } from "../analysis/rows/databaseWrites.ts"
import type { File } from "../analysis/program/file.ts"
import { dotted, wordsOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { publishingOf } from "../analysis/messages/publishings.ts"
import { effectsWithin } from "../analysis/effects/repeatedEffects.ts"
import { type Spawn, spawnsIn, workOf } from "../analysis/waits/spawns.ts"
import {
  isEphemeral,
  isTelemetry,
  speaksOfMoney,
  textAround,
} from "../analysis/messages/streams.ts"
import { targetOf } from "../analysis/program/targets.ts"
import { walk } from "../ir/children.ts"
import type { Call, Node, Send } from "../ir/nodes.ts"
import type { Draft, Rule } from "./rule.ts"

const WORK_VERBS = new Set(
  "process handle execute dispatch apply save store persist insert update create book charge settle ship send deliver import index resize convert render run perform consume accept ingest enqueue forward submit write upsert".split(
    " ",
  ),
)

const ON_PURPOSE =
  /at[- ]most[- ]once|ack(?:nowledge)?d? (?:early|first|immediately|up ?front|before)|best[- ]effort|on purpose|intentional/i

export const fireAndForgetAck: Rule = {
  id: "fire-and-forget-ack",
  title: "Acknowledged before it is done",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /[kK]afka|sarama|[aA]mqp|[rR]abbit|pika|[sS]qs|SQS|azqueue|storage[-.]queue|nats|jetstream|[pP]ub[sS]ub|pubsub|[pP]ulsar|Listener|consumer|Consumer|x_?read_?group/i,
  docs: {
    what: "A consumer acknowledges a message, or commits its offset, and only then does the work or hands it on; or it starts the work, or puts it into a queue in memory, without waiting for it, and acknowledges at once.",
    why: "The acknowledgement is what lets the broker forget. When the process dies, is deployed or fails between the acknowledgement and the end of the work, nobody has the message any more.",
    silent: [
      "The acknowledgement comes after the work, or from within what was started.",
      "What was started is waited for before the acknowledgement: a wait group, `gather`, `Promise.all`, `join`.",
      "Nothing but logs and metrics follows the acknowledgement.",
      "The consumer only tails telemetry, or a comment says that losing messages is meant.",
    ],
    reach: {
      sees: [
        "Consumers of Kafka, RabbitMQ, SQS, Azure's storage queues, NATS and JetStream, Pub/Sub, Pulsar (only by Spring's annotation), JMS and Redis streams, whose handler stands in the same file.",
        "Acknowledgements: `ack`, `basicAck`, `acknowledge`, commits of offsets (`commitSync`, `CommitMessages`, `MarkMessage`, `resolveOffset`), deleting from SQS, XACK.",
        "Work on the message after it: rows that are written, messages that are sent, calls to other machines, or a verb of working (`process`, `handle`, `save`, `charge`).",
        "Work that is started and left: `go`, `create_task`, executors, `launch`, promises that nobody awaits, `forEach(async …)`; without an acknowledgement where the client commits by itself (annotated listeners, kafkajs, kafka-python with a group, kafka-go's `ReadMessage`).",
        "A message that is put into a channel or a queue in memory and acknowledged then; and automatic acknowledgement (`noAck`, `auto_ack=True`) of a message that has an effect.",
      ],
      misses: [
        "Files that name no broker, no listener and no consumer: a bare `@Incoming`, `@EventPattern` or `@app.agent`.",
        "Handlers that another file defines.",
        "Background jobs (Celery, BullMQ, RQ, Sidekiq).",
        "An acknowledgement through a function of the repository that only it knows, and consumers of kombu.",
      ],
    },
    fix: "Wait for the work, and acknowledge after it; let failures go to a redelivery or a dead-letter queue.",
    reference: "https://www.rabbitmq.com/docs/confirms",
    examples: {
      go: {
        bad: "for d := range deliveries {\n\td.Ack(false)\n\tbook(ctx, d.Body)\n}",
        good: "for d := range deliveries {\n\tif err := book(ctx, d.Body); err != nil {\n\t\td.Nack(false, false)\n\t\tcontinue\n\t}\n\td.Ack(false)\n}",
      },
      python: {
        bad: "async for msg in consumer:\n    asyncio.create_task(ship(msg))\n    await consumer.commit()",
        good: "async for msg in consumer:\n    await ship(msg)\n    await consumer.commit()",
      },
      typescript: {
        bad: 'channel.consume("orders", (msg) => {\n  void ship(msg)\n  channel.ack(msg)\n})',
        good: 'channel.consume("orders", async (msg) => {\n  await ship(msg)\n  channel.ack(msg)\n})',
      },
      java: {
        bad: '@KafkaListener(topics = "orders")\nvoid onOrder(Order order, Acknowledgment ack) {\n  executor.submit(() -> shipping.ship(order));\n  ack.acknowledge();\n}',
        good: '@KafkaListener(topics = "orders")\nvoid onOrder(Order order, Acknowledgment ack) {\n  shipping.ship(order);\n  ack.acknowledge();\n}',
      },
      kotlin: {
        bad: '@KafkaListener(topics = ["orders"])\nfun onOrder(order: Order, ack: Acknowledgment) {\n  scope.launch { shipping.ship(order) }\n  ack.acknowledge()\n}',
        good: '@KafkaListener(topics = ["orders"])\nfun onOrder(order: Order, ack: Acknowledgment) {\n  shipping.ship(order)\n  ack.acknowledge()\n}',
      },
    },
  },
  check(file, program, report) {
    for (const consumer of consumersOf(program, file)) {
      if (consumer.broker === "jobs" || consumer.file !== file) continue
      if (isTelemetry(file, consumer) || isEphemeral(program, file, consumer)) continue
      const draft =
        early(program, file, consumer) ??
        handedOn(file, consumer) ??
        unawaited(program, file, consumer) ??
        automatic(program, file, consumer)
      if (draft) report(draft)
    }
  },
}

// --- the acknowledgement comes first -----------------------------------------------------------------------------

function early(program: Program, file: File, consumer: Consumer): Draft | null {
  for (const block of coursesOf(consumer.body, consumer.message)) {
    for (const [index, statement] of block.body.entries()) {
      const ack = ackOf(statement)
      if (!ack || ack.call.start < receivedAt(consumer) || isOnPurpose(file, statement)) continue
      const work = workIn(program, file, consumer, block.body.slice(index + 1))
      if (!work) continue
      return draftOf(file, consumer, ack.call, {
        message:
          work.kind === "call"
            ? `the message is acknowledged before \`${dotted(work.callee)}\` has done its work`
            : "the message is acknowledged before it is handed to whoever works on it",
        because: [
          { text: "acknowledged here", at: ack.call },
          { text: "the work comes after it", at: work },
        ],
      })
    }
  }
  return null
}

/** The message is put into a queue of this process's own, and acknowledged before anybody has taken it out. */
function handedOn(file: File, consumer: Consumer): Draft | null {
  const names = derivedNames(file, consumer)
  for (const block of coursesOf(consumer.body, consumer.message)) {
    for (const [index, statement] of block.body.entries()) {
      const handed = handedIn(statement, names)
      const ack =
        handed &&
        block.body
          .slice(index + 1)
          .map(ackOf)
          .find((one) => one !== null)
      if (!handed || !ack || isOnPurpose(file, statement)) continue
      return draftOf(file, consumer, handed, {
        message:
          "the message is acknowledged when it was put into a queue in memory, not when it is done",
        because: [
          { text: "put into a queue of this process here", at: handed },
          { text: "acknowledged here", at: ack.call },
        ],
      })
    }
  }
  return null
}

function receivedAt(consumer: Consumer): number {
  return consumer.form === "loop" &&
    consumer.receive.kind === "call" &&
    consumer.receive.start >= consumer.body.start
    ? consumer.receive.end
    : consumer.body.start
}

/** The first call or send among some statements that does what the message asks for. */
function workIn(
  program: Program,
  file: File,
  consumer: Consumer,
  statements: readonly Node[],
): Call | Send | null {
  const names = derivedNames(file, consumer)
  let found: Call | Send | null = null
  for (const statement of statements) {
    walk(statement, (node) => {
      if (found) return false
      if (node.kind === "call" && isWork(program, file, node, names)) found = node
      // `h.work <- message`
      if (node.kind === "send" && mentions(node.value, names)) found = node
      return undefined
    })
  }
  return found
}

function isWork(program: Program, file: File, call: Call, names: ReadonlySet<string>): boolean {
  if (acknowledgementOf(call) || isNoWork(call)) return false
  const usesMessage = call.args.some((arg) => mentions(arg, names))
  if (!usesMessage) return false
  if (WORK_VERBS.has(wordsOf(call.name)[0] ?? "")) return true
  return (
    publishingOf(program, file, call) !== null ||
    databaseWritesWithin(program, file, call, 2).length > 0 ||
    targetOf(program, file, call, 2) === "remote"
  )
}

function isNoWork(call: Call): boolean {
  return (
    /^(?:\w*log\w*|print|println|printf|info|debug|warn\w*|error|trace|exception|parse\w*|decode\w*|toString|format|sleep|close|cancel|stop|push|append|add|emit|observe|inc|record\w*|get|set|put|lookup|find\w*|validate\w*|unmarshal\w*|notify\w*|handleError|executeCommand)$/i.test(
      call.name,
    ) ||
    /(?:^|\.)(?:log|logger|logging|console|metrics?|LOG|span|tracer|slog|fmt)(?:\.|$)/.test(
      dotted(call.callee),
    )
  )
}

// --- the work is started and left ----------------------------------------------------------------------------------

function unawaited(program: Program, file: File, consumer: Consumer): Draft | null {
  const names = derivedNames(file, consumer)
  const spawns = [...spawnsIn(program, file, consumer.body), ...floatingLoops(file, consumer.body)]
  for (const spawn of spawns) {
    if (spawn.at.start < receivedAt(consumer) || isOnPurpose(file, spawn.at)) continue
    if (!mentions(spawn.work, names) && !mentions(spawn.at, names)) continue
    if (isTold(program, file, spawn) || isJoined(file, consumer, spawn)) continue
    if (!isSpawnedWork(program, file, spawn, names)) continue
    const ack = acknowledgementsIn(consumer.body).find(
      (one) => one.kind === "ack" && !within(one.call, wholeOf(file, spawn)),
    )
    if (!ack && !commitsByItself(file, consumer)) continue
    if (consumer.form === "listener" && !ack && hasManualAck(consumer)) continue
    return draftOf(file, consumer, spawn.at, {
      message: ack
        ? "the message is acknowledged while the work that was started for it still runs"
        : "the consumer goes on, and its offset is committed, while the work that was started for the message still runs",
      because: [
        { text: "started here and not waited for", at: spawn.at },
        ...(ack ? [{ text: "acknowledged here", at: ack.call }] : []),
      ],
    })
  }
  return null
}

function isSpawnedWork(
  program: Program,
  file: File,
  spawn: Spawn,
  names: ReadonlySet<string>,
): boolean {
  if (holdsWork(program, file, spawn.work, names)) return true
  return workOf(program, file, spawn).some(({ file: at, fn }) => {
    if (!fn.body) return false
    const own = new Set([...names, ...fn.params.flatMap((one) => [one.name, ...(one.names ?? [])])])
    return (
      WORK_VERBS.has(wordsOf(fn.name)[0] ?? "") ||
      holdsWork(program, at, fn.body, own) ||
      databaseWritesWithin(program, at, fn.body, 1).length > 0 ||
      effectsWithin(program, at, fn.body, 1).length > 0
    )
  })
}

function holdsWork(program: Program, file: File, root: Node, names: ReadonlySet<string>): boolean {
  let found = false
  walk(root, (node) => {
    if (node.kind === "call") found ||= isWork(program, file, node, names)
    return !found
  })
  return found
}

/** Clients that take a callback's end, or the next round of a loop, for the end of the work. */
function commitsByItself(file: File, consumer: Consumer): boolean {
  if (consumer.form === "listener") return true
  if (consumer.broker !== "kafka") return false
  if (consumer.form === "callback") return consumer.receive.kind === "object"
  if (
    /enable[._]auto[._]commit["']?\s*[:=,]\s*["']?(?:False|false)|DisableAutoCommit|ENABLE_AUTO_COMMIT_CONFIG,\s*"?false/.test(
      file.text,
    )
  )
    return false
  return file.language === "python"
    ? /group_id|group\.id/.test(file.text)
    : consumer.receive.kind === "call" &&
        consumer.receive.name === "ReadMessage" &&
        /GroupID/.test(file.text)
}

function hasManualAck(consumer: Consumer): boolean {
  return (
    consumer.fn?.params.some((param) =>
      /Acknowledgment|Acknowledgement|Channel/.test(param.type ?? ""),
    ) ?? false
  )
}

function within(inner: Node, outer: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}

// --- the broker forgets what it has sent ---------------------------------------------------------------------------

function automatic(program: Program, file: File, consumer: Consumer): Draft | null {
  const receive = receiveCall(program, file, consumer)
  if (!receive || !isAutoAcked(file, receive) || isOnPurpose(file, receive)) return null
  const [effect] = effectsWithin(program, consumer.file, consumer.body, 2)
  const [write] = databaseWritesWithin(program, consumer.file, consumer.body, 2)
  const at = effect?.at ?? write?.what.call
  if (!at) return null
  return draftOf(file, consumer, receive, {
    message: "the broker forgets each message when it is sent, before it is written anywhere",
    because: [
      { text: "acknowledged automatically", at: { start: receive.start, end: receive.callee.end } },
      { text: "what is lost when this fails", at, file: effect?.file ?? write!.what.file },
    ],
  })
}

/** The call that receives; of a loop over a channel of Go, where the channel comes from. */
function receiveCall(program: Program, file: File, consumer: Consumer): Call | null {
  void program
  if (consumer.receive.kind === "call") return consumer.receive
  if (consumer.receive.kind !== "loop" || consumer.receive.iterable?.kind !== "name") return null
  const { name } = consumer.receive.iterable
  const assign = file.assignments.find(
    (one) =>
      one.targets.some((target) => target.kind === "name" && target.name === name) &&
      one.value?.kind === "call" &&
      one.value.name.startsWith("Consume") &&
      file.methodOf(one) === file.methodOf(consumer.receive),
  )
  return assign?.value?.kind === "call" ? assign.value : null
}

// --- told ----------------------------------------------------------------------------------------------------------

/** A comment just before says that messages may be lost. */
function isOnPurpose(file: File, node: { readonly start: number }): boolean {
  return file.unit.comments.some(
    (one) =>
      one.end <= node.start &&
      node.start - one.end < 120 &&
      ON_PURPOSE.test(file.text.slice(one.start, one.end)),
  )
}

function draftOf(
  file: File,
  consumer: Consumer,
  at: Node,
  told: Pick<Draft, "message"> & { readonly because: NonNullable<Draft["because"]> },
): Draft {
  return {
    at: at.kind === "call" ? { start: at.start, end: Math.max(at.callee.end, at.start + 1) } : at,
    tier: "likely",
    severity: speaksOfMoney(textAround(file, consumer)) ? "high" : "medium",
    message: told.message,
    because: [{ text: "messages are received here", at: consumer.at }, ...told.because],
    checked: [
      "what was started is not waited for, and does not acknowledge by itself",
      "the stream is no telemetry, and no comment says that losing messages is meant",
    ],
  }
}
