/** lock-static-token: a lock whose value is the same for every holder cannot be told from another's. */
import { expires, stepsOf, type Step } from "../analysis/stores/locks.ts"
import type { Program } from "../analysis/program/program.ts"
import { staticLockOf, type StaticToken, type TokenKind } from "../analysis/stores/tokens.ts"
import type { Draft, Rule } from "./rule.ts"

export const lockStaticToken: Rule = {
  id: "lock-static-token",
  title: "Lock with the same value for every holder",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /nx|NX|Nx|SetIf|setIf|set_if|trySet|putIfAbsent|\.add\(|\.Add\(/,
  docs: {
    what: "A lock is taken by setting a key that must not exist, and the value that is set is a constant, or a host's name, a process number or a thread's id, which others have too.",
    why: "When a holder is slower than the lock's expiry, somebody else takes it. With a constant value nobody can tell whose lock the key is: the first holder deletes the second one's lock, a third walks in, and two work at once.",
    silent: [
      "The value is drawn at random for each holder, or is passed in from where it cannot be seen.",
      "The key is never deleted: it is a marker that something was done once, and its expiry ends it.",
      "The lock is one of a library (Redisson, redlock, redsync, redis-py's Lock), which draws its own token.",
    ],
    reach: {
      sees: [
        "Keys that are set when absent and whose answer decides something: SET with NX, SETNX, `setIfAbsent`, `trySet`, and the `add` of memcached and Django's cache; go-redis, redigo, rueidis, redis-py, ioredis, node-redis, Jedis, Lettuce and Spring's templates, gomemcache, and commands that are sent by their name.",
        "What gives the lock back: a delete or a script on the same key in this file, in another one, or beside a call of the function that takes it.",
        "Values that are literals, constants or made of nothing else; and a host's name, a process number or a thread's id alone, which others have too.",
      ],
      misses: [
        "Values that come from configuration, the environment or a parameter.",
        "Rows of a table of locks whose owner is a constant, and Redisson's buckets, which are deleted without naming a key.",
        "Two parts that only seem to tell holders apart: a host together with a process number is believed.",
      ],
    },
    fix: "Draw a random token for each acquisition, and delete the key only while it still holds that token, in one script.",
    reference: "https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/",
    examples: {
      go: {
        bad: 'ok, err := rdb.SetNX(ctx, "lock:report", "locked", time.Minute).Result()\nif err != nil || !ok {\n\treturn err\n}\ndefer rdb.Del(ctx, "lock:report")',
        good: 'token := uuid.NewString()\nok, err := rdb.SetNX(ctx, "lock:report", token, time.Minute).Result()\nif err != nil || !ok {\n\treturn err\n}\ndefer release.Run(ctx, rdb, []string{"lock:report"}, token)',
      },
      python: {
        bad: 'if r.set("lock:report", 1, nx=True, ex=60):\n    try:\n        build()\n    finally:\n        r.delete("lock:report")',
        good: 'token = uuid.uuid4().hex\nif r.set("lock:report", token, nx=True, ex=60):\n    try:\n        build()\n    finally:\n        release(keys=["lock:report"], args=[token])',
      },
      typescript: {
        bad: 'if (await redis.set("lock:report", "1", "EX", 60, "NX")) {\n  try {\n    await build()\n  } finally {\n    await redis.del("lock:report")\n  }\n}',
        good: 'const token = randomUUID()\nif (await redis.set("lock:report", token, "EX", 60, "NX")) {\n  try {\n    await build()\n  } finally {\n    await redis.eval(RELEASE, 1, "lock:report", token)\n  }\n}',
      },
      java: {
        bad: 'if (ops.setIfAbsent("lock:report", "1", Duration.ofMinutes(1))) {\n  try {\n    build();\n  } finally {\n    redis.delete("lock:report");\n  }\n}',
        good: 'String token = UUID.randomUUID().toString();\nif (ops.setIfAbsent("lock:report", token, Duration.ofMinutes(1))) {\n  try {\n    build();\n  } finally {\n    redis.execute(RELEASE, List.of("lock:report"), token);\n  }\n}',
      },
      kotlin: {
        bad: 'if (ops.setIfAbsent("lock:report", "1", Duration.ofMinutes(1)) == true) {\n  try {\n    build()\n  } finally {\n    redis.delete("lock:report")\n  }\n}',
        good: 'val token = UUID.randomUUID().toString()\nif (ops.setIfAbsent("lock:report", token, Duration.ofMinutes(1)) == true) {\n  try {\n    build()\n  } finally {\n    redis.execute(release, listOf("lock:report"), token)\n  }\n}',
      },
    },
  },
  check(file, program, report) {
    for (const claim of stepsOf(program, file)) {
      const lock = staticLockOf(program, claim)
      if (lock) report(draftOf(program, claim, lock.release, lock.token))
    }
  },
}

const SAME: Readonly<Record<TokenKind, string>> = {
  constant: "the same for every holder",
  host: "the same for everything that runs on this machine",
  process: "a process number, which other machines and containers have too",
  thread: "a thread of this process, which other processes have too",
}

function draftOf(program: Program, claim: Step, release: Step, token: StaticToken): Draft {
  const { file, store } = claim
  const isShown = token.file !== file || token.at !== store.value
  const ends = expires(program, claim)
  return {
    at: store.call,
    tier: ends ? "likely" : "context",
    severity: token.kind === "constant" ? "high" : "medium",
    message: `The lock's value is ${SAME[token.kind]}: a holder that comes too late deletes the lock of the next one`,
    because: [
      { text: "the lock is taken here", at: store.call },
      ...(isShown ? [{ text: "its value is spelled here", at: token.at, file: token.file }] : []),
      { text: "and given back here", at: release.store.call, file: release.file },
    ],
    checked: [
      "no random source flows into the value",
      "the key is deleted: it is a lock and no marker that only expires",
      ...(ends ? [] : ["the lock has no expiry that could pass it on"]),
    ],
  }
}
