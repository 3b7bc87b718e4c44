/** Consumers of Kafka whose client commits offsets by the clock, by a setting or because the setting was left out. */
import { walk } from "../../ir/children.ts"
import type { Call, Node } from "../../ir/nodes.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { argNamed, dotted } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { isOwnGroup } from "./streams.ts"

export interface AutoCommit {
  /** `default`: the setting was left out, and this client commits by itself then. */
  readonly by: "setting" | "default"
  /** The setting, or the constructor. */
  readonly at: Node
  /** The literal `true`, to be replaced. */
  readonly value: Node | null
  /** The last name of what the consumer is kept in: `consumer`, `_reader`; null where that cannot be told. */
  readonly consumer: string | null
}

const KEY =
  /^(?:enable[._-]auto[._-]commit|enableAutoCommit|autoCommit|ENABLE_AUTO_COMMIT_CONFIG|ENABLE_AUTO_COMMIT)$/
const GROUP = /^(?:group[._-]?id|groupId|GroupID|GROUP_ID_CONFIG)$/i

/** Every consumer of a file that commits by itself, in the order of the text. */
export function autoCommitsOf(program: Program, file: File): AutoCommit[] {
  const found: AutoCommit[] = []
  for (const call of file.calls) {
    const one = ofConstructor(program, file, call)
    if (one) found.push(one)
  }
  for (const object of file.objects) {
    const run = ofRun(file, object)
    if (run) found.push(run)
  }
  return found.sort((a, b) => a.at.start - b.at.start)
}

type Setting = { readonly at: Node; readonly value: Node }

/** `KafkaConsumer(…)`, `Consumer({…})`, `new KafkaConsumer<>(props)`, `kafka.NewConsumer(&kafka.ConfigMap{…})`. */
function ofConstructor(program: Program, file: File, call: Call): AutoCommit | null {
  if (!isConstructor(file, call)) return null
  const consumer = keeperOf(file, call)
  const settings = settingsOf(program, file, call)
  if (settings === null) return null
  if (settings.group && isOwnGroup(program, file, settings.group)) return null
  const { commit } = settings
  if (commit) {
    return isTrue(commit.value)
      ? { by: "setting", at: commit.at, value: commit.value, consumer }
      : null
  }
  // Without a group there are no offsets to commit.
  return settings.group && settings.isWhole
    ? { by: "default", at: call, value: null, consumer }
    : null
}

function isConstructor(file: File, call: Call): boolean {
  switch (call.name) {
    case "KafkaConsumer":
    case "AIOKafkaConsumer":
    case "DeserializingConsumer":
    case "AvroConsumer":
      return true
    case "Consumer":
      return (
        file.language === "python" &&
        file.unit.imports.some((one) => /confluent_kafka/.test(one.module))
      )
    case "NewConsumer":
      return file.unit.imports.some((one) => /confluent-kafka-go/.test(one.module))
    case "NewClient":
      return /kgo/.test(dotted(call.callee))
    default:
      return false
  }
}

interface Settings {
  readonly commit: Setting | null
  readonly group: Node | null
  /** Whether all of the settings are in sight: then a missing one is left out. */
  readonly isWhole: boolean
}

function settingsOf(program: Program, file: File, call: Call): Settings | null {
  if (call.name === "NewClient") return ofFranz(file, call)
  const named = call.args.filter((arg) => arg.kind === "named")
  if (named.length > 0) {
    const commit = named.find((arg) => KEY.test(arg.name))
    return {
      commit: commit ? { at: commit, value: commit.value } : null,
      group: argNamed(call, "group_id"),
      isWhole: !call.args.some((arg) => arg.kind === "spread"),
    }
  }
  const [first] = call.args
  if (!first) return null
  const bare = first.kind === "unary" ? first.operand : first
  if (bare.kind === "object") return ofObject(bare)
  if (bare.kind !== "name" && bare.kind !== "member") return null
  return ofProperties(program, file, bare)
}

function ofObject(object: Node & { kind: "object" }): Settings {
  let commit: Setting | null = null
  let group: Node | null = null
  let isWhole = true
  for (const entry of object.entries) {
    const key = entry.key ?? keyShown(entry.keyNode)
    if (key === null) isWhole = false
    else if (KEY.test(key)) commit = { at: entry.keyNode ?? entry.value, value: entry.value }
    else if (GROUP.test(key)) group = entry.value
  }
  return { commit, group, isWhole }
}

function keyShown(node: Node | null): string | null {
  if (node?.kind === "string") return node.value
  return node?.kind === "member" || node?.kind === "name" ? node.name : null
}

/** `props.put(KEY, value)`, `props[KEY] = value`, `mapOf(KEY to value)`, all for one name. */
function ofProperties(program: Program, file: File, name: Node): Settings | null {
  const definitions = definitionsOf(program, file, name)
  const [only] = definitions
  if (!only?.value || definitions.some((one) => one.isParam || one.file !== file)) return null
  const value = only.value.kind === "unary" ? only.value.operand : only.value
  if (value.kind === "object") return ofObject(value)
  const pairs: [string, Setting][] = []
  const scope = file.methodOf(name) ?? file.functionOf(name)
  if (!scope) return null
  const root = dotted(name)
  let isWhole =
    value.kind === "call" &&
    /^(?:Properties|HashMap|mutableMapOf|hashMapOf|mapOf|apply|of)$/.test(value.name)
  const add = (key: Node | undefined, set: Node | undefined, at: Node): void => {
    const shown = key ? keyShown(key) : null
    if (shown && set) pairs.push([shown, { at, value: set }])
  }
  walk(scope, (node) => {
    if (node.kind === "call") {
      const { callee } = node
      const isOn = callee.kind === "member" && dotted(callee.object) === root
      const isBare = callee.kind === "name" && /^(?:put|setProperty)$/.test(node.name)
      if ((isOn || isBare) && /^(?:put|setProperty|set)$/.test(node.name))
        add(node.args[0], node.args[1], node)
      if (isOn && /^(?:putAll|load)$/.test(node.name)) isWhole = false
      if (node.name === "to" && callee.kind === "member") add(callee.object, node.args[0], node)
    }
    if (node.kind === "binary" && node.op === "to") add(node.left, node.right, node)
    if (node.kind === "other" && /infix/.test(node.type))
      add(node.children[0], node.children.at(-1), node)
    if (node.kind === "assign" && node.targets[0]?.kind === "index" && node.value)
      add(node.targets[0].index, node.value, node)
    return undefined
  })
  const commit = pairs.find(([key]) => KEY.test(key))?.[1] ?? null
  const group = pairs.find(([key]) => GROUP.test(key))?.[1].value ?? null
  return { commit, group, isWhole }
}

/** franz-go commits by itself unless an option, here or in the list that is handed over, tells it not to. */
function ofFranz(file: File, call: Call): Settings {
  let group: Node | null = null
  let isOff = false
  walk(file.methodOf(call) ?? call, (node) => {
    if (node.kind !== "call") return undefined
    if (node.name === "ConsumerGroup") group = node.args[0] ?? null
    if (/^(?:DisableAutoCommit|AutoCommitMarks)$/.test(node.name)) isOff = true
    return undefined
  })
  return { commit: null, group: isOff ? null : group, isWhole: !isOff }
}

/** kafkajs' `consumer.run({ autoCommit, eachMessage })`. */
function ofRun(file: File, object: Node & { kind: "object" }): AutoCommit | null {
  const handles = object.entries.some((entry) => /^each(?:Message|Batch)$/.test(entry.key ?? ""))
  const call = file.parentOf(object)
  if (!handles || call?.kind !== "call" || call.name !== "run" || call.callee.kind !== "member")
    return null
  const consumer = lastName(call.callee.object)
  const setting = object.entries.find((entry) => entry.key === "autoCommit")
  if (setting) {
    const at = setting.keyNode ?? setting.value
    return isTrue(setting.value) ? { by: "setting", at, value: setting.value, consumer } : null
  }
  const isWhole = object.entries.every((entry) => entry.key !== null)
  return isWhole ? { by: "default", at: call, value: null, consumer } : null
}

function isTrue(value: Node): boolean {
  if (value.kind === "bool") return value.value
  if (value.kind === "string") return /^true$/i.test(value.value)
  // Java's `Boolean.TRUE`, `"" + true`, `String.valueOf(true)`
  return (
    dotted(value).endsWith("Boolean.TRUE") ||
    (value.kind === "call" && value.args[0]?.kind === "bool" && value.args[0].value)
  )
}

/** What a constructed consumer is put into. */
function keeperOf(file: File, call: Call): string | null {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "assign") return outer.targets[0] ? lastName(outer.targets[0]) : null
    if (outer.kind === "class") {
      const field = outer.fields.find(
        (one) => one.value && one.value.start <= call.start && call.end <= one.value.end,
      )
      return field?.name ?? null
    }
    if (outer.kind === "call" || outer.kind === "function" || outer.kind === "block") return null
    if (outer.kind === "with") {
      const resource = outer.resources.find(
        (one) => one.value.start <= call.start && call.end <= one.value.end,
      )
      return resource?.binding ? lastName(resource.binding) : null
    }
  }
  return null
}

export function lastName(node: Node): string | null {
  return node.kind === "name" || node.kind === "member" ? node.name : null
}
