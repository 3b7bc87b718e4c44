/** Failures of a consumer that end in a line of a log: the message is gone, or comes round for ever. */
import { walk } from "../../ir/children.ts"
import type { Block, Call, Node } from "../../ir/nodes.ts"
import { acknowledgementOf, acknowledgementsIn, isAutoAcked } from "./acknowledgements.ts"
import type { Consumer } from "./consumers.ts"
import { meaningOf } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"

export interface Drop {
  /** `lost`: taken as done although it failed. `circling`: given back without a limit. */
  readonly fate: "lost" | "circling"
  /** The catch or branch that ends it; of the last attempt the test that says so. */
  readonly at: Node
  /** The file of `at`, where it is another than the consumer's. */
  readonly file?: File
  /** Whether only the reading of the message failed, which no second delivery mends. */
  readonly isParse: boolean
  /** Whether it was tried some times before. */
  readonly isLast?: boolean
}

/** Calls that only tell of a failure, or read what is told. */
const TELLING =
  /^(?:error|errorf|errorw|warn|warning|warnf|info|infof|debug|debugf|trace|exception|critical|fatal|log|logf|println|Println|Printf|Error\w*|Warn\w*|Info\w*|Debug\w*|Trace\w*|Log\w*|Msg|Msgf|Send|Err|AnErr|Str|Strs|Int\w*|Bytes|Dur|Any|Field|Fields|String|Stringer|With\w*|Uint\w*|ByteString|format|Sprintf|getMessage|getLocalizedMessage|message|str|repr|toString|print_exc|printStackTrace|format_exc|captureException|capture_exception|CaptureException|inc|increment\w*|Inc|Add|add_?event|observe|record_?[eE](?:xception|rror)|count|counter|Counter|labels|WithLabelValues|recordException|setStatus|set_status|setAttribute|RecordError|SetStatus|topic|partition|offset|key|value|get\w*|len|decode|type|dict|stringify|now|time|record\w*Metric|isinstance|Unwrap|is|name|at\w+|addKeyValue|setCause|stderr|stdout|write|monotonic|Since)$/
const TELLERS =
  /(?:^|\.)(?:\w*log(?:ger|ging|rus)?|slog|zap|console|sentry|Sentry|metrics?|tracer|span|fmt|traceback|\w*[cC]ounter|gauge|stats|LOG|LOGGER|Log)(?:$|\.|\(\))|sys\.std|System\.(?:out|err)|[lL]og(?:ger)?\w*$/

/** Calls that read a message and do nothing. */
const READING =
  /^(?:parse|parse\w+|loads|load|decode\w*|Unmarshal\w*|unmarshal|readValue|readTree|fromJson|from_json|decodeFromString|model_validate\w*|validate\w*|toString|String|value|Decode|deserialize\w*|get|pop|NewDecoder|NewReader|toObject|body|getBody|json|Parse\w*|from|asString|text|TextDecoder|record|strip)$/

/** How a consumer loses a message that fails; null where it does not, or where that cannot be told. */
export function dropOf(program: Program, consumer: Consumer): Drop | null {
  const { body } = consumer
  const drops: Drop[] = []
  walk(body, (node) => {
    const own = dropAt(program, consumer, node)
    if (own) drops.push(own)
    return node.kind !== "class"
  })
  for (const outer of outerTries(consumer)) {
    const own = dropAt(program, consumer, outer)
    if (own) drops.push(own)
  }
  const own = drops.find((one) => !one.isParse)
  return own ?? dropWithin(program, consumer) ?? drops[0] ?? null
}

/** The body hands the message to a function that catches everything itself. */
function dropWithin(program: Program, consumer: Consumer): Drop | null {
  for (const call of consumer.file.calls) {
    if (call.start < consumer.body.start || call.end > consumer.body.end) continue
    if (isTelling(call) || acknowledgementOf(call)) continue
    for (const { file, fn } of resolveCall(program, consumer.file, call)) {
      if (!fn.body || fn.params.length === 0) continue
      const inner: Consumer = { ...consumer, file, fn, body: fn.body }
      // What comes after the try is told of the failure by what the function gives back.
      const last = fn.body.body.at(-1)
      const drop = last?.kind === "try" ? dropAt(program, inner, last) : null
      const isTaken =
        consumer.broker === "kafka" ||
        consumer.form === "listener" ||
        acknowledgementsIn(consumer.body).some((one) => one.kind === "ack")
      if (drop && !drop.isParse && drop.fate === "lost" && isTaken) return { ...drop, file }
    }
  }
  return null
}

/** Tries around the body that a failing message leaves it for. */
function* outerTries(consumer: Consumer): Generator<Node> {
  if (consumer.form !== "loop") return
  for (const outer of consumer.file.ancestorsOf(consumer.body)) {
    if (outer.kind === "function") return
    // A try around the outermost loop ends the consumer, and nothing goes on.
    if (outer.kind === "try" && isWithinLoop(consumer, outer)) yield outer
  }
}

function isWithinLoop(consumer: Consumer, node: Node): boolean {
  for (const outer of consumer.file.ancestorsOf(node)) {
    if (outer.kind === "loop") return true
    if (outer.kind === "function") return false
  }
  return false
}

function dropAt(program: Program, consumer: Consumer, node: Node): Drop | null {
  if (node.kind === "try") {
    if (!hasWork(node.body)) return null
    for (const one of node.catches) {
      if (isLikelyWanted(one.types)) continue
      const fate = fateOf(program, consumer, one.body, node)
      if (fate) return { fate, at: one.body, isParse: !hasWork(node.body, READING) }
      const last = lastOf(program, consumer, one.body)
      if (last) return last
    }
    return null
  }
  // Go: `if err := process(message); err != nil { log.Println(err); continue }`
  if (node.kind === "if" && consumer.file.language === "go") {
    // `if err := send(message); err == nil { … } else { log.Println(err) }` ends in its other branch.
    const meaning = /\berr/i.test(dotted2(node.test)) ? meaningOf(node.test) : "unknown"
    const end = meaning === "failure" ? node.then : meaning === "success" ? node.otherwise : null
    const work = end && workBefore(consumer, node)
    if (!work) return null
    const fate = fateOf(program, consumer, end, node)
    if (!fate) return lastOf(program, consumer, end)
    return { fate, at: end, isParse: READING.test(work.name) }
  }
  // `handle(message).catch(console.error)`, `runCatching { … }.onFailure { … }`
  if (node.kind === "call" && /^(?:catch|onFailure)$/.test(node.name)) {
    const [handler] = node.args
    const tells =
      handler?.kind === "lambda" && handler.fn.body
        ? fateOf(program, consumer, handler.fn.body, node)
        : handler && TELLERS.test(dotted(handler))
          ? fateOf(program, consumer, EMPTY, node)
          : null
    return tells && { fate: tells, at: node, isParse: false }
  }
  return null
}

const COUNTED = /attempt|retr(?:y|ies)|tries|deliver|failures|x-death/i

/**
 * `if (attempts >= MAX) { log; ack; return }`: what is tried again some times, and given up with a line in the log. A
 * rejection may lead to a dead-letter queue, an acknowledgement does not.
 */
function lastOf(program: Program, consumer: Consumer, end: Block): Drop | null {
  for (const one of end.body) {
    if (one.kind !== "if" || one.test.kind !== "binary" || !/^[<>]=?$/.test(one.test.op)) continue
    if (!COUNTED.test(consumer.file.textOf(one.test))) continue
    const isUnder = one.test.op.startsWith(">")
    const given = isUnder ? one.then : one.otherwise
    if (!given || !onlyTells(program, consumer, given)) continue
    const told = acknowledgementsIn(given)
    if (told.length > 0 && told.every(({ kind }) => kind === "ack"))
      return { fate: "lost", at: one.test, isParse: false, isLast: true }
  }
  return null
}

const EMPTY: Block = { kind: "block", body: [], start: 0, end: 0 }

function dotted2(test: Node): string {
  return test.kind === "binary" ? `${dotted(test.left)} ${dotted(test.right)}` : dotted(test)
}

/** A stop that was asked for is no failure of the message. */
function isLikelyWanted(types: readonly string[]): boolean {
  return (
    types.length > 0 &&
    types.every((type) =>
      /Interrupted|Cancel|Wakeup|Duplicate|Integrity|Shutdown|Timeout|StopIteration|KeyboardInterrupt|Unique|Empty|Closed|Exists|Conflict/.test(
        type,
      ),
    )
  )
}

/** Calls that do something with a message, beyond reading it and telling of it. */
function hasWork(body: Node, besides: RegExp | null = null): boolean {
  let found = false
  walk(body, (node) => {
    if (node.kind === "call" && !isTelling(node) && !acknowledgementOf(node)) {
      if (!/^(?:poll|Poll|subscribe|close|sleep|start|stop|isEmpty|wait_for)$/.test(node.name))
        found ||= besides === null || !besides.test(node.name)
    }
    return !found
  })
  return found
}

/** The call whose error Go's branch looks at. */
function workBefore(consumer: Consumer, branch: Node & { kind: "if" }): Call | null {
  const assign = branch.init ?? previous(consumer, branch)
  if (assign?.kind !== "assign" || !assign.targets.some((one) => /err/i.test(dotted(one))))
    return null
  const call = assign.value
  if (call?.kind !== "call" || call === consumer.receive || isReceive(call)) return null
  return call
}

function isReceive(call: Call): boolean {
  return /^(?:ReadMessage|FetchMessage|Poll\w*|Receive\w*|Fetch|NextMsg|Consume|CommitMessages|Ack|Commit\w*|Next|DeleteMessage)$/.test(
    call.name,
  )
}

function previous(consumer: Consumer, node: Node): Node | null {
  const block = consumer.file.parentOf(node)
  if (block?.kind !== "block") return null
  return block.body[block.body.indexOf(node) - 1] ?? null
}

/** What becomes of a message whose failure ends in `body`; `around` is the try, branch or call. */
function fateOf(
  program: Program,
  consumer: Consumer,
  body: Block,
  around: Node,
): Drop["fate"] | null {
  if (!onlyTells(program, consumer, body)) return null
  const told = acknowledgementsIn(body)
  if (told.some((one) => one.kind === "reject")) return null
  if (told.some((one) => one.kind === "requeue")) return isCounted(consumer) ? null : "circling"
  // sqs-consumer deletes, and kafkajs commits, whatever returns.
  if (consumer.form === "listener" || consumer.receive.kind === "object") return "lost"
  switch (consumer.broker) {
    case "kafka":
    case "jms":
    case "broker":
    case "kinesis":
      return "lost"
    default:
      return isAckedAfter(consumer, body, around) ? "lost" : null
  }
}

/** Deliveries are looked at: something bounds them. */
function isCounted(consumer: Consumer): boolean {
  const text = consumer.file.textOf(consumer.fn ?? consumer.body)
  return /redelivered|deliver(?:y|ies)_?[cC]ount|x-death|attempt|NumDelivered|ReceiveCount|retr(?:y|ies)|x-delivery/i.test(
    text,
  )
}

/** Brokers that give back what is not acknowledged: lost is only what is acknowledged all the same. */
function isAckedAfter(consumer: Consumer, body: Block, around: Node): boolean {
  if (isAutoAcked(consumer.file, consumer.receive)) return true
  if (acknowledgementsIn(body).some((one) => one.kind === "ack")) return true
  if (isProcessed(consumer, around)) return true
  if (leavesRound(body)) return false
  if (around.kind === "try" && around.finalizer && acknowledgementsIn(around.finalizer).length > 0)
    return true
  return acknowledgementsIn(consumer.body).some(
    (one) => one.kind === "ack" && one.call.start >= around.end,
  )
}

/** aio-pika's `async with message.process():` acknowledges whatever ends without a raise. */
function isProcessed(consumer: Consumer, around: Node): boolean {
  for (const outer of consumer.file.ancestorsOf(around)) {
    if (
      outer.kind === "with" &&
      outer.resources.some((one) => dotted(one.value).endsWith(".process()"))
    )
      return true
    if (outer === consumer.body) return false
  }
  return false
}

function leavesRound(body: Block): boolean {
  const last = body.body.at(-1)
  return last?.kind === "continue" || last?.kind === "return"
}

/** Whether a branch does nothing but tell of the failure. */
function onlyTells(program: Program, consumer: Consumer, body: Node, depth = 1): boolean {
  let ok = true
  walk(body, (node) => {
    if (!ok) return false
    switch (node.kind) {
      case "throw":
      case "break":
      case "send":
      case "go":
        ok = false
        break
      case "return":
        ok = isQuiet(node.value)
        break
      case "assign":
        ok = node.declares || node.op !== "=" || node.targets.every((one) => one.kind === "name")
        break
      case "call":
        ok =
          isTelling(node) ||
          acknowledgementOf(node) !== null ||
          (depth > 0 &&
            resolveCall(program, consumer.file, node).some(
              ({ fn }) => fn.body !== null && onlyTells(program, consumer, fn.body, depth - 1),
            ))
        // What is put into a word about the failure is a part of it: `logger.error(stringify(error))`.
        if (ok && isTelling(node)) return false
        break
      default:
        break
    }
    return ok
  })
  return ok
}

function isQuiet(value: Node | null): boolean {
  return (
    value === null ||
    value.kind === "null" ||
    value.kind === "call" ||
    (value.kind === "bool" && value.value)
  )
}

function isTelling(call: Call): boolean {
  const receiver = receiverOf(call)
  if (receiver && TELLERS.test(dotted(receiver))) return true
  if (call.isNew && /Error|Exception|Date|Object|Map/.test(call.name)) return true
  if (!receiver && /^(?:str|repr|print|println|String|len|type|Error|Date)$/.test(call.name))
    return true
  return receiver !== null && TELLING.test(call.name)
}
