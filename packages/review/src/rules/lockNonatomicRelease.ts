/** lock-nonatomic-release: between the question whose lock it is and the answer it may pass on. */
import { isLock, partnersOf, speaksOfLock, stepsOf, type Step } from "../analysis/stores/locks.ts"
import { hasScript, ownerCheckOf } from "../analysis/stores/ownerChecks.ts"
import type { Rule } from "./rule.ts"
import type { Program } from "../analysis/program/program.ts"

export const lockNonatomicRelease: Rule = {
  id: "lock-nonatomic-release",
  title: "Lock compared and deleted in two steps",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /del|Del|DEL|unlink|Unlink|remove|evict/,
  docs: {
    what: "A lock is given back by reading its key, comparing the value with one's own, and deleting the key in a second call.",
    why: "The lock can expire and be taken by somebody else after the read and before the delete. The check passes, and the lock of another holder is deleted all the same. It is rare, and it is what the check was written against.",
    silent: [
      "A script compares and deletes in one step, and two steps are only what is left where no script can run.",
      "The key is watched (WATCH) and deleted in a transaction.",
      "What is compared and deleted is no lock: a code, a session, a nonce.",
    ],
    reach: {
      sees: [
        "A read of a key, a comparison of its value and a delete of the same key in one function: go-redis, redigo, rueidis, redis-py, ioredis, node-redis, Jedis, Lettuce and Spring's templates, memcached, Django's cache, and commands that are sent by their name.",
        "A comparison that a function of the repository makes, which reads the key and is asked before (`isOwner(key, token)`).",
        "Keys that are taken with NX here or in another file, and keys and functions that are called after locks, leases or releasing.",
      ],
      misses: [
        "A comparison in one function and the delete in another that does not ask it.",
        "A script in the same function that does not compare: any is taken for one that does both.",
        "Locks that are rows of a table or documents.",
      ],
    },
    fix: "Compare and delete in one Lua script: `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end`.",
    reference: "https://redis.io/docs/latest/commands/set/#patterns",
    examples: {
      go: {
        bad: "if val, _ := rdb.Get(ctx, lockKey).Result(); val == token {\n\trdb.Del(ctx, lockKey)\n}",
        good: "compareAndDelete.Run(ctx, rdb, []string{lockKey}, token)",
      },
      python: {
        bad: "if r.get(lock_key) == token:\n    r.delete(lock_key)",
        good: "compare_and_delete(keys=[lock_key], args=[token])",
      },
      typescript: {
        bad: "if ((await redis.get(lockKey)) === token) {\n  await redis.del(lockKey)\n}",
        good: "await redis.eval(COMPARE_AND_DELETE, 1, lockKey, token)",
      },
      java: {
        bad: "if (token.equals(jedis.get(lockKey))) {\n  jedis.del(lockKey);\n}",
        good: "jedis.eval(COMPARE_AND_DELETE, List.of(lockKey), List.of(token));",
      },
      kotlin: {
        bad: "if (jedis.get(lockKey) == token) {\n  jedis.del(lockKey)\n}",
        good: "jedis.eval(COMPARE_AND_DELETE, listOf(lockKey), listOf(token))",
      },
    },
  },
  check(file, program, report) {
    for (const release of stepsOf(program, file)) {
      if (release.store.kind !== "delete") continue
      const check = ownerCheckOf(program, release)
      if (!check || check.isAtomic || hasScript(release)) continue
      const claim = claimOf(program, release)
      if (!claim && !speaksOfLock(release)) continue
      report({
        at: check.at,
        tier: "likely",
        severity: "medium",
        message:
          "The lock is compared and deleted in two steps: it can expire and pass on between them",
        because: [
          { text: "the value is read here", at: check.read },
          { text: "compared here", at: check.at },
          { text: "and the key is deleted here", at: release.store.call },
          ...(claim
            ? [{ text: "the lock is taken here", at: claim.store.call, file: claim.file }]
            : []),
        ],
        checked: [
          "no script compares and deletes in one step",
          "the key is not watched by a transaction",
        ],
      })
    }
  },
}

function claimOf(program: Program, release: Step): Step | null {
  return partnersOf(program, release, "claim").find((one) => isLock(one, release)) ?? null
}
