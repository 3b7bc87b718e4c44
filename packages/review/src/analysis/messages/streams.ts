/** What a consumer's stream is about, as far as its names tell: telemetry, money, a tail that nobody has to finish. */
import { walk } from "../../ir/children.ts"
import type { Node } from "../../ir/nodes.ts"
import type { Consumer } from "./consumers.ts"
import { definitionsOf } from "../program/definitions.ts"
import { isEntropic } from "../program/entropy.ts"
import type { File } from "../program/file.ts"
import { wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"

const TELEMETRY = new Set(
  "telemetry metric metrics heartbeat heartbeats presence trace traces tracing logs logging cache caches invalidation invalidate invalidations broadcast typing cursor sse websocket ws tail debug ping pings healthcheck dlq deadletter".split(
    " ",
  ),
)
const MONEY =
  /payment|charge|invoice|refund|payout|wallet|billing|ledger|transfer|order|escrow|balance|credit|debit|checkout|purchase/i

/** Names around a consumer: its file's, its class's and function's, and what it subscribes to. */
export function textAround(file: File, consumer: Consumer): string {
  const owner = consumer.fn ? file.classOf(consumer.fn) : null
  const listener = consumer.fn?.annotations.map((one) =>
    one.args.map((arg) => file.textOf(arg)).join(" "),
  )
  const receive =
    consumer.receive.kind === "call" && consumer.form === "callback"
      ? headText(file, consumer.receive)
      : subscribed(file)
  return [
    file.path.split("/").at(-1) ?? "",
    owner?.name ?? "",
    consumer.fn?.receiver?.type ?? "",
    consumer.fn?.name ?? "",
    consumer.form === "listener" ? (listener ?? []).join(" ") : receive,
  ].join(" ")
}

/** What a file subscribes to anywhere: loops do not say it themselves. */
function subscribed(file: File): string {
  return file.calls
    .filter((call) =>
      /Consumer$|^(?:subscribe|Subscribe|consume|Consume|NewReader|consumer|ConsumeTopics|NewConsumerGroup)$/.test(
        call.name,
      ),
    )
    .map((call) => headText(file, call))
    .join(" ")
}

/** The arguments of a call that are no functions. */
function headText(file: File, call: Node): string {
  if (call.kind !== "call") return ""
  return call.args
    .filter((arg) => arg.kind !== "lambda")
    .map((arg) => file.textOf(arg).slice(0, 120))
    .join(" ")
}

/** Streams that may lose a message: the next one says the same. */
export function isTelemetry(file: File, consumer: Consumer): boolean {
  return wordsOf(textAround(file, consumer)).some((word) => TELEMETRY.has(word))
}

export function speaksOfMoney(text: string): boolean {
  return MONEY.test(text)
}

/** A group of one's own by chance or by the clock: this reader leaves no offsets that another goes on from. */
export function isEphemeral(program: Program, file: File, consumer: Consumer): boolean {
  const within = consumer.fn ?? consumer.body
  let found = false
  const names = /^(?:group_?id|groupId|GroupID|group|Group|queue)$/
  const look = (node: Node): boolean => {
    if (found) return false
    if (node.kind === "named" && names.test(node.name))
      found = isOwnGroup(program, file, node.value)
    if (node.kind === "object") {
      const entry = node.entries.find((one) => one.key !== null && names.test(one.key))
      if (entry) found = isOwnGroup(program, file, entry.value)
    }
    return !found
  }
  const fn = file.methodOf(within) ?? (within.kind === "function" ? within : null)
  if (fn) walk(fn, look)
  return found
}

/** Whether a group's name holds chance, a time, or an identity of the connection. */
export function isOwnGroup(program: Program, file: File, group: Node): boolean {
  if (isEntropic(program, file, group)) return true
  const values = [group, ...definitionsOf(program, file, group).flatMap((one) => one.value ?? [])]
  return values.some((value) => {
    let found = false
    walk(value, (node) => {
      if (
        node.kind === "call" &&
        /^(?:time|now|Now|currentTimeMillis|time_ns|nanoTime|hostname|gethostname|Hostname|getpid|monotonic)$/.test(
          node.name,
        )
      )
        found = true
      if (/^(?:name|member)$/.test(node.kind) && "name" in node)
        found ||=
          /pod|hostname|instance_?id|session_?id|connection_?id|socket_?id|process\.pid|\bpid\b/i.test(
            node.name,
          )
      return !found
    })
    return found
  })
}
