/**
 * Locks that one function takes and gives back, whatever they are: a mutex, a library's lock over several machines, a
 * lock made of a store's key. Each take with the calls that give it back.
 */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { definitionsOf } from "../program/definitions.ts"
import { isLock, isFinal, partnersOf, stepsOf } from "../stores/locks.ts"
import { dotted, receiverOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { isLockName } from "./sections.ts"
import { resolveCall, typeOf } from "../program/resolve.ts"

export interface HeldLock {
  readonly take: Call
  /** In the order of the text, all after the take or deferred; never empty. */
  readonly gives: readonly Call[]
  /** Names that the take's results are bound to: the handle, whether it was taken, the error. */
  readonly names: readonly string[]
  /** Made of a store's key, or of a library that says so. */
  readonly isDistributed: boolean
}

const TAKES =
  /^(?:lock|Lock|lockInterruptibly|tryLock|TryLock|LockContext|TryLockContext|acquire|Acquire|tryAcquire|TryAcquire|Obtain|obtain|lockAsync|tryLockAsync|acquireAsync|RLock|acquire_lock|try_lock|blockingLock|try_acquire)$/
const GIVES =
  /^(?:unlock|Unlock|UnlockContext|release|Release|unlockAsync|releaseAsync|RUnlock|release_lock|unlock_async|forceUnlock|releaseLock)$/
/** Verbs that many things have; what they are called on has to be a lock. */
const VAGUE = /^(?:acquire|Acquire|tryAcquire|TryAcquire|obtain|Obtain|acquireAsync|try_acquire)$/
const NAMED_TAKE =
  /^(?:try_?)?(?:acquire|take|obtain|get|grab|set)_?(\w*?)_?(?:lock|lease|mutex)(\w*)$/i
const NAMED_GIVE =
  /^(?:release|free|drop|remove|give_?back|clear|del|delete)_?(\w*?)_?(?:lock|lease|mutex)(\w*)$/i
const LOCKISH_TYPES =
  /^(?:R?W?Mutex|Mutex|RLock|RedissonLock|ReentrantLock|Lock|Semaphore|InterProcess\w+|Redlock|DistributedLock\w*|LockRegistry|\w*Locker|Lease)$/
const DISTRIBUTED =
  /redis|redlock|redsync|redisson|distributed|distlock|etcd|consul|zookeeper|curator|interprocess|dynamo|lease|remote|cluster|global/i

const HELD = Symbol("held locks")

/** Every lock that a function (a method with its lambdas, or a lone lambda) takes and gives back. */
export function heldLocksOf(program: Program, file: File, fn: Func): readonly HeldLock[] {
  return program.memo<Func, readonly HeldLock[]>(HELD, fn, [], () => {
    const calls = file.calls.filter((call) => call.start >= fn.start && call.end <= fn.end)
    const found: HeldLock[] = []
    for (const take of calls) {
      const given = givesOf(program, file, take, calls)
      const gives = upToTheEnd(
        file,
        take,
        given.filter((give) => !isOfOtherTake(file, take, give)),
      )
      if (gives.length === 0) continue
      const receiver = receiverOf(take)
      const type = receiver ? typeOf(program, file, receiver, take) : null
      found.push({
        take,
        gives,
        names: boundNames(file, take),
        isDistributed: DISTRIBUTED.test(`${dotted(take.callee)} ${type ?? ""}`),
      })
    }
    return [...found, ...ofStores(program, file, fn)].sort((a, b) => a.take.start - b.take.start)
  })
}

function ofStores(program: Program, file: File, fn: Func): HeldLock[] {
  return stepsOf(program, file).flatMap((claim) => {
    const { call } = claim.store
    if (claim.store.kind !== "claim" || call.start < fn.start || call.end > fn.end) return []
    const releases = partnersOf(program, claim, "delete", "script").filter(
      (one) =>
        one.file === file &&
        one.store.call.start > call.start &&
        one.store.call.end <= fn.end &&
        (isLock(claim, one) || isFinal(one)),
    )
    if (releases.length === 0) return []
    const gives = releases.map((one) => one.store.call)
    return [{ take: call, gives, names: boundNames(file, call), isDistributed: true }]
  })
}

function givesOf(program: Program, file: File, take: Call, calls: readonly Call[]): Call[] {
  if (take.args.some((arg) => arg.kind === "lambda")) return []
  if (file.parentOf(take)?.kind === "defer") return []
  const own = NAMED_TAKE.exec(take.name)
  const receiver = receiverOf(take)
  if (own && !TAKES.test(take.name)) {
    return calls.filter((call) => {
      const give = NAMED_GIVE.exec(call.name)
      return (
        give !== null &&
        call.start > take.start &&
        sameWords(own, give) &&
        sameOwner(receiver, receiverOf(call))
      )
    })
  }
  if (!TAKES.test(take.name) || !receiver) return []
  if (VAGUE.test(take.name) && !isLockish(program, file, receiver, take)) return []
  const handles = boundNames(file, take).filter((name) => !/^(?:err|error|ok)$/.test(name))
  if (calls.some((call) => TAKES.test(call.name) && isOn(call, handles))) return []
  return calls.filter((call) => {
    if (call.start <= take.start) return false
    // `const release = await mutex.acquire()` … `release()`
    if (call.callee.kind === "name") return handles.includes(call.name)
    if (!GIVES.test(call.name) || isRead(take.name) !== isRead(call.name)) return false
    const on = receiverOf(call)
    const onName = on ? dotted(on) : ""
    if (handles.includes(onName)) return true
    if (onName !== dotted(receiver)) return false
    // `locks.lock(a)` and `locks.unlock(b)`: the same registry, another lock.
    return sameArgument(file, take, call, handles)
  })
}

/** A lambda that takes the lock itself gives back what it has taken: `defer func() { mu.Lock(); …; mu.Unlock() }()`. */
function isOfOtherTake(file: File, take: Call, give: Call): boolean {
  const inner = file.functionOf(give)
  const lock = receiverOf(give)
  if (!inner?.isLambda || !lock || inner === file.functionOf(take)) return false
  return file.calls.some(
    (call) =>
      TAKES.test(call.name) &&
      call.start >= inner.start &&
      call.end <= give.start &&
      call !== take &&
      dotted(receiverOf(call) ?? call) === dotted(lock),
  )
}

/** A helper of the same object that gives the lock back for its caller: `w.clearLocked()`. */
export function givesWithin(program: Program, file: File, take: Call, call: Call): boolean {
  const receiver = receiverOf(take)
  const on = receiverOf(call)
  if (receiver?.kind !== "member" || !on || dotted(on) !== dotted(receiver.object)) return false
  return resolveCall(program, file, call).some(({ file: from, fn }) => {
    const inside = from.calls.filter((one) => one.start >= fn.start && one.end <= fn.end)
    const ofLock = inside.filter((one) => {
      const held = receiverOf(one)
      return held?.kind === "member" && held.name === receiver.name
    })
    const first = ofLock.find((one) => TAKES.test(one.name) || GIVES.test(one.name))
    return first !== undefined && GIVES.test(first.name)
  })
}

/** What comes after the release that ends every way belongs to the next take. */
function upToTheEnd(file: File, take: Call, gives: readonly Call[]): readonly Call[] {
  const end = gives.findIndex((give) => comesAlways(file, take, give))
  if (end < 0) return gives
  // A catch of what is tried up to there gives this lock back too.
  const last = gives[end]!
  const isCaught = (give: Call): boolean =>
    file
      .ancestorsOf(give)
      .some((outer) => outer.kind === "try" && holds(outer.body, take) && holds(outer.body, last))
  return gives.filter((give, index) => index <= end || isCaught(give))
}

function holds(outer: Node, inner: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}

/** Whether a release comes on every way from the take that does not leave: no branch lies between. */
function comesAlways(file: File, take: Call, give: Call): boolean {
  let inner: Node = give
  for (const outer of file.ancestorsOf(give)) {
    if (outer.kind === "block" && outer.start <= take.start && take.end <= outer.end) return true
    if (/^(?:if|loop|switch|select|function)$/.test(outer.kind)) return false
    if (outer.kind === "try" && outer.catches.some((one) => one.body === inner)) return false
    inner = outer
  }
  return true
}

/** `client.lock(name)` that only makes the lock which `lock.acquire()` takes. */
function isOn(call: Call, handles: readonly string[]): boolean {
  const receiver = receiverOf(call)
  return receiver !== null && handles.includes(dotted(receiver))
}

/** Readers' locks and writers' locks of one mutex are two. */
function isRead(name: string): boolean {
  return /^RU?n?[Ll]ock/.test(name)
}

function sameArgument(file: File, take: Call, give: Call, handles: readonly string[]): boolean {
  const [a, b] = [keyOf(take), keyOf(give)]
  if (!a || !b) return true
  const [left, right] = [file.textOf(a), file.textOf(b)]
  return left === right || handles.includes(right)
}

function keyOf(call: Call): Node | null {
  const [first, second] = call.args
  const isContext = first && /ctx|context/i.test(dotted(first))
  const key = isContext ? second : first
  if (!key || key.kind === "number" || key.kind === "bool" || key.kind === "named") return null
  return key
}

function sameWords(a: RegExpExecArray, b: RegExpExecArray): boolean {
  const words = (match: RegExpExecArray): string =>
    `${match[1] ?? ""}${match[2] ?? ""}`.toLowerCase().replace(/by\w*$|async$/, "")
  return words(a) === words(b)
}

function sameOwner(a: Node | null, b: Node | null): boolean {
  return (a ? dotted(a) : "") === (b ? dotted(b) : "")
}

function isLockish(program: Program, file: File, receiver: Node, at: Node): boolean {
  const name = dotted(receiver)
  if (isLockName(name)) return true
  if (
    wordsOf(name).some((word) =>
      /^(?:redlock|lease|leases|permits?|distlock|redisson|elector)$/.test(word),
    )
  ) {
    return true
  }
  const type = typeOf(program, file, receiver, at)
  if (type !== null && LOCKISH_TYPES.test(type)) return true
  return definitionsOf(program, file, receiver).some(
    ({ value }) => value?.kind === "call" && /lock|mutex|semaphore/i.test(value.name),
  )
}

/** The names that a call's results are bound to, in their order. */
export function boundNames(file: File, call: Call): string[] {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "assign" && outer.value === inner) {
      return outer.targets
        .flatMap((target) => (target.kind === "list" ? target.items : [target]))
        .map(dotted)
        .filter((name) => name !== "" && name !== "_")
    }
    if (outer.kind === "call" && outer.callee !== inner && outer.callee.kind !== "member") return []
    if (outer.kind === "block" || outer.kind === "if" || outer.kind === "function") return []
    inner = outer
  }
  return []
}

/** Whether a call runs however its function ends. */
export function runsFinally(file: File, call: Call): boolean {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "try" && outer.finalizer === inner) return true
    if (outer.kind === "defer") return true
    if (outer.kind === "call" && FINAL_CALLS.test(outer.name) && outer.args.includes(inner))
      return true
    if (outer.kind === "function" && !outer.isLambda) return false
    inner = outer
  }
  return false
}

const FINAL_CALLS =
  /^(?:finally|doFinally|whenComplete|handle|onCompletion|onTermination|invokeOnCompletion|onFinish|Cleanup|callback|push|push_async_callback|addCallback|registerSynchronization|afterCommit|on_commit|onCommit)$/
