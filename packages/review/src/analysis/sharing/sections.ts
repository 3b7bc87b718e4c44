/**
 * Critical sections: which lock is held where. Between Lock and Unlock (or the end of the function after a deferred
 * one), within `synchronized`, `with lock`, `withLock { }`, `runExclusive(…)`, and through a whole method that says so.
 */
import type { Block, Call, Func, Node } from "../../ir/nodes.ts"
import { callersOf } from "../program/definitions.ts"
import { leaves } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { isKnown } from "../program/known.ts"
import { dotted, receiverOf, wordsOf } from "../program/names.ts"
import type { Located, Program } from "../program/program.ts"
import { isSelf, typeOf } from "../program/resolve.ts"
import { runsInPlace } from "../program/yields.ts"

interface Span {
  readonly start: number
  end: number
}

/** One stretch of code that runs under a lock, from where it is taken until it is given back. */
export interface Section {
  /** The lock as named within its class: `mu`, `this` for the object's own. */
  readonly lock: string
  /** Where it is taken. */
  readonly at: Node
  /** Where it is held; branches that give it back early are left out. */
  readonly spans: readonly Span[]
}

/** Calls that take a lock until another call gives it back. */
const TAKES = /^(?:Lock|RLock|lock|lockInterruptibly|acquire|acquire_lock|readLock|writeLock)$/
const GIVES = /^(?:Unlock|RUnlock|unlock|release|release_lock|readUnlock|writeUnlock)$/
/** Calls that run their callback under a lock. */
const WRAPS =
  /^(?:withLock|runExclusive|runLocked|synchronized|withReentrantLock|read|write|useLock|dispatch|lock|acquire|withPermit|exclusive|request)$/
const LOCK_WORDS = new Set([
  ..."lock locks rlock wlock mutex mu mtx rw rwlock semaphore sem cond condition guard monitor critical latch locker sync".split(
    " ",
  ),
])
const LOCK_TYPES =
  /^(?:R?W?Mutex|Mutex|ReentrantLock|Lock|RLock|Condition|Semaphore|ReadWriteLock|ReentrantReadWriteLock|StampedLock|AsyncLock|Locker)$/

const MEMO = Symbol("sections of a function")

/** The sections that a node stands in, of its own function and of those around it that run it in place. */
export function sectionsAt(program: Program, file: File, node: Node): Section[] {
  const found: Section[] = []
  let fn = node.kind === "function" ? node : file.functionOf(node)
  for (; fn !== null; fn = file.functionOf(fn)) {
    for (const section of sectionsOf(program, file, fn)) {
      if (section.spans.some((span) => span.start <= node.start && node.end <= span.end))
        found.push(section)
    }
    if (!fn.isLambda || !runsInPlace(file, fn)) break
  }
  return found
}

/** Whether two nodes stand in one section: nothing of another holder of its lock can come between. */
export function shareSection(program: Program, file: File, a: Node, b: Node): boolean {
  const of = sectionsAt(program, file, b)
  return sectionsAt(program, file, a).some((one) => of.includes(one))
}

/** Whether every known caller of a function holds a lock, or its name says that it has to. */
export function isCalledHeld(program: Program, located: Located, depth = 2): boolean {
  const { fn } = located
  if (/(?:^|_)locked$|Locked$|WithLock$|withLock$|UnderLock$|_unlocked$|unsafe$/i.test(fn.name))
    return true
  const callers = callersOf(program, located)
  return (
    callers.length > 0 &&
    callers.every(({ file, call }) => {
      if (sectionsAt(program, file, call).length > 0) return true
      const around = file.methodOf(call)
      return (
        depth > 1 &&
        around !== null &&
        around !== fn &&
        isCalledHeld(program, { file, fn: around }, depth - 1)
      )
    })
  )
}

/** Whether a name or a type is a lock's. */
export function isLockName(name: string): boolean {
  return wordsOf(name.replace(/\(\)|\[\]/g, "")).some((word) => LOCK_WORDS.has(word))
}

/** Every section of a function, in the order in which they begin. */
export function sectionsOf(program: Program, file: File, fn: Func): readonly Section[] {
  return program.memo<Func, readonly Section[]>(MEMO, fn, [], () => {
    const found: Section[] = []
    if (!fn.body) return found
    const whole = wholeOf(fn)
    if (whole)
      found.push({ lock: whole, at: fn, spans: [{ start: fn.body.start, end: fn.body.end }] })
    new Walk(program, file, found, fn.end).block(fn.body, new Map())
    return found
  })
}

function wholeOf(fn: Func): string | null {
  if (fn.modifiers.includes("synchronized"))
    return fn.modifiers.includes("static") ? "class" : "this"
  const by = fn.annotations.find((one) =>
    /^(?:Synchronized|synchronized|Locked|with_lock|locked)$/.test(one.name.split(".").at(-1)!),
  )
  return by ? "this" : null
}

interface Open {
  readonly spans: Span[]
}

type Held = Map<string, Open>

/** One walk through the statements of a function; what is held is passed on from statement to statement. */
class Walk {
  readonly #program: Program
  readonly #file: File
  readonly #found: Section[]
  readonly #end: number

  constructor(program: Program, file: File, found: Section[], end: number) {
    this.#program = program
    this.#file = file
    this.#found = found
    this.#end = end
  }

  block(block: Block, held: Held): void {
    for (const statement of block.body) this.#statement(statement, held, block)
  }

  #statement(node: Node, held: Held, block: Block): void {
    const call = callOf(node)
    if (call) {
      const taken = this.#taken(call, node)
      if (taken !== null) {
        const open: Open = { spans: [{ start: node.end, end: this.#end }] }
        this.#found.push({ lock: taken, at: call, spans: open.spans })
        held.set(taken, open)
        return
      }
      const given = this.#given(call, held)
      if (given !== null) return this.#give(given, held, node.start)
    }
    this.#expressions(node)
    this.#nested(node, held, block)
  }

  /** Ends a section, or in a branch takes the branch's rest out of it. */
  #give(lock: string, held: Held, at: number): void {
    const open = held.get(lock)
    if (open) open.spans.at(-1)!.end = at
    held.delete(lock)
  }

  #nested(node: Node, held: Held, block: Block): void {
    switch (node.kind) {
      case "block":
        return this.block(node, held)
      case "if":
        return this.#branches(
          [node.then, ...(node.otherwise ? [node.otherwise] : [])],
          node,
          held,
          node.otherwise !== null,
        )
      case "switch":
      case "select":
        return this.#branches(
          node.cases.map((one) => one.body),
          node,
          held,
          true,
        )
      case "loop":
        return this.#branches([node.body], node, held, false)
      case "with":
        this.#with(node)
        return this.block(node.body, held)
      case "try": {
        const before = new Map(held)
        this.block(node.body, held)
        for (const one of node.catches) this.block(one.body, new Map(before))
        if (node.otherwise) this.block(node.otherwise, held)
        if (node.finalizer) this.block(node.finalizer, held)
        return
      }
      default:
        void block
    }
  }

  /** Branches each begin with what is held; one that gives a lock back and goes on ends it for all. */
  #branches(bodies: readonly Block[], whole: Node, held: Held, isComplete: boolean): void {
    const after: Held[] = []
    for (const body of bodies) {
      const own = new Map(held)
      this.block(body, own)
      const gone = [...held.keys()].filter((lock) => !own.has(lock))
      for (const lock of gone) {
        const open = held.get(lock)!
        // What follows the branch is still held on the other ways.
        open.spans.push({ start: body.end, end: this.#end })
      }
      if (!leaves(body.body, "round")) after.push(own)
    }
    if (!isComplete) after.push(new Map(held))
    for (const lock of [...held.keys()]) {
      if (after.some((own) => !own.has(lock))) this.#give(lock, held, whole.end)
    }
    // Taken in every branch, or in the only one that goes on.
    if (after.length === 1) for (const [lock, open] of after[0]!) held.set(lock, open)
  }

  #taken(call: Call, statement: Node): string | null {
    if (!TAKES.test(call.name) || statement.kind === "defer") return null
    const receiver = receiverOf(call)
    if (!receiver || call.args.some((arg) => arg.kind === "lambda")) return null
    return this.#isLock(receiver, call) ? this.#nameOf(receiver, call) : null
  }

  #given(call: Call, held: Held): string | null {
    const receiver = receiverOf(call)
    if (GIVES.test(call.name) && receiver) {
      const name = this.#nameOf(receiver, call)
      return held.has(name) ? name : null
    }
    // `const release = await mutex.acquire()` … `release()`
    if (/^(?:release|unlock|free|done)\w*$/i.test(call.name) && !receiver && held.size > 0)
      return [...held.keys()].at(-1)!
    return null
  }

  #isLock(receiver: Node, at: Node): boolean {
    if (this.#file.language === "go") return true
    if (isLockName(dotted(receiver))) return true
    const type = typeOf(this.#program, this.#file, receiver, at)
    return type !== null && LOCK_TYPES.test(type)
  }

  /** `with lock:`, `synchronized (lock)`. */
  #with(node: Node & { kind: "with" }): void {
    if (node.form === "resources") return
    for (const { value } of node.resources) {
      const bare = value.kind === "await" ? value.value : value
      if (node.form !== "synchronized" && !this.#isLock(bare, node)) continue
      this.#found.push({
        lock: this.#nameOf(bare, node),
        at: value,
        spans: [{ start: node.body.start, end: node.body.end }],
      })
    }
  }

  /** `mutex.withLock { }` and the like anywhere in a statement, its own nested functions left alone. */
  #expressions(root: Node): void {
    for (const call of this.#file.calls) {
      if (call.start < root.start || call.end > root.end) continue
      const isNamed = isKnown(this.#file.known.locks, call.callee)
      if (!isNamed && !WRAPS.test(call.name)) continue
      const body = call.args.at(-1)
      if (body?.kind !== "lambda" || !body.fn.body) continue
      // What the configuration names is the lock itself.
      const receiver = isNamed ? call.callee : receiverOf(call)
      const lock = receiver ?? (call.args.length > 1 ? call.args[0]! : null)
      if (!lock) continue
      if (
        receiver &&
        !isNamed &&
        call.name !== "runExclusive" &&
        call.name !== "withLock" &&
        !this.#isLock(receiver, call)
      )
        continue
      if (this.#found.some((one) => one.at === call)) continue
      this.#found.push({
        lock: this.#nameOf(lock, call),
        at: call,
        spans: [{ start: body.start, end: body.end }],
      })
    }
  }

  #nameOf(lock: Node, at: Node): string {
    const name = dotted(lock)
    const [root, ...rest] = name.split(".")
    if (root === undefined || !isSelf(this.#file, root, at)) return name
    return rest.length > 0 ? rest.join(".") : "this"
  }
}

/** The call of an expression statement, awaited or assigned or not; the call that a `defer` puts off is none. */
function callOf(node: Node): Call | null {
  if (node.kind === "call") return node
  if (node.kind === "await") return callOf(node.value)
  if (node.kind === "assign" && node.value) return callOf(node.value)
  return null
}
