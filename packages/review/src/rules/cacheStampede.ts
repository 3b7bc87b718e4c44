/** cache-stampede: when an entry expires, everyone loads it at once. */
import { definitionsOf } from "../analysis/program/definitions.ts"
import type { File } from "../analysis/program/file.ts"
import { leaves } from "../analysis/program/failures.ts"
import { memosOf } from "../analysis/sharing/memos.ts"
import { argNamed, dotted, receiverOf, wordsOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { type Refresh, refreshesOf } from "../analysis/sharing/refreshes.ts"
import { ownClassOf } from "../analysis/program/resolve.ts"
import { rowCallsOf } from "../analysis/rows/rowCalls.ts"
import { isCoalesced, isPartOf, isPut } from "../analysis/sharing/sharedLoads.ts"
import { targetOf } from "../analysis/program/targets.ts"
import { isExamplePath } from "../files/testPath.ts"
import type { Call, Func, Node } from "../ir/nodes.ts"
import { walk } from "../ir/children.ts"
import type { Draft, Rule } from "./rule.ts"

const CACHES =
  /^(?:caches?|cacher|caching|redis|rdb|jedis|valkey|memcached?|mc|keyv|lru|kv|redistemplate|stringredistemplate|responsecache|cachemanager|cacheservice|cacheclient)$/
const READS =
  /^(?:get|Get|getItem|getAsync|aget|getIfPresent|hget|HGet|get_json|getJson|getString|fetch|read)$/
const WRITES =
  /^(?:set|Set|put|Put|setex|setEx|SetEX|SetEx|psetex|setAsync|aset|setItem|hset|HSet|set_json|setJson|store|write|add|SetWithTTL)$/
const TTL = /ttl|ex$|px|expir|max_?age|timeout|duration|EX|seconds|minutes|hours/i

/** Keys that only one client asks for. */
const OWN_KEY =
  /api_?key|session|token|user_?id|request_?id|job_?id|nonce|otp|cursor|idempoten|tenant_?user|visitor/i
const ASIDE =
  /^(?:log|debug|info|warn|warning|error|print|println|Printf|Errorf|parse|stringify|dumps|loads|Marshal|Unmarshal|now|Now|sleep|toString|String|Sprintf|format|JSON|then|catch|push|append|inc|Inc|increment|observe|record|track|len|int|str|require|readValue|writeValueAsString|valueOf|ofSeconds|ofMinutes|opsForValue|boundValueOps|Result|Bytes|Err|keyFor|getMetrics|getLogger|getTracer|hash|digest|update|encode|decode|is\w*|has\w*|emit)$/

export const cacheStampede: Rule = {
  id: "cache-stampede",
  title: "Cache stampede",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /[cC]ache|CACHE|redis|Redis|rdb|memcache|jedis|valkey|[kK]eyv|(?:this|self)\.[#_\w]*(?:[tT]oken|[cC]redential|[jJ]wt|[jJ]wks)|[rR]efresh_?[tT]oken|[tT]oken\w{0,16}[eE]xp|TOKEN_EXP|[eE]xpires?_?[aA]t|[eE]xpiry/,
  docs: {
    what: "Code looks into a cache (or at a value that it keeps in a variable for a while, such as a token), loads what is missing from a database or another service, and puts it there. Nothing lets those who miss at the same time share one load.",
    why: "When an entry that many ask for expires, all of them miss together and load it together. The backend gets hundreds of equal requests in the same instant, becomes slow, and more requests miss meanwhile.",
    silent: [
      "Those who miss share a load: singleflight, a map of loads under way, a lock around the load.",
      "A library does it: getOrSet, LoadingCache, dogpile, stale-while-revalidate.",
      "The key belongs to one client (a session, a token, a user): then it is of tier context.",
      "What is put is not what was loaded.",
      "Entries never expire, or the load is cheap, like one row by its key: then it is of tier context.",
    ],
    reach: {
      sees: [
        "A read and a later write of the same key, spelled alike, in one function, on what is called a cache: clients of Redis, Valkey and memcached, Keyv, Spring's RedisTemplate, anything with the word cache in its name, and `this` in a class that is a cache.",
        "Between them a load that is awaited, reads rows, goes to another machine, is handed in, or is named after loading (`load…`, `fetch…`, `query…`, `compute…`).",
        "A variable or a field that is called cached or memo, handed out while it is young and loaded anew when it is not.",
        "In TypeScript, Python and Kotlin a token, a credential or a set of keys that an object or a module keeps and that everyone who finds it expired fetches anew.",
        "In every language a stored grant that is refreshed with its refresh token when it has expired.",
      ],
      misses: [
        "Caches that are annotations, decorators or middleware, such as `@Cacheable` and `lru_cache`.",
        "A read and a write that stand in two functions, or spell the key in two ways; and gomemcache, whose items hold their key.",
        "Several processes that miss together: a lock within one process clears the load too.",
      ],
    },
    fix: "Let one load for all: singleflight, a map of promises by key, a lock on the key; or refresh before the entry expires.",
    reference: "https://cseweb.ucsd.edu/~avattani/papers/cache_stampede.pdf",
    examples: {
      go: {
        bad: "if v, err := rdb.Get(ctx, key).Result(); err == nil {\n\treturn v, nil\n}\nv, err := api.Fetch(ctx, id)\nrdb.Set(ctx, key, v, time.Minute)",
        good: "v, err, _ := group.Do(key, func() (any, error) {\n\treturn api.Fetch(ctx, id)\n})",
      },
      python: {
        bad: "value = cache.get(key)\nif value is None:\n    value = api.fetch(id)\n    cache.set(key, value, timeout=60)",
        good: "value = cache.get(key)\nif value is None:\n    with cache.lock(key):\n        value = cache.get(key) or api.fetch(id)\n        cache.set(key, value, timeout=60)",
      },
      typescript: {
        bad: "const hit = await cache.get(key)\nif (hit) return hit\nconst value = await load(id)\nawait cache.set(key, value, 60)",
        good: "let pending = inFlight.get(key)\nif (!pending) inFlight.set(key, (pending = load(id)))\nconst value = await pending",
      },
      java: {
        bad: "Price p = cache.get(key);\nif (p == null) {\n  p = client.fetch(id);\n  cache.put(key, p, ttl);\n}",
        good: "Price p = loadingCache.get(key);",
      },
      kotlin: {
        bad: "cache.get(key)?.let { return it }\nval value = client.fetch(id)\ncache.set(key, value, ttl)",
        good: "mutexes.withLock(key) { cache.get(key) ?: client.fetch(id).also { cache.set(key, it, ttl) } }",
      },
    },
  },
  check(file, program, report) {
    if (isExamplePath(file.path)) return
    const seen = new Set<Func>()
    for (const read of file.calls) {
      const key = READS.test(read.name) ? keyOf(file, read) : null
      const fn = key && file.methodOf(read)
      if (!key || !fn || seen.has(fn)) continue
      const write = writeAfter(file, fn, read, key)
      if (!write) continue
      const load = loadBetween(program, file, fn, read, write)
      if (!load || !isPut(file, fn, load, write)) continue
      if (isCoalesced(program, file, fn, load)) continue
      seen.add(fn)
      const isShared =
        !OWN_KEY.test(keyText(program, file, key)) &&
        !/session|login|auth/i.test(fn.name) &&
        !isPointRead(file, load)
      const target = targetOf(program, file, load)
      report({
        at: load,
        tier: isShared && expires(file, write) ? "likely" : "context",
        severity: target === "remote" ? "medium" : "low",
        message: `all who miss \`${file.textOf(key).slice(0, 60)}\` at the same time run \`${dotted(load.callee)}\`, each for itself`,
        because: [
          { text: "the cache is asked here", at: read },
          { text: "what is missing is loaded here", at: load },
          { text: "and put into the cache here", at: write },
        ],
        checked: [
          "no lock and no load under way is shared by those who miss",
          "the key does not belong to one client",
        ],
      })
    }
    inVariables(program, file, seen, report)
    for (const refresh of refreshesOf(program, file)) {
      if (!seen.has(refresh.fn)) report(ofRefresh(refresh))
    }
  },
}

/** Tokens that an object keeps: all who find one expired fetch another, and some servers take the older ones back. */
function ofRefresh({ fn, test, load, put, name, by }: Refresh): Draft {
  return {
    at: load,
    tier: "likely",
    severity: "low",
    message: `all who find ${name === null ? "the token" : `\`${name}\``} expired at the same time run \`${dotted(load.callee)}\`, each for itself`,
    because: [
      { text: "its age is looked at here", at: test.test },
      { text: "another one is fetched here", at: load },
      { text: by === fn ? "and kept here" : "and kept here, after a wait", at: put },
    ],
    checked: ["no lock and no fetch under way is shared by those who find it expired"],
    fix: {
      text: "Keep the promise of the fetch that is under way, and let all who come meanwhile wait for it.",
    },
  }
}

/** Values in variables: those who find one that is too old load it together. */
function inVariables(
  program: Program,
  file: File,
  seen: Set<Func>,
  report: (draft: Draft) => void,
): void {
  for (const { test, put, name } of memosOf(file)) {
    const fn = file.methodOf(put)
    if (!fn || seen.has(fn)) continue
    const load = loadBetween(program, file, fn, test, put)
    if (!load || !isPut(file, fn, load, put) || isCoalesced(program, file, fn, load)) continue
    seen.add(fn)
    const isShared = !OWN_KEY.test(name) && !/session|login|auth|test/i.test(fn.name)
    const target = targetOf(program, file, load)
    const isRead = rowCallsOf(program, file).some((row) => row.call === load)
    report({
      at: load,
      tier: isShared && (target === "remote" || isRead) ? "likely" : "context",
      severity: "low",
      message: `all who find \`${name}\` too old at the same time run \`${dotted(load.callee)}\`, each for itself`,
      because: [
        { text: "what is young enough is handed out here", at: test.test },
        { text: "what is too old is loaded here", at: load },
        { text: "and kept here", at: put },
      ],
      checked: ["no lock and no load under way is shared by those who find it too old"],
    })
  }
}

/** A key with what its name holds. */
function keyText(program: Program, file: File, key: Node): string {
  const values = definitionsOf(program, file, key).filter(
    (one) => one.file === file && !one.isParam,
  )
  return [file.textOf(key), ...values.map((one) => (one.value ? file.textOf(one.value) : ""))].join(
    " ",
  )
}

/** The key that a call on a cache is given; null for anything else. */
function keyOf(file: File, call: Call): Node | null {
  const receiver = receiverOf(call)
  if (!receiver || !(isCache(receiver) || isOwnCache(file, receiver))) return null
  const [first, second] = call.args
  if (!first || first.kind === "lambda") return null
  const isContext = /^(?:ctx|c|r)$|[cC]tx$|Context\(\)$/.test(dotted(first))
  const key = isContext ? second : first
  return key && key.kind !== "named" && key.kind !== "object" ? key : null
}

function isCache(receiver: Node): boolean {
  const path = dotted(receiver).replaceAll("()", "").split(".")
  return path.some(
    (part) =>
      CACHES.test(part.toLowerCase()) ||
      wordsOf(part).some((word) => /^caches?$|^cacher$/.test(word)),
  )
}

/** `this.get(key)` in a class that is a cache itself. */
function isOwnCache(file: File, receiver: Node): boolean {
  return (
    receiver.kind === "name" &&
    /^(?:this|self)$/.test(receiver.name) &&
    wordsOf(ownClassOf(file, receiver) ?? "").some((word) => /^caches?$|^cacher$/.test(word))
  )
}

function writeAfter(file: File, fn: Func, read: Call, key: Node): Call | null {
  const text = file.textOf(key)
  return (
    file.calls.find((call) => {
      if (call.start < read.end || call.end > fn.end || !WRITES.test(call.name)) return false
      const own = keyOf(file, call)
      return own !== null && file.textOf(own) === text
    }) ?? null
  )
}

/** The slow call between looking and putting. */
function loadBetween(program: Program, file: File, fn: Func, read: Node, write: Node): Call | null {
  const rows = new Set(
    rowCallsOf(program, file)
      .filter((row) => row.kind === "read")
      .map((row) => row.call),
  )
  let found: Call | null = null
  for (const call of file.calls) {
    if (found || call.start < read.end || call.start >= write.start || call.end > fn.end) continue
    if (
      ASIDE.test(call.name) ||
      /(?:[uU]rl|[kK]ey)$/.test(call.name) ||
      isPartOf(call, read) ||
      (isPartOf(call, write) && call === write)
    )
      continue
    const receiver = receiverOf(call)
    if (receiver && (isCache(receiver) || isOwnCache(file, receiver))) continue
    const isAwaited = file.parentOf(call)?.kind === "await"
    const isRemote = targetOf(program, file, call) === "remote"
    const isGiven = fn.params.some(
      (param) => param.name === call.name || param.names?.includes(call.name),
    )
    if (!(isAwaited || isRemote || rows.has(call) || isGiven || LOADS.test(call.name))) continue
    if (!isElsewhere(file, fn, call, write)) found = call
  }
  return found && isOnMiss(file, fn, read, found) ? found : null
}

/** In a branch that leaves before anything is put: what was found is handed out there, or refused. */
function isElsewhere(file: File, fn: Func, call: Call, write: Node): boolean {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer === fn) return false
    if (
      outer.kind === "if" &&
      (inner === outer.then || inner === outer.otherwise) &&
      !(inner.start <= write.start && write.end <= inner.end) &&
      inner.kind === "block" &&
      leaves(inner.body)
    )
      return true
    inner = outer
  }
  return false
}

/** Whether a hit passes the load by: the load stands in a branch, or the hit has left before. */
function isOnMiss(file: File, fn: Func, read: Node, load: Call): boolean {
  for (const outer of file.ancestorsOf(load)) {
    if (outer === fn) break
    if (outer.kind === "loop" || outer.kind === "try" || outer.kind === "block") continue
    if (/^(?:if|conditional|binary|switch|lambda)$/.test(outer.kind)) return true
  }
  let left = false
  walk(fn, (node) => {
    if (node.start >= read.start && node.end <= load.start)
      left ||= node.kind === "return" || node.kind === "throw" || node.kind === "continue"
    return !left
  })
  return left
}

const LOADS =
  /^(?:load|fetch|query|render|compute|generate|download|request|build(?:Report|Index|Page)|find(?:All|By)|list|retrieve|resolve)[A-Z_]\w*$|^(?:load|fetch|query|render|compute|download)$/

/** Whether an entry goes away by itself. */
function expires(file: File, write: Call): boolean {
  if (
    /ex$/i.test(write.name) ||
    argNamed(write, "ttl", "ex", "px", "EX", "timeout", "expire", "expiration", "maxAge")
  )
    return true
  const args = write.args.filter((arg) => !/^(?:ctx|c)$|[cC]tx$|Context\(\)$/.test(dotted(arg)))
  const last = args[2]
  if (!last) return false
  if (last.kind === "number") return last.value !== 0
  return last.kind !== "null" && (args.length > 2 || TTL.test(file.textOf(last)))
}

/** One row by its own key is cheap, and few ask for the same one. */
function isPointRead(file: File, load: Call): boolean {
  if (/[bB]y_?(?:[iI][dD]|[pP][kK]|[uU]uid)$|ReferenceById$|^get_object/.test(load.name))
    return true
  return /^find(?:Unique\w*|First|One)$/.test(load.name) && /\b_?id\s*[:}]/.test(file.textOf(load))
}
