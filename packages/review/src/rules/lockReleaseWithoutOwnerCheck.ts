/** lock-release-without-owner-check: whoever comes late deletes the lock of whoever has it now. */
import {
  claimBehind,
  expires,
  isLock,
  methodOf,
  partnersOf,
  stepsOf,
  type Step,
} from "../analysis/stores/locks.ts"
import { rowReleasesOf } from "../analysis/rows/lockRows.ts"
import { hasScript, ownerCheckOf } from "../analysis/stores/ownerChecks.ts"
import type { Program } from "../analysis/program/program.ts"
import { staticLockOf } from "../analysis/stores/tokens.ts"
import type { Draft, Rule } from "./rule.ts"

export const lockReleaseWithoutOwnerCheck: Rule = {
  id: "lock-release-without-owner-check",
  title: "Lock given back without asking whose it is",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /del|Del|DEL|unlink|Unlink|remove|evict|lock|lease/,
  docs: {
    what: "A lock in a store is given back by deleting its key (or freeing its row), whoever holds it by then.",
    why: "A lock with an expiry passes on while a slow holder still works: a pause, a slow query, a lost packet suffice. When that holder finishes it deletes a key that is no longer its own, and the next one walks in while the second still works.",
    silent: [
      "The value is compared and the key deleted in one step: a script, DELEX, a watched transaction.",
      "The value is read and compared first (lock-nonatomic-release speaks of that).",
      "The lock's value is a constant, which nothing could be compared with (lock-static-token speaks of that).",
      "The key is no lock: nothing takes it with set-if-absent, or its name says that it marks something done.",
      "The function says that it breaks locks by force, or is a thin layer that deletes any key.",
    ],
    reach: {
      sees: [
        "Keys that are set when absent, here or in another file, and deleted, one by one or as a list that is made of them: SET with NX, SETNX, `setIfAbsent`, `trySet`, and the `add` of memcached and Django's cache; go-redis, redigo, rueidis, redis-py, ioredis, node-redis, Jedis, Lettuce and Spring's templates, gomemcache, and commands that are sent by their name.",
        "Thin layers of the repository that take a lock by the key that they are given.",
        "Rows of tables named after locks, leases, leaders, mutexes or semaphores that are deleted or freed without their owner, in SQL, query builders, mappers and documents.",
        "Items of DynamoDB that are put with `attribute_not_exists` and deleted without a condition.",
      ],
      misses: [
        "A lock that another repository takes, or whose key is spelled in another way there.",
        "Locks of etcd, Consul and ZooKeeper, which end with a session, and Redisson's buckets, which are deleted without naming a key.",
        "A script in the same function that does not compare: any is taken for one that does.",
      ],
    },
    fix: "Store a random token when the lock is taken, and delete the key only while it holds that token, in one script.",
    reference: "https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/",
    examples: {
      go: {
        bad: "func (l *Lock) Release(ctx context.Context) error {\n\treturn l.rdb.Del(ctx, l.key).Err()\n}",
        good: "func (l *Lock) Release(ctx context.Context) error {\n\treturn deleteIfMine.Run(ctx, l.rdb, []string{l.key}, l.token).Err()\n}",
      },
      python: {
        bad: "def release(self):\n    self.redis.delete(self.lock_key)",
        good: "def release(self):\n    self.delete_if_mine(keys=[self.lock_key], args=[self.token])",
      },
      typescript: {
        bad: "async function release(lockKey: string) {\n  await redis.del(lockKey)\n}",
        good: "async function release(lockKey: string, token: string) {\n  await redis.eval(DELETE_IF_MINE, 1, lockKey, token)\n}",
      },
      java: {
        bad: "void unlock(String lockKey) {\n  redisTemplate.delete(lockKey);\n}",
        good: "void unlock(String lockKey, String token) {\n  redisTemplate.execute(DELETE_IF_MINE, List.of(lockKey), token);\n}",
      },
      kotlin: {
        bad: "fun unlock(lockKey: String) {\n  jedis.del(lockKey)\n}",
        good: "fun unlock(lockKey: String, token: String) {\n  jedis.eval(deleteIfMine, listOf(lockKey), listOf(token))\n}",
      },
    },
  },
  check(file, program, report) {
    for (const release of stepsOf(program, file)) {
      if (release.store.kind !== "delete") continue
      const claim = partnersOf(program, release, "claim").find((one) => isLock(one, release))
      if (!claim || ownerCheckOf(program, release) || isOnTime(release)) continue
      if (isAdapter(release) || hasScript(release) || isOfNobody(program, claim)) continue
      report(draftOf(program, claim, release))
    }
    for (const { at, statement, owner, taken } of rowReleasesOf(program, file)) {
      report({
        at,
        tier: "likely",
        severity: "high",
        message: `The lock's row is freed without asking for its \`${owner}\`: a holder that comes too late frees the lock of the next one`,
        because: [
          { text: "the row is freed here", at },
          { text: `and is taken here with \`${owner}\``, at: taken.at, file: taken.file },
        ],
        checked: [`the ${statement} has no condition on \`${owner}\``],
        fix: {
          text: `Add \`and ${owner} = …\` to the condition, and look at how many rows changed.`,
        },
      })
    }
  },
}

/** A constant could be compared with nothing: the mistake is where the lock is taken, and lock-static-token speaks of it. */
function isOfNobody(program: Program, claim: Step): boolean {
  return staticLockOf(program, claimBehind(program, claim))?.token.kind === "constant"
}

/** `delete(key)` of a thin layer over a client: what the key is, and whether to ask, its callers know. */
function isAdapter(release: Step): boolean {
  const fn = methodOf(release)
  const { key } = release.store
  return (
    fn !== null &&
    /^(?:del|delete|remove|unlink|evict)(?:_?key|_?one|async|raw|by_?key)?$/i.test(fn.name) &&
    key.kind === "name" &&
    fn.params.some((param) => param.name === key.name)
  )
}

/** A holder that looks at the time before it deletes has at least asked whether it is late. */
function isOnTime(release: Step): boolean {
  const { file, store } = release
  for (const outer of file.ancestorsOf(store.call)) {
    if (
      outer.kind === "if" &&
      /now\b|currentTimeMillis|monotonic|expir|deadline|elapsed|time_?out_?at/i.test(
        file.textOf(outer.test),
      )
    ) {
      return true
    }
    if (outer.kind === "function" && !outer.isLambda) return false
  }
  return false
}

function draftOf(program: Program, claim: Step, release: Step): Draft {
  const ends = expires(program, claim)
  return {
    at: release.store.call,
    tier: ends ? "likely" : "context",
    severity: "high",
    message:
      "The lock's key is deleted whoever holds it by now: after the expiry it is the lock of the next holder",
    because: [
      { text: "the lock is taken here", at: claim.store.call, file: claim.file },
      { text: "and its key is deleted here", at: release.store.call },
    ],
    checked: [
      "the value is not compared before the key is deleted, and no script does both",
      ...(ends ? [] : ["the lock has no expiry that could pass it on"]),
    ],
  }
}
