/** lock-not-released-on-throw: the way out that nobody thought of leaves the lock behind. */
import { leaves } from "../analysis/program/failures.ts"
import type { File } from "../analysis/program/file.ts"
import {
  givesWithin,
  type HeldLock,
  heldLocksOf,
  runsFinally,
} from "../analysis/sharing/heldLocks.ts"
import { dotted } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { walk } from "../ir/children.ts"
import type { Call, Func, If, Node } from "../ir/nodes.ts"
import type { Draft, Rule } from "./rule.ts"

/** Calls that do not fail in practice: looking things up in memory, counting, logging. */
const SAFE =
  /^(?:log\w*|debug|info|warn|warning|error|trace|severe|fine|print\w*|format|sprintf|now|time|monotonic|currentTimeMillis|nanoTime|hrtime|get|set|put|add|addAll|remove|contains\w*|has|is[A-Z]\w*|is_\w+|size|length|count|clear|push|pop|shift|unshift|poll|peek|offer|append|appendleft|popleft|extend|insert|len|range|str|int|float|bool|list|dict|tuple|set|sorted|min|max|sum|abs|toString|valueOf|equals|hashCode|signal|signalAll|notify|notifyAll|notify_all|String|Number|Boolean|Date|Integer|Long|keys|values|items|entries|iterator|next|hasNext|get[A-Z]\w*|set[A-Z]\w*|incrementAndGet|getAndIncrement|decrementAndGet|addAndGet|compareAndSet|computeIfAbsent|putIfAbsent|getOrDefault|update|join|split|trim|strip|startsWith|endsWith|asList|of|listOf|mapOf|emptyList|stream|copy|slice|concat|ofNullable|orElse|Error|Exception|\w+Exception|\w+Error|currentThread|identity|isinstance|type|hash|id|unlock|release)$/

export const lockNotReleasedOnThrow: Rule = {
  id: "lock-not-released-on-throw",
  title: "Lock kept when something fails",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /nlock|elease|RELEASE|\bdel\b|\bDel\b|delete|eval|Eval/,
  docs: {
    what: "A function takes a lock, works, and gives it back as the last of its steps: an error or an early return on the way skips that step.",
    why: "The lock stays taken. One in the process blocks every later caller for ever; one in a store keeps everybody out until its expiry, if it has one. It happens when something else already goes wrong.",
    silent: [
      "The lock is given back in `finally`, by `defer`, by `with`, `use` or `withLock`.",
      "A catch gives it back too, or swallows every error on the way.",
      "It is given back in another function, which then owns it, or by a helper that is called on the way.",
      "Nothing on the way can fail: only lookups in memory, arithmetic, logging.",
    ],
    reach: {
      sees: [
        "Mutexes, locks and semaphores with `lock` and `unlock`, `acquire` and `release` or `tryLock`: Go's sync, threading and asyncio, java.util.concurrent, async-mutex, coroutines' Mutex.",
        "Locks over machines: Redisson, redsync, redlock, redis-py, Curator, and keys of a store that are set when absent and deleted in the same function.",
        "Pairs by their names: `acquireLock` and `releaseLock`, `takeLease` and `freeLease`.",
        "Ways out on the way: a return, the next round of the loop and, but in Go, a call that may fail; in TypeScript only one that is awaited.",
      ],
      misses: [
        "Panics of Go, and calls of TypeScript that throw at once.",
        "Calls with names of lookups, collections, conversions and logs: they are taken for ones that cannot fail.",
        "A release through a helper of another object than the one that holds the lock.",
      ],
    },
    fix: "Give the lock back in `finally` (or by `defer`, `with`, `withLock`) right after it was taken.",
    reference:
      "https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/concurrent/locks/Lock.html",
    examples: {
      go: {
        bad: "mu.Lock()\nif len(queue) == 0 {\n\treturn ErrEmpty\n}\nitem := queue[0]\nmu.Unlock()",
        good: "mu.Lock()\ndefer mu.Unlock()\nif len(queue) == 0 {\n\treturn ErrEmpty\n}\nitem := queue[0]",
      },
      python: {
        bad: "lock.acquire()\ncharge(order)\nlock.release()",
        good: "with lock:\n    charge(order)",
      },
      typescript: {
        bad: 'const lock = await redlock.acquire(["lock:a"], 5000)\nawait work()\nawait lock.release()',
        good: 'const lock = await redlock.acquire(["lock:a"], 5000)\ntry {\n  await work()\n} finally {\n  await lock.release()\n}',
      },
      java: {
        bad: "lock.lock();\nrepository.save(order);\nlock.unlock();",
        good: "lock.lock();\ntry {\n  repository.save(order);\n} finally {\n  lock.unlock();\n}",
      },
      kotlin: {
        bad: "mutex.lock()\nrepository.save(order)\nmutex.unlock()",
        good: "mutex.withLock {\n  repository.save(order)\n}",
      },
    },
  },
  check(file, program, report) {
    for (const fn of file.functions) {
      // Lambdas are looked at with the method around them.
      if (fn.isLambda && file.functionOf(fn) !== null) continue
      if (isLockItself(file, fn)) continue
      for (const held of heldLocksOf(program, file, fn)) {
        const exit = exitOf(program, file, held)
        if (exit) report(draftOf(file, held, exit))
      }
    }
  },
}

/** A class that is a lock holds no lock while it builds one: it has both `lock` and `unlock`. */
function isLockItself(file: File, fn: Func): boolean {
  const owner = file.classOf(fn)?.name ?? fn.receiver?.type
  if (!owner) return false
  const has = (names: RegExp): boolean =>
    file.functions.some(
      (one) => names.test(one.name) && (file.classOf(one)?.name ?? one.receiver?.type) === owner,
    )
  return has(/^(?:[lL]ock|[aA]cquire)$/) && has(/^(?:[uU]nlock|[rR]elease)$/)
}

interface Exit {
  /** The call that may fail, or the return. */
  readonly at: Node
  readonly isReturn: boolean
}

/** A way out between the take and what gives it back; null where there is none. */
function exitOf(program: Program, file: File, held: HeldLock): Exit | null {
  const { take, gives } = held
  const fn = file.functionOf(take)
  if (!fn?.body || gives.some((give) => file.functionOf(give) !== fn || isSafeGive(file, give))) {
    return null
  }
  if (gives.some((give) => runsFinally(file, give))) return null
  const last = gives.at(-1)!
  const start = heldFrom(file, take)
  if (start === null || last.start <= start) return null
  let exit: Exit | null = null
  walk(fn.body, (node) => {
    if (exit || node.end <= start || node.start >= last.start) return node.end > start && !exit
    if (node.kind === "function") return false
    if (node.kind === "if" && isAboutTake(file, node, held, last)) return false
    if (node.start < start) return undefined
    const isGive = held.gives.some((give) => node.start <= give.start && give.end <= node.end)
    if (leavesWith(file, node, held) && !isGive && !isGivenBefore(file, node, held))
      exit = { at: node, isReturn: true }
    if (node.kind === "call" && mayFail(file, node, held, fn)) exit = { at: node, isReturn: false }
    return exit === null
  })
  return exit !== null && isGivenByHelper(program, file, held, exit) ? null : exit
}

/** A return, or the next round of the loop that the lock is taken in. */
function leavesWith(file: File, node: Node, { take, gives }: HeldLock): boolean {
  if (node.kind === "return") return !handsOver(node, take)
  if (node.kind !== "continue" || node.label !== null) return false
  const loop = file.ancestorsOf(node).find((outer) => outer.kind === "loop")
  return [take, ...gives].every(
    (call) => loop !== undefined && loop.start <= call.start && call.end <= loop.end,
  )
}

/** `return writer, mutex.Unlock, nil`: the caller gives it back. */
function handsOver(node: Node, take: Call): boolean {
  const lock = take.callee.kind === "member" ? dotted(take.callee.object) : ""
  let found = false
  walk(node, (one) => {
    if (one.kind === "call") return false
    if (one.kind === "member" && /^(?:R?[uU]nlock|[rR]elease)$/.test(one.name))
      found ||= dotted(one.object) === lock
    return !found
  })
  return found
}

/** Whether a helper that is called on the way to an exit gives the lock back. */
function isGivenByHelper(program: Program, file: File, { take }: HeldLock, { at }: Exit): boolean {
  return file.calls.some(
    (call) =>
      call.start > take.end && call.end <= at.start && givesWithin(program, file, take, call),
  )
}

/** A give in a catch: whoever wrote it thought of failure. */
function isSafeGive(file: File, give: Call): boolean {
  let inner: Node = give
  for (const outer of file.ancestorsOf(give)) {
    if (outer.kind === "try" && outer.catches.some((one) => one.body === inner)) return true
    if (outer.kind === "call" && /^(?:catch|onFailure|except|recover|onError)$/.test(outer.name))
      return true
    if (outer.kind === "function") return false
    inner = outer
  }
  return false
}

/** Where the lock begins to be held: after the test that asks for it, where the test leaves when it was not taken. */
function heldFrom(file: File, take: Call): number | null {
  let inner: Node = take
  for (const outer of file.ancestorsOf(take)) {
    if (outer.kind === "loop") return outer.end
    if (outer.kind === "if" && (outer.test === inner || outer.init === inner)) {
      return leaves(outer.then.body) ? outer.end : outer.test.end
    }
    if (outer.kind === "block") return inner.end
    if (outer.kind === "function") return null
    inner = outer
  }
  return null
}

/** `if (!acquired) throw …`, `if err != nil { return err }` right after the take. */
function isAboutTake(file: File, branch: If, { take, names }: HeldLock, last: Call): boolean {
  if (last.start >= branch.start && last.end <= branch.end) return false
  const assigned = file.assignments.filter(
    (one) => one.start > take.end && one.end <= branch.test.start,
  )
  const current = names.filter(
    (name) => !assigned.some((one) => one.targets.some((target) => dotted(target) === name)),
  )
  let found = false
  walk(branch.test, (node) => {
    if ((node.kind === "name" || node.kind === "member") && current.includes(dotted(node))) {
      found = true
    }
    return !found
  })
  return found
}

/** Whether the lock was given back on the way to a node: in a block that holds the node, before it. */
function isGivenBefore(file: File, node: Node, { gives }: HeldLock): boolean {
  return gives.some((give) => {
    if (give.end > node.start) return false
    for (const outer of file.ancestorsOf(give)) {
      if (outer.kind === "block") return outer.start <= node.start && node.end <= outer.end
    }
    return false
  })
}

function mayFail(file: File, call: Call, held: HeldLock, fn: Func): boolean {
  if (file.language === "go" || held.gives.includes(call) || call === held.take) return false
  if (SAFE.test(call.name) || call.isNew || isGivenBefore(file, call, held)) return false
  if (/(?:^|\.)(?:log|logger|LOG|LOGGER|logging|console)\./.test(dotted(call.callee))) return false
  const isScript = file.language === "javascript" || file.language === "typescript"
  if (isScript && file.parentOf(call)?.kind !== "await") return false
  return !isSwallowed(file, call, held, fn)
}

/** A catch of everything on the way that goes on to a release; one that passes over every release leaks the lock. */
function isSwallowed(file: File, call: Call, { gives }: HeldLock, fn: Func): boolean {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer === fn) return false
    if (outer.kind === "try" && outer.body === inner) {
      const all = outer.catches.find(
        (one) =>
          one.types.length === 0 ||
          one.types.some((type) =>
            /^(?:Exception|Throwable|BaseException|RuntimeException|Error)$/.test(type),
          ),
      )
      const isAfter = gives.some((give) => give.start >= outer.body.end)
      if (all && isAfter && !leaves(all.body.body, "function")) return true
    }
    if (outer.kind === "call" && /^(?:runCatching|catch|allSettled)$/.test(outer.name)) return true
    inner = outer
  }
  return false
}

/** Lines after which a reader no longer sees the lock from where the function is left. */
const FAR = 10

function draftOf(file: File, held: HeldLock, exit: Exit): Draft {
  const what = held.isDistributed ? "until it expires" : "for ever"
  const name = exit.at.kind === "call" ? dotted(exit.at.callee) : ""
  const way = exit.isReturn
    ? exit.at.kind === "return"
      ? "a return on the way"
      : "the next round of the loop"
    : `\`${name.length > 50 || name === "" ? "a call" : name}\` on the way that fails`
  const between = file.text.slice(held.take.start, exit.at.start).split("\n").length
  return {
    // What is missing is missing where the function is left; a call that fails wants a `finally` around all of it.
    at: exit.isReturn && between > FAR ? exit.at : held.take,
    tier: "likely",
    severity: exit.isReturn && !held.isDistributed ? "high" : "medium",
    message: `The lock is given back only when all goes well: ${way} leaves it taken ${what}`,
    because: [
      { text: "the lock is taken here", at: held.take },
      { text: exit.isReturn ? "the function is left here" : "this may fail", at: exit.at },
      { text: "and only here it is given back", at: held.gives.at(-1)! },
    ],
    checked: [
      "it is given back in no `finally`, `defer`, `with` or catch",
      "no catch between take and release swallows every error",
    ],
  }
}
