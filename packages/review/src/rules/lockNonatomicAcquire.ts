/** lock-nonatomic-acquire: what lies between two steps of taking a lock is a crash, or another holder. */
import type { File } from "../analysis/program/file.ts"
import {
  isDecided,
  isInBatch,
  methodOf,
  partnersOf,
  speaksOfLock,
  spellsLock,
  stepsOf,
  type Step,
} from "../analysis/stores/locks.ts"
import type { Program } from "../analysis/program/program.ts"
import { leaves } from "../analysis/program/failures.ts"
import { walk } from "../ir/children.ts"
import type { If, Node } from "../ir/nodes.ts"
import type { Draft, Rule } from "./rule.ts"

export const lockNonatomicAcquire: Rule = {
  id: "lock-nonatomic-acquire",
  title: "Lock taken in two steps",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /nx\b|NX|Nx\b|SetIf|setIf|set_if|\.set|\.Set|"SET"/,
  docs: {
    what: "A lock is taken by setting its key and giving it an expiry in a second call, or by asking whether the key exists and setting it afterwards.",
    why: "A process that dies between SETNX and EXPIRE leaves a lock that nobody holds and that never ends: every later run finds it taken. Between GET and SET two processes both see that the lock is free, and both take it.",
    silent: [
      "One command sets the key, only when it is absent, with its expiry.",
      "A script or a transaction (MULTI) does both steps.",
      "Nothing depends on whether the key was set.",
    ],
    reach: {
      sees: [
        "SETNX, `setIfAbsent` and their like without an expiry, and EXPIRE on the same key later in the function: go-redis, redigo, rueidis, redis-py, ioredis, node-redis, Jedis, Lettuce and Spring's templates, and commands that are sent by their name.",
        "GET, EXISTS or `hasKey` and then SET of the same key, where the answer decides on it, the key or what is around it speaks of a lock, and something deletes the key or it ends by itself.",
        "Keys are the same where their text, their constant or the function that makes them is.",
      ],
      misses: [
        "Two steps in two functions, and Redisson's buckets, which are given no key.",
        "A store behind a name and a type that say nothing of one.",
        "Locks that are rows of a table.",
      ],
    },
    fix: "Take the lock in one command: `SET key token NX PX ttl`.",
    reference: "https://redis.io/docs/latest/commands/setnx/",
    examples: {
      go: {
        bad: "ok, err := rdb.SetNX(ctx, lockKey, token, 0).Result()\nif err != nil || !ok {\n\treturn err\n}\nrdb.Expire(ctx, lockKey, time.Minute)",
        good: "ok, err := rdb.SetNX(ctx, lockKey, token, time.Minute).Result()",
      },
      python: {
        bad: "if r.setnx(lock_key, token):\n    r.expire(lock_key, 60)",
        good: "if r.set(lock_key, token, nx=True, ex=60):\n    ...",
      },
      typescript: {
        bad: "if (await redis.setnx(lockKey, token)) {\n  await redis.expire(lockKey, 60)\n}",
        good: 'if (await redis.set(lockKey, token, "EX", 60, "NX")) {\n  …\n}',
      },
      java: {
        bad: "if (jedis.setnx(lockKey, token) == 1) {\n  jedis.expire(lockKey, 60);\n}",
        good: 'if ("OK".equals(jedis.set(lockKey, token, new SetParams().nx().ex(60)))) {\n  …\n}',
      },
      kotlin: {
        bad: "if (ops.setIfAbsent(lockKey, token) == true) {\n  redis.expire(lockKey, Duration.ofMinutes(1))\n}",
        good: "if (ops.setIfAbsent(lockKey, token, Duration.ofMinutes(1)) == true) {\n  …\n}",
      },
    },
  },
  check(file, program, report) {
    for (const step of stepsOf(program, file)) {
      const draft =
        step.store.kind === "claim"
          ? expiredLater(program, step)
          : step.store.kind === "write"
            ? askedBefore(program, step)
            : null
      if (draft) report(draft)
    }
  },
}

/** SETNX, and EXPIRE after it. */
function expiredLater(program: Program, claim: Step): Draft | null {
  const { file, store } = claim
  if (store.expires !== false || !isDecided(file, store) || isInBatch(program, claim)) return null
  const expiry = partnersOf(program, claim, "expire").find(
    (one) =>
      one.file === file &&
      methodOf(one) === methodOf(claim) &&
      one.store.call.start > store.call.start &&
      !isInBatch(program, one),
  )
  if (!expiry || isCounter(claim)) return null
  return {
    at: store.call,
    tier: "likely",
    severity: "high",
    message:
      "The key gets its expiry in a second call: a process that dies in between leaves it taken for ever",
    because: [
      { text: "the key is set here, without an expiry", at: store.call },
      { text: "and gets it here", at: expiry.store.call },
    ],
    checked: [
      "the call that sets the key gives no expiry",
      "the two calls are no transaction and no script",
    ],
  }
}

/** The first value of a counter: whoever comes next counts on, and nothing is taken. */
function isCounter(claim: Step): boolean {
  const fn = methodOf(claim)
  return (
    !speaksOfLock(claim) &&
    claim.file.calls.some(
      (call) =>
        fn !== null &&
        call.start >= fn.start &&
        call.end <= fn.end &&
        /^(?:p?incr|decr|increment|decrement|hincr)/i.test(call.name),
    )
  )
}

/** GET or EXISTS, and SET when there is nothing. */
function askedBefore(program: Program, write: Step): Draft | null {
  const { file, store } = write
  const fn = methodOf(write)
  if (!fn?.body || !speaksOfLock(write) || isInBatch(program, write)) return null
  const read = partnersOf(program, write, "read").find(
    (one) => one.file === file && methodOf(one) === fn && one.store.call.start < store.call.start,
  )
  if (!read) return null
  // What is named a lock and ends by itself needs no release to be one.
  const isSpelled = store.expires === true && spellsLock(write)
  if (!isSpelled && partnersOf(program, write, "delete", "script").length === 0) return null
  const test = testOf(file, fn.body, read, write)
  if (!test) return null
  return {
    at: store.call,
    tier: "likely",
    severity: "high",
    message:
      "The lock is set after a separate look whether it is free: two that look at the same time both take it",
    because: [
      { text: "whether it is free is asked here", at: read.store.call },
      { text: "decided here", at: test },
      { text: "and it is taken here", at: store.call },
    ],
    checked: ["the call that sets the key does not ask that it be absent (NX)"],
  }
}

/** The test that decides on a read whether the write comes, where nothing else decides on it. */
function testOf(file: File, body: Node, read: Step, write: Step): Node | null {
  const bound = namesOf(file, read.store.call)
  const asks = (node: Node): boolean => {
    // An error tells of absence only where it is compared with the one that means it.
    const isAbsence = /Nil\b|NotFound|CacheMiss|KeyError|DoesNotExist/.test(file.textOf(node))
    const names = bound.filter((name) => isAbsence || !/^(?:err|error|e)$/.test(name))
    let found = false
    walk(node, (one) => {
      if (one === read.store.call) found = true
      if (one.kind === "name" && names.includes(one.name)) found = true
      return !found
    })
    return found
  }
  let decided: Node | null = null
  for (const outer of file.ancestorsOf(write.store.call)) {
    if (outer === body) break
    if (outer.kind !== "if" || !isBefore(outer.test, write)) continue
    if (!asks(outer.test)) return null
    decided = outer.test
  }
  if (decided) return decided
  let early: If | null = null
  walk(body, (node) => {
    if (node.kind === "if" && node.end < write.store.call.start && asks(node.test)) {
      if (leaves(node.then.body)) early ??= node
    }
    return early === null
  })
  return (early as If | null)?.test ?? null
}

function isBefore(test: Node, write: Step): boolean {
  return test.end <= write.store.call.start
}

function namesOf(file: File, call: Node): string[] {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "assign") {
      return outer.targets.flatMap((one) =>
        one.kind === "name" && one.name !== "_" ? [one.name] : [],
      )
    }
    if (outer.kind === "block") return []
  }
  return []
}
