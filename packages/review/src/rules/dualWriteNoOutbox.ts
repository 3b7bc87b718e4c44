/** dual-write-no-outbox: a row is written and a message is sent, and a crash between the two keeps only one. */
import { hasBroker } from "../analysis/messages/brokers.ts"
import { consumersOf } from "../analysis/messages/consumers.ts"
import { type DatabaseWrite, databaseWritesWithin } from "../analysis/rows/databaseWrites.ts"
import type { File } from "../analysis/program/file.ts"
import { dotted, receiverOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { type Publishing, publishingsWithin } from "../analysis/messages/publishings.ts"
import type { Reached } from "../analysis/program/reached.ts"
import { speaksOfMoney } from "../analysis/messages/streams.ts"
import { transactionAround, transactionOfCallers } from "../analysis/rows/transactionScopes.ts"
import { isExamplePath } from "../files/testPath.ts"
import type { Func, Node } from "../ir/nodes.ts"
import type { Draft, Rule } from "./rule.ts"

/** What an outbox, or a log that is read instead of one, is called. */
const OUTBOX =
  /outbox|event_log\b|debezium|change[-_ ]data[-_ ]capture|transactional[-_]?messag|wal2json|pgoutput|namastack|event_publication\b|jobrunr/i

/** Messages that nobody has to get, and those that only tell of failures. */
const DISPENSABLE =
  /dlq|dead.?letter|metric|telemetry|audit|\blogs?\b|logging|trace|cache|invalidat|heartbeat|retry|analytics|monitor|websocket|typing|presence|parking/i

/** Calls made deep within others are followed this far. */
const WRITE_STEPS = 3
const PUBLISH_STEPS = 3

export const dualWriteNoOutbox: Rule = {
  id: "dual-write-no-outbox",
  title: "Row and message without an outbox",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /[pP]ublish|[eE]mit|[nN]otify|[aA]nnounce|[dD]ispatch|[eE]nqueue|[fF]orward|[pP]roduce|[sS]end|[pP]ut_?[eErR](?:vent|ecord)|WriteMessages|xadd|XAdd|BEFORE_COMMIT|Input\(\) <-|\.add\(|apply_async|delay\(/,
  docs: {
    what: "One function writes to the database and then hands a message to a broker, as two separate steps, or sends the message before its transaction has committed.",
    why: "A crash, a timeout or a broker that is away between the two leaves a row that nobody is told of, or a message about a row that was rolled back. No retry mends it, since nothing remembers that the message is owed.",
    silent: [
      "The service has an outbox table, an event log or change data capture.",
      "The message goes to a dead-letter queue, a cache, metrics, an audit or a log.",
      "Events stay within the process.",
      "The function handles a message itself and fails when sending fails: its own redelivery sends again (tier context).",
    ],
    reach: {
      sees: [
        "Rows and documents that are written, in the function and up to three calls deep: SQL in strings, Prisma, Knex, TypeORM, Sequelize, Mongoose and MongoDB, Django, SQLAlchemy, GORM, JPA and Spring Data, Exposed, sqlc, and repositories, DAOs and stores by their names and types.",
        "Messages that are sent, as deep: Kafka, RabbitMQ, SQS, SNS, EventBridge, Kinesis, NATS, Pub/Sub, Pulsar, JMS and Nest's ClientProxy; beside one of them also Spring Cloud Stream, Service Bus and RocketMQ.",
        "Redis streams by `client.xadd` and Spring's `opsForStream().add`; outside of a transaction they, and job queues (Celery, BullMQ) always, are of tier context.",
        "A row before a message; in a transaction (callback, `with`, annotation, begin and commit) either order; and Spring's TransactionalEventListener before the commit.",
        "What stands in an outbox's place, by its name in the service: outbox, event_log, Debezium, change data capture, wal2json, pgoutput, JobRunr, Spring Modulith's event_publication.",
      ],
      misses: [
        "Redis' own publish, webhooks, calls over HTTP and mail in the place of a message.",
        "A row and a message in two functions of which neither calls the other, and calls deeper than three.",
        "Programs in which no file imports a broker's library.",
      ],
    },
    fix: "Insert the message into an outbox table in the transaction of the row, and let a relay, or change data capture, publish it from there.",
    reference: "https://microservices.io/patterns/data/transactional-outbox.html",
    examples: {
      go: {
        bad: "if err := repo.Save(ctx, order); err != nil {\n\treturn err\n}\nreturn writer.WriteMessages(ctx, kafka.Message{Value: event})",
        good: 'tx.ExecContext(ctx, "INSERT INTO orders …")\ntx.ExecContext(ctx, "INSERT INTO outbox (topic, payload) VALUES ($1, $2)", topic, event)\nreturn tx.Commit()',
      },
      python: {
        bad: 'session.add(order)\nsession.commit()\nproducer.send("orders", event)',
        good: 'session.add(order)\nsession.add(OutboxMessage(topic="orders", payload=event))\nsession.commit()',
      },
      typescript: {
        bad: 'await prisma.order.create({ data })\nawait producer.send({ topic: "orders", messages: [event] })',
        good: 'await prisma.$transaction([\n  prisma.order.create({ data }),\n  prisma.outbox.create({ data: { topic: "orders", payload: event } }),\n])',
      },
      java: {
        bad: '@Transactional\nvoid place(Order order) {\n  orders.save(order);\n  kafkaTemplate.send("orders", event);\n}',
        good: '@Transactional\nvoid place(Order order) {\n  orders.save(order);\n  outbox.save(new OutboxMessage("orders", event));\n}',
      },
      kotlin: {
        bad: 'orderRepository.save(order)\nkafkaTemplate.send("orders", event)',
        good: 'transaction {\n  orderRepository.save(order)\n  outboxRepository.save(OutboxMessage("orders", event))\n}',
      },
    },
  },
  check(file, program, report) {
    if (!hasBroker(program) || isExamplePath(file.path)) return
    const isOutboxed = (): boolean =>
      program.evidence.find(file.path, OUTBOX, "everywhere", "outbox", "module") !== null
    for (const fn of file.functions) {
      if (file.functionOf(fn) !== null && file.methodOf(fn) !== null) continue
      const draft = ofListener(program, file, fn) ?? ofFunction(program, file, fn)
      if (draft && !isOutboxed()) report(draft)
    }
  },
}

interface Pair {
  readonly write: Reached<DatabaseWrite>
  readonly publishing: Reached<Publishing>
  readonly isBeforeCommit: boolean
}

function ofFunction(program: Program, file: File, fn: Func): Draft | null {
  if (!fn.body) return null
  const publishings = publishingsWithin(program, file, fn.body, PUBLISH_STEPS).filter(
    (one) => !isDispensable(file, one),
  )
  if (publishings.length === 0) return null
  const writes = databaseWritesWithin(program, file, fn.body, WRITE_STEPS).filter(
    (one) => !DISPENSABLE.test(one.what.table) && !/lock|session|outbox/i.test(one.what.table),
  )
  const pair = pairOf(file, fn, writes, publishings)
  return pair && draftOf(program, file, fn, pair)
}

function isDispensable(file: File, { from, what }: Reached<Publishing>): boolean {
  const args = what.args
    .filter((arg) => arg.kind !== "lambda")
    .map((arg) => what.file.textOf(arg).slice(0, 160))
    .join(" ")
  const names = `${from.kind === "call" ? dotted(from.callee) : ""} ${what.node.kind === "call" ? dotted(what.node.callee) : ""}`
  if (isInCatch(file, from) || isPutBack(file, from)) return true
  return DISPENSABLE.test(`${names.replaceAll("()", "")} ${args}`)
}

/** `queue.publish(msg)` beside `queue.ack(msg)`: what came is put back where it came from. */
function isPutBack(file: File, node: Node): boolean {
  const fn = file.methodOf(node)
  if (node.kind !== "call" || !fn) return false
  const sent = node.args.map((arg) => file.textOf(arg))
  const on = receiverOf(node)
  return file.calls.some((call) => {
    if (call.start < fn.start || call.end > fn.end || !/^n?ack\w*$/i.test(call.name)) return false
    const other = receiverOf(call)
    return (
      on !== null &&
      other !== null &&
      dotted(on) === dotted(other) &&
      call.args.some((arg) => sent.includes(file.textOf(arg)))
    )
  })
}

/** What is sent when something failed tells of the failure. */
function isInCatch(file: File, node: Node): boolean {
  let inner: Node = node
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "try" && outer.catches.some((one) => one.body === inner)) return true
    if (outer.kind === "function" && !outer.isLambda) return false
    inner = outer
  }
  return false
}

function pairOf(
  file: File,
  fn: Func,
  writes: readonly Reached<DatabaseWrite>[],
  publishings: readonly Reached<Publishing>[],
): Pair | null {
  for (const publishing of publishings) {
    const { from } = publishing
    const others = writes.filter(
      (one) =>
        one.from !== from &&
        unitOf(file, one.from) === unitOf(file, from) &&
        !areExclusive(file, one.from, from),
    )
    const tx = transactionAround(file, fn, from) ?? transactionOfCallers(file, fn)
    const before = others
      .filter((one) => one.from.end <= from.start || holds(one.from, from))
      .at(-1)
    if (before) return { write: before, publishing, isBeforeCommit: tx !== null }
    // Within a transaction the order does not matter: all rows come after the message.
    const after = tx && others.find((one) => one.from.start >= tx.start && one.from.end <= tx.end)
    if (after) return { write: after, publishing, isBeforeCommit: true }
  }
  return null
}

/** `save(order).then(() => publish(order))`: the chain holds both. */
function holds(outer: Node, inner: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end && outer !== inner
}

/** Callbacks that run within their function's course; others (routes, subscriptions) run by themselves. */
const COURSE =
  /transaction|atomic|with|then|finally|^run|execute|span|trace|^use$|retry|inTx|tx$|map|forEach|^let$|^also$|^apply$|each|Promise|async|launch|sync|begin|flatMap|step/i

function unitOf(file: File, node: Node): Func | null {
  let fn = file.functionOf(node)
  for (; fn?.isLambda; fn = file.functionOf(fn)) {
    const lambda = file.parentOf(fn)
    const call = lambda && file.parentOf(lambda)
    if (call?.kind !== "call" || !COURSE.test(call.name)) return fn
  }
  return fn
}

/** Whether two nodes stand in branches of which only one runs. */
function areExclusive(file: File, a: Node, b: Node): boolean {
  const above = new Map<Node, Node>()
  let inner: Node = a
  for (const outer of file.ancestorsOf(a)) {
    above.set(outer, inner)
    inner = outer
  }
  inner = b
  for (const outer of file.ancestorsOf(b)) {
    const other = above.get(outer)
    if (other) {
      if (outer.kind === "if" || outer.kind === "conditional")
        return other !== inner && other !== outer.test && inner !== outer.test
      if (outer.kind === "switch") return other !== inner
      return (
        outer.kind === "try" &&
        outer.catches.some((one) => one.body === inner || one.body === other)
      )
    }
    inner = outer
  }
  return false
}

const AFTER_COMMIT = /after_?commit|on_?commit|registerSynchronization|afterCompletion|on\("commit/i

function draftOf(program: Program, file: File, fn: Func, pair: Pair): Draft {
  const { write, publishing, isBeforeCommit } = pair
  const isConsumer = consumersOf(program, file).some(
    (one) => one.fn === fn || (one.file === file && holds(one.body, publishing.from)),
  )
  // A stream of Redis keeps what it is given: within a transaction it tells of rows that may never be.
  const isJob =
    publishing.what.broker === "jobs" || (publishing.what.broker === "redis" && !isBeforeCommit)
  const shown = publishing.from.kind === "call" ? dotted(publishing.from.callee) : "the producer"
  const isMoney = speaksOfMoney(`${file.path.split("/").at(-1)} ${fn.name} ${write.what.table}`)
  return {
    at: publishing.from,
    tier: isConsumer || isJob || isAfterCommit(file, publishing.from) ? "context" : "likely",
    severity: isMoney || isBeforeCommit ? "high" : "medium",
    message: isBeforeCommit
      ? `\`${shown}\` sends within a transaction that may still be rolled back`
      : `a crash before \`${shown}\` leaves a row that no message tells of`,
    because: [
      { text: "the row is written here", at: write.from },
      ...(write.depth > 0 ? [{ text: "by this", at: write.what.call, file: write.what.file }] : []),
      { text: "the message is sent here", at: publishing.from },
      ...(publishing.depth > 0
        ? [{ text: "by this", at: publishing.what.node, file: publishing.what.file }]
        : []),
    ],
    checked: CHECKED,
  }
}

const CHECKED = [
  "no outbox table, event log or change data capture in this service",
  "the message does not go to a dead-letter queue, a cache, metrics or a log",
]

function isAfterCommit(file: File, node: Node): boolean {
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "call" && AFTER_COMMIT.test(outer.name)) return true
    if (outer.kind === "function" && AFTER_COMMIT.test(outer.name)) return true
  }
  return false
}

/** Spring's listener of a transaction that is about to commit. */
function ofListener(program: Program, file: File, fn: Func): Draft | null {
  const annotation = fn.annotations.find((one) => one.name.endsWith("TransactionalEventListener"))
  if (!annotation || !fn.body) return null
  if (!annotation.args.some((arg) => /BEFORE_COMMIT/.test(file.textOf(arg)))) return null
  const [publishing] = publishingsWithin(program, file, fn.body, 1)
  if (!publishing || isDispensable(file, publishing)) return null
  return {
    at: publishing.from,
    tier: "likely",
    severity: "high",
    message: "the message is sent before the commit, which may still fail",
    because: [
      {
        text: "runs before the transaction commits",
        at: { start: fn.nameStart, end: fn.nameStart + fn.name.length },
      },
      { text: "the message is sent here", at: publishing.from },
    ],
    checked: CHECKED,
  }
}
