/** kafka-autocommit: the client commits by the clock what the code means to commit by hand. */
import { acknowledgementOf } from "../analysis/messages/acknowledgements.ts"
import { type AutoCommit, autoCommitsOf, lastName } from "../analysis/messages/autoCommits.ts"
import type { File } from "../analysis/program/file.ts"
import { receiverOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import type { Call, Func, Node } from "../ir/nodes.ts"
import type { Draft, Rule } from "./rule.ts"

const COMMITS =
  /^(?:commit|Commit|commitSync|commitAsync|commit_offsets|commitOffsets|commitMessage|commitMessageSync|CommitMessage|CommitOffsets|CommitRecords|CommitUncommittedOffsets|commitSyncMessage)$/

/** A last commit before partitions go away is right beside the client's own. */
const AT_THE_END =
  /close|stop|shut|revoke|rebalance|assign|lost|finish|drain|destroy|dispose|aexit|__exit__/i

const SPRING_ON =
  /enable[-.]auto[-.]commit["']?\s*[:=]\s*["']?true|ENABLE_AUTO_COMMIT_CONFIG\s*(?:,|\]\s*=|to)\s*["']?(?:true|Boolean\.TRUE)/

export const kafkaAutocommit: Rule = {
  id: "kafka-autocommit",
  title: "Automatic and manual commit together",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /[kK]afka|kgo\.|sarama/,
  docs: {
    what: "A consumer of Kafka commits offsets by hand after its work, and its client also commits them by the clock, because it was told to or because that is its default.",
    why: "The client commits what was handed out, processed or not. After a crash the messages in between are skipped: the commit after the work promises what the other one has broken already.",
    silent: [
      "Automatic commits are off, or are the only ones.",
      "The consumer's group is its own, with chance or a time in its name: its offsets mean nothing.",
      "The manual commit is the last one before partitions are revoked or the consumer closes.",
    ],
    reach: {
      sees: [
        "What makes a consumer: kafka-python and aiokafka, confluent-kafka of Python and Go, franz-go, Java's KafkaConsumer with properties or a map, node-rdkafka, and kafkajs' `consumer.run`.",
        "Automatic commits that are switched on there, and those that are the client's default, where all settings are in sight and a group is given.",
        "Commits by hand on the same consumer: `commit`, `commitSync`, `commitAsync`, `commitOffsets`, `CommitMessage`, `CommitRecords` and their spellings.",
        "`ReadMessage` of kafka-go together with `CommitMessages` in one function.",
        "Spring's `@KafkaListener` that acknowledges by hand, where a configuration of the service says enable-auto-commit true.",
      ],
      misses: [
        "Settings of sarama, which are fields of a struct.",
        "Settings that come from another file, the environment or a parameter.",
        "Spring Cloud Stream, SmallRye and Micronaut.",
      ],
    },
    fix: "Switch automatic commits off (`enable.auto.commit=false`, `enable_auto_commit=False`, `autoCommit: false`, `kgo.DisableAutoCommit()`).",
    reference: "https://docs.confluent.io/platform/current/clients/consumer.html#offset-management",
    examples: {
      go: {
        bad: 'consumer, _ := kafka.NewConsumer(&kafka.ConfigMap{"group.id": "orders", "enable.auto.commit": true})\nconsumer.CommitMessage(msg)',
        good: 'consumer, _ := kafka.NewConsumer(&kafka.ConfigMap{"group.id": "orders", "enable.auto.commit": false})\nconsumer.CommitMessage(msg)',
      },
      python: {
        bad: 'consumer = KafkaConsumer("orders", group_id="orders", enable_auto_commit=True)\nfor message in consumer:\n    ship(message)\n    consumer.commit()',
        good: 'consumer = KafkaConsumer("orders", group_id="orders", enable_auto_commit=False)\nfor message in consumer:\n    ship(message)\n    consumer.commit()',
      },
      typescript: {
        bad: "await consumer.run({\n  eachMessage: async ({ topic, partition, message }) => {\n    await ship(message)\n    await consumer.commitOffsets([{ topic, partition, offset: next(message) }])\n  },\n})",
        good: "await consumer.run({\n  autoCommit: false,\n  eachMessage: async ({ topic, partition, message }) => {\n    await ship(message)\n    await consumer.commitOffsets([{ topic, partition, offset: next(message) }])\n  },\n})",
      },
      java: {
        bad: 'props.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "true");\nconsumer = new KafkaConsumer<>(props);\nconsumer.commitSync();',
        good: 'props.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");\nconsumer = new KafkaConsumer<>(props);\nconsumer.commitSync();',
      },
      kotlin: {
        bad: "props[ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG] = true\nval consumer = KafkaConsumer<String, String>(props)\nconsumer.commitSync()",
        good: "props[ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG] = false\nval consumer = KafkaConsumer<String, String>(props)\nconsumer.commitSync()",
      },
    },
  },
  check(file, program, report) {
    const commits = file.calls.filter((call) => isManual(file, call))
    const autos = autoCommitsOf(program, file)
    for (const auto of autos) {
      const own = commits.filter((call) => isOf(file, auto, call, autos.length === 1))
      if (own[0]) report(draftOf(file, auto, own[0]))
    }
    reads(file, report)
    for (const fn of file.functions) ofListener(program, file, fn, report)
  },
}

type Say = (draft: Draft) => void

/** A commit by hand, in the course of the work. */
function isManual(file: File, call: Call): boolean {
  if (!COMMITS.test(call.name)) return false
  if (/^(?:commit|Commit)$/.test(call.name) && acknowledgementOf(call)?.kind !== "ack") return false
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "try" && outer.finalizer === inner) return false
    if (outer.kind === "defer") return false
    if (outer.kind === "function" && AT_THE_END.test(outer.name)) return false
    inner = outer
  }
  return true
}

/** Whether a commit is of this consumer: on the same name, or the only consumer there is. */
function isOf(file: File, auto: AutoCommit, call: Call, isOnly: boolean): boolean {
  const receiver = receiverOf(call)
  const name = receiver ? lastName(receiver) : null
  if (auto.consumer === null) return isOnly
  if (name !== auto.consumer) return false
  // The same name in another class is another consumer.
  const [a, b] = [file.classOf(auto.at), file.classOf(call)]
  return isOnly || a === b || a === null || b === null
}

function draftOf(file: File, auto: AutoCommit, commit: Call): Draft {
  const isSet = auto.by === "setting"
  return {
    at: isSet ? auto.at : head(auto.at),
    tier: isSet ? "certain" : "likely",
    severity: "high",
    message: isSet
      ? "offsets are committed by the clock as well as by hand: messages that were not processed are skipped after a crash"
      : "this client commits offsets by the clock unless it is told not to, as well as by hand: messages that were not processed are skipped after a crash",
    because: [
      {
        text: isSet ? "automatic commits are on" : "automatic commits are not switched off",
        at: isSet ? auto.at : head(auto.at),
      },
      { text: "and offsets are committed here", at: commit },
    ],
    checked: [
      "the group is not one of the consumer's own",
      "the commit is not the last one before the consumer closes",
    ],
    ...(auto.value ? { fix: fixOf(file, auto.value) } : {}),
  }
}

function head(node: Node): { start: number; end: number } {
  return node.kind === "call" ? { start: node.start, end: node.callee.end } : node
}

function fixOf(file: File, value: Node): NonNullable<Draft["fix"]> {
  const text = file
    .textOf(value)
    .replace(/true/i, (word) => (word === "True" ? "False" : word === "TRUE" ? "FALSE" : "false"))
  return {
    text: "Switch automatic commits off; the commit by hand is enough.",
    safety: "unsafe",
    edits: [{ start: value.start, end: value.end, text }],
  }
}

/** segmentio's ReadMessage commits in a group by itself; FetchMessage leaves it to CommitMessages. */
function reads(file: File, report: Say): void {
  if (!file.unit.imports.some((one) => /segmentio\/kafka-go/.test(one.module))) return
  for (const read of file.calls) {
    if (read.name !== "ReadMessage") continue
    const fn = file.functionOf(read)
    const receiver = receiverOf(read)
    const commit = file.calls.find(
      (call) =>
        call.name === "CommitMessages" &&
        file.functionOf(call) === fn &&
        receiver !== null &&
        file.textOf(receiverOf(call)!) === file.textOf(receiver),
    )
    if (!commit) continue
    report({
      at: head(read),
      tier: "certain",
      severity: "high",
      message:
        "ReadMessage has committed the message before it is processed; CommitMessages comes too late",
      because: [
        { text: "commits in a consumer group by itself", at: head(read) },
        { text: "and offsets are committed here", at: commit },
      ],
      checked: ["FetchMessage is not used"],
      fix: {
        text: "Use FetchMessage, which leaves the commit to CommitMessages.",
        safety: "unsafe",
        edits: [
          {
            start: read.callee.end - "ReadMessage".length,
            end: read.callee.end,
            text: "FetchMessage",
          },
        ],
      },
    })
  }
}

/** Spring's listeners with an Acknowledgment, where the configuration switches automatic commits on. */
function ofListener(program: Program, file: File, fn: Func, report: Say): void {
  if (!fn.annotations.some((one) => one.name.endsWith("KafkaListener"))) return
  const ack = fn.params.find((param) => /(?:^|\.)Acknowledgment$/.test(param.type ?? ""))
  const call =
    ack && file.calls.find((one) => one.name === "acknowledge" && file.methodOf(one) === fn)
  if (!call) return
  const witness = program.evidence.find(
    file.path,
    SPRING_ON,
    "everywhere",
    "spring auto commit",
    "module",
  )
  if (!witness) return
  report({
    at: call,
    tier: "likely",
    severity: "high",
    message:
      "messages are acknowledged by hand while the configuration commits offsets by the clock",
    because: [
      { text: "acknowledged by hand here", at: call },
      { text: `automatic commits are on: ${witness.path}:${witness.line} ${witness.text}` },
    ],
    checked: ["no other setting of this service switches automatic commits off"],
  })
}
