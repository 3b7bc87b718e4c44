/**
 * Counts that several calls share: how they are read, how they change, and where they are compared with a limit. A
 * count is a number, an atomic, the size of a collection, or a key of a store.
 */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import type { File } from "../program/file.ts"
import { isLimit } from "../program/limits.ts"
import { dotted, receiverOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { sourcesMentioning } from "../program/question.ts"
import { folderOf } from "../program/resolve.ts"
import { gettersOf, returnedOf, stateOf, type State } from "./states.ts"

export interface Reading {
  readonly state: State
  /** Where the count is looked at: a local that keeps it, or the expression itself. */
  readonly at: Node
  readonly isAtomic: boolean
  readonly isSize: boolean
  /** In a store that other processes reach too. */
  readonly isRemote: boolean
  /** The function that hands the count out, where one does. */
  readonly getter: { readonly file: File; readonly fn: Func } | null
}

export interface Change {
  readonly file: File
  readonly state: State
  readonly by: "up" | "down" | "reset"
  readonly at: Node
  readonly isAtomic: boolean
}

/** A comparison of a count with its limit. */
export interface Check {
  readonly reading: Reading
  readonly limit: Node
  /** The comparison, or the call that makes it. */
  readonly at: Node
  /** Whether there is no room when the whole test holds. */
  readonly isFullWhenTrue: boolean
}

const UP =
  /^(?:incrementAndGet|getAndIncrement|increment|inc|Inc|addAndGet|getAndAdd|Add|AddInt32|AddInt64|AddUint32|AddUint64|fetchAdd|fetch_add)$/
const DOWN = /^(?:decrementAndGet|getAndDecrement|decrement|dec|Dec|Sub|fetchSub|fetch_sub)$/
const GROWS =
  /^(?:add|push|set|put|append|offer|enqueue|addLast|addFirst|unshift|putIfAbsent|appendleft|PushBack|PushFront|insert|plusAssign|put_nowait)$/
const SHRINKS =
  /^(?:delete|remove|pop|shift|poll|take|discard|popleft|dequeue|removeFirst|removeLast|pollFirst|pop_front|minusAssign|get_nowait)$/
const SIZES = /^(?:length|size|count|qsize|Len|Count|len|Size)$/
const LOADS = /^(?:Load|get|intValue|longValue|toInt|toLong|load|getPlain|getAcquire|value)$/

const REMOTE_READS =
  /^(?:get|llen|scard|zcard|hlen|hget|Get|LLen|SCard|ZCard|HLen|zcount|ZCount|getInt)$/
const REMOTE_UPS =
  /^(?:incr|incrby|incrBy|incr_by|Incr|IncrBy|lpush|rpush|sadd|zadd|LPush|RPush|SAdd|ZAdd|lPush|rPush|sAdd|zAdd|hincrby|hIncrBy|increment)$/
const STORES =
  /redis|rdb|jedis|valkey|(?:^|\.)(?:cache|kv|ops|opsForValue\(\))$|redisTemplate|redisClient/i

/** Counts of rounds and of places, which nobody reserves. */
const NOT_RESERVED = new Set(
  "attempt attempts retry retries tries try failure failures fail fails error errors depth level index idx offset page pages step iteration iterations position pos version seq sequence line column row tick ticks strikes misses round rounds elapsed age buffer buffered bytes written sent received".split(
    " ",
  ),
)

/** The count that an expression reads, followed through locals and getters; null for everything else. */
export function readingOf(program: Program, file: File, node: Node, depth = 4): Reading | null {
  if (depth === 0) return null
  const plain = { isAtomic: false, isSize: false, isRemote: false, getter: null }
  switch (node.kind) {
    case "await":
      return readingOf(program, file, node.value, depth)
    case "unary":
      return node.op === "+" || node.op === "*"
        ? readingOf(program, file, node.operand, depth)
        : null
    case "binary":
      // `(await get(key)) ?? 0`, `active + 1`; of two counts that are added, either may be the one that is reserved.
      if (node.op === "+" && node.right.kind !== "number") return null
      return /^(?:\?\?|\|\||\+)$/.test(node.op) ? readingOf(program, file, node.left, depth) : null
    case "call":
      return ofCall(program, file, node, depth)
    case "member": {
      if (SIZES.test(node.name)) {
        const state = stateOf(program, file, node.object)
        if (state) return { ...plain, state, at: node, isSize: true }
      }
      const through = throughGetter(program, file, node, depth)
      if (through) return through
      const state = stateOf(program, file, node)
      return state ? { ...plain, state, at: node } : null
    }
    case "name": {
      const state = stateOf(program, file, node)
      if (state) return { ...plain, state, at: node }
      const kept = keptIn(file, node)
      const reading = kept?.value ? readingOf(program, file, kept.value, depth - 1) : null
      return reading ? { ...reading, at: kept!.at } : null
    }
    default:
      return null
  }
}

/** The last assignment of a local before its use. */
function keptIn(
  file: File,
  name: Node & { kind: "name" },
): { at: Node; value: Node | null } | null {
  const fn = file.functionOf(name)
  if (!fn) return null
  const own = file.assignments.filter(
    (one) =>
      one.start >= fn.start &&
      one.end <= name.start &&
      one.targets.some((target) => target.kind === "name" && target.name === name.name),
  )
  const last = own.at(-1)
  return last ? { at: last, value: last.value } : null
}

function ofCall(program: Program, file: File, call: Call, depth: number): Reading | null {
  const plain = { isAtomic: false, isSize: false, isRemote: false, getter: null }
  const [first] = call.args
  const receiver = receiverOf(call)
  const remote = remoteRead(file, call)
  if (remote) return { ...plain, state: remote, at: call, isRemote: true }
  if (
    /^(?:len|Number|parseInt|int|Int|atoi|Atoi|parseFloat|toInt|valueOf)$/.test(call.name) &&
    first
  ) {
    const isLength = call.name === "len"
    const state = isLength ? stateOf(program, file, first) : null
    if (state) return { ...plain, state, at: call, isSize: true }
    const inner = isLength ? null : readingOf(program, file, first, depth - 1)
    if (inner) return inner
  }
  if (first && /^Load\w+$/.test(call.name)) {
    const state = stateOf(program, file, first)
    if (state) return { ...plain, state, at: call, isAtomic: true }
  }
  if (receiver && call.args.length === 0) {
    const state =
      SIZES.test(call.name) || LOADS.test(call.name) ? stateOf(program, file, receiver) : null
    if (state)
      return {
        ...plain,
        state,
        at: call,
        isSize: SIZES.test(call.name),
        isAtomic: LOADS.test(call.name),
      }
  }
  return throughGetter(program, file, call, depth)
}

function throughGetter(program: Program, file: File, node: Node, depth: number): Reading | null {
  for (const getter of gettersOf(program, file, node)) {
    const returned = returnedOf(getter.fn)
    const reading = returned ? readingOf(program, getter.file, returned, depth - 1) : null
    if (reading) return { ...reading, at: node, getter }
  }
  return null
}

/** `redis.get(key)`, `rdb.Get(ctx, key).Int()`: the key as written is the count. */
function remoteRead(file: File, call: Call): State | null {
  const receiver = receiverOf(call)
  if (!receiver) return null
  if (receiver.kind === "call" && /^(?:Int|Int64|Result|Val|Uint64)$/.test(call.name))
    return remoteRead(file, receiver)
  return REMOTE_READS.test(call.name) && STORES.test(dotted(receiver)) ? keyState(file, call) : null
}

function keyState(file: File, call: Call): State | null {
  const key = call.args.find(
    (arg) => !/^(?:ctx|context|c|Background\(\))$/.test(dotted(arg).split(".").at(-1)!),
  )
  if (!key || key.kind === "object") return null
  const text = file.textOf(key)
  const fn = file.methodOf(call)
  return { key: `store:${file.path}:${fn?.start ?? 0}:${text}`, name: text, owner: null }
}

/** How an assignment or a call changes a count; null where it changes none. */
export function changeOf(program: Program, file: File, node: Node): Change | null {
  if (node.kind === "assign") return ofAssign(program, file, node)
  if (node.kind === "other" && node.type === "delete_statement") {
    const target = node.children[0]
    const state = target?.kind === "index" ? stateOf(program, file, target.object) : null
    return state ? { file, state, by: "down", at: node, isAtomic: false } : null
  }
  if (node.kind !== "call") return null
  return ofChangingCall(program, file, node)
}

function ofAssign(program: Program, file: File, node: Node & { kind: "assign" }): Change | null {
  const [target] = node.targets
  if (!target || node.targets.length !== 1 || node.declares) return null
  if (target.kind === "index") {
    const state = stateOf(program, file, target.object)
    return state && node.op === "=" ? { file, state, by: "up", at: node, isAtomic: false } : null
  }
  const state = stateOf(program, file, target)
  if (!state) return null
  const by = directionOf(node, dotted(target))
  return by ? { file, state, by, at: node, isAtomic: false } : null
}

function directionOf(node: Node & { kind: "assign" }, name: string): Change["by"] | null {
  const { op, value } = node
  const isNegative = value?.kind === "unary" && value.op === "-"
  if (op === "+=") return isNegative ? "down" : "up"
  if (op === "-=") return isNegative ? "up" : "down"
  if (op !== "=" || !value) return null
  if (value.kind === "binary" && dotted(value.left) === name)
    return value.op === "+" ? "up" : value.op === "-" ? "down" : null
  if (
    value.kind === "call" &&
    value.name === "append" &&
    value.args[0] &&
    dotted(value.args[0]) === name
  )
    return "up"
  if (
    value.kind === "list" &&
    value.items.some((one) => one.kind === "spread" && dotted(one.value) === name)
  )
    return "up"
  if (value.kind === "call" && /^(?:max|min|filter|coerceAtLeast)$/.test(value.name)) return "down"
  return "reset"
}

function ofChangingCall(program: Program, file: File, call: Call): Change | null {
  const receiver = receiverOf(call)
  const [first] = call.args
  if (receiver && REMOTE_UPS.test(call.name) && STORES.test(dotted(receiver))) {
    const state = keyState(file, call)
    if (state) return { file, state, by: "up", at: call, isAtomic: false }
  }
  // atomic.AddInt64(&x.n, 1), Go's delete(m, k)
  if (first && /^Add(?:U?[Ii]nt(?:32|64))$/.test(call.name) && call.args.length === 2) {
    const state = stateOf(program, file, first)
    return state
      ? { file, state, by: isNegative(call.args[1]!) ? "down" : "up", at: call, isAtomic: true }
      : null
  }
  if (call.name === "delete" && call.callee.kind === "name" && first) {
    const state = stateOf(program, file, first)
    return state ? { file, state, by: "down", at: call, isAtomic: false } : null
  }
  if (!receiver) return null
  const isUp = UP.test(call.name)
  const isDown = DOWN.test(call.name)
  const grows = GROWS.test(call.name)
  if (!isUp && !isDown && !grows && !SHRINKS.test(call.name)) return null
  const state = stateOf(program, file, receiver)
  if (!state) return null
  const down = isDown || (!isUp && !grows) || (isUp && first !== undefined && isNegative(first))
  return { file, state, by: down ? "down" : "up", at: call, isAtomic: isUp || isDown }
}

function isNegative(node: Node): boolean {
  return (
    (node.kind === "unary" && /^[-^]$/.test(node.op)) || (node.kind === "number" && node.value < 0)
  )
}

const CHANGES = Symbol("changes of a file")

/** Every change of a shared count in a file. */
export function changesIn(program: Program, file: File): readonly Change[] {
  return program.memo<File, readonly Change[]>(CHANGES, file, [], () => {
    const found: Change[] = []
    for (const root of file.unit.body) {
      walk(root, (node) => {
        const change = changeOf(program, file, node)
        if (change) found.push(change)
      })
    }
    return found
  })
}

/** Every change of one count, in the files that can reach it. */
export function changesOf(
  program: Program,
  file: File,
  state: State,
  more: readonly File[] = [],
): Change[] {
  const files = new Set<File>([file, ...more])
  if (file.language === "go") {
    for (const source of sourcesMentioning(program, state.name)) {
      if (source.language !== "go" || source.path === file.path) continue
      if (folderOf(source.path) !== folderOf(file.path)) continue
      const near = program.file(source.path)
      if (near && ![...files].some((one) => one.path === near.path)) files.add(near)
    }
  }
  return [...files].flatMap((one) =>
    changesIn(program, one).filter((change) => change.state.key === state.key),
  )
}

/** The comparisons of counts with limits in a test, through functions and properties that answer it. */
export function checksIn(
  program: Program,
  file: File,
  test: Node,
  isFlipped = false,
  depth = 3,
): Check[] {
  if (depth === 0) return []
  if (test.kind === "unary" && test.op === "!")
    return checksIn(program, file, test.operand, !isFlipped, depth)
  if (test.kind === "await") return checksIn(program, file, test.value, isFlipped, depth)
  if (test.kind === "binary" && /^(?:&&|\|\|)$/.test(test.op)) {
    return [
      ...checksIn(program, file, test.left, isFlipped, depth),
      ...checksIn(program, file, test.right, isFlipped, depth),
    ]
  }
  if (test.kind === "binary") return comparison(program, file, test, isFlipped)
  if (test.kind !== "call" && test.kind !== "member") return []
  return gettersOf(program, file, test).flatMap((getter) => {
    const returned = returnedOf(getter.fn)
    if (!returned) return []
    return checksIn(program, getter.file, returned, isFlipped, depth - 1).map((check) => ({
      ...check,
      at: test,
      reading: { ...check.reading, at: test, getter },
    }))
  })
}

function comparison(
  program: Program,
  file: File,
  test: Node & { kind: "binary" },
  isFlipped: boolean,
): Check[] {
  const { op, left, right } = test
  if (!/^(?:>=|>|<=|<|===?|!==?)$/.test(op)) return []
  const isLimitRight = isLimit(program, file, right)
  const [count, limit] = isLimitRight ? [left, right] : [right, left]
  if (!isLimitRight && !isLimit(program, file, left)) return []
  const reading = readingOf(program, file, count)
  if (!reading || wordsOf(reading.state.name).some((word) => NOT_RESERVED.has(word))) return []
  const isFull = op.startsWith(">")
    ? isLimitRight
    : op.startsWith("<")
      ? !isLimitRight
      : !op.startsWith("!")
  return [{ reading, limit, at: test, isFullWhenTrue: isFull !== isFlipped }]
}
