/** What an operation reaches for: another machine, this machine, or one cannot tell. */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import type { File } from "./file.ts"
import { dotted, wordsOf } from "./names.ts"
import type { Located, Program } from "./program.ts"
import { resolveCall, typeOf } from "./resolve.ts"

export type Target = "remote" | "local" | "unknown"

const REMOTE_WORDS = new Set([
  "http",
  "https",
  "fetch",
  "fetcher",
  "axios",
  "requests",
  "httpx",
  "aiohttp",
  "got",
  "grpc",
  "rpc",
  "redis",
  "kafka",
  "amqp",
  "rabbit",
  "nats",
  "sqs",
  "sns",
  "s3",
  "kinesis",
  "dynamo",
  "dynamodb",
  "pubsub",
  "mongo",
  "mongodb",
  "cassandra",
  "elasticsearch",
  "elastic",
  "es",
  "opensearch",
  "postgres",
  "pg",
  "mysql",
  "sql",
  "jdbc",
  "database",
  "db",
  "broker",
  "consumer",
  "producer",
  "webhook",
  "api",
  "websocket",
  "ws",
  "socket",
  "tcp",
  "upstream",
  "endpoint",
  "remote",
  "server",
  "cluster",
  "stub",
  "topic",
  "bucket",
  "coordinator",
  "leader",
  "etcd",
  "consul",
  "zookeeper",
  "smtp",
  "oauth",
  "supabase",
  "prisma",
  "mongoose",
  "sequelize",
  "typeorm",
  "knex",
  "drizzle",
  "stripe",
  "queue",
  "session",
  "connection",
  "client",
  "llm",
  "openai",
  "anthropic",
  "genai",
])
const REMOTE_VERBS = new Set([
  "dial",
  "connect",
  "reconnect",
  "publish",
  "subscribe",
  "login",
  "authenticate",
  "download",
  "upload",
  "poll",
  "query",
  "insert",
  "commit",
  "transaction",
  "enqueue",
  "workflow",
])
const LOCAL_WORDS = new Set([
  "pipe",
  "file",
  "fs",
  "unix",
  "process",
  "subprocess",
  "spawn",
  "exec",
  "stat",
  "unlink",
  "rename",
  "mkdir",
  "rmdir",
  "tempfile",
  "path",
  "disk",
  "sqlite",
  "localhost",
  "sleep",
  "mutex",
  "lock",
  "flock",
  "thread",
  "shm",
  "mmap",
  "clipboard",
  "pid",
])

/** Verbs that say as much of what lies in memory. */
const VAGUE_VERBS = new Set([
  "poll",
  "query",
  "insert",
  "commit",
  "subscribe",
  "publish",
  "workflow",
])

/** What is told to a log or a meter is no part of the work, wherever it goes. */
const ASIDE =
  /(?:^|\.)(?:\w*[lL]og(?:ger)?|LOG(?:GER)?|\w*[mM]etrics?(?:Handler|Scope)?|tracer|span|tag|level)(?:\(\))?\.\w+$/

/** `pollInterval.Load()` reads a setting. */
const SETTING = /(?:[iI]nterval|[tT]imeout|[dD]elay|[pP]eriod|[dD]uration)(?:\(\))?\.\w+$/

/** A chain's nodes are asked over the network. */
const CHAIN =
  /(?:^|\.)(?:\w*[pP]rovider|web3|eth)(?:\(\))?\.(?:getBlock(?:Number)?|getLogs|getTransaction(?:Receipt)?|waitForTransaction|broadcastTransaction)$/

/** Django's managers ask the database. */
const MANAGER = /(?:^|\.)[A-Z]\w*\.objects\.\w+/

const MEMO = Symbol("target of a function")

/** Where a call goes, by its name, what it is called on, and what the functions behind it call. */
export function targetOf(program: Program, file: File, call: Call, depth = 2): Target {
  const name = dotted(call.callee)
  if (ASIDE.test(name) || SETTING.test(name)) return "unknown"
  if (CHAIN.test(name) || MANAGER.test(name)) return "remote"
  const direct = byName(name)
  // What the repository says of its own `queryRegistry` weighs more than the verb.
  const isOpen = direct === "remote" && depth > 0 && isByVerb(name)
  if (direct !== "unknown" && !(isOpen && resolveCall(program, file, call).length > 0))
    return direct
  if (call.callee.kind === "member") {
    const type = typeOf(program, file, call.callee.object, call)
    const typed = type ? byType(type) : "unknown"
    if (typed !== "unknown") return typed
  }
  if (depth === 0) return "unknown"
  for (const target of resolveCall(program, file, call)) {
    const within = targetOfFunction(program, target, depth - 1)
    if (within !== "unknown") return within
  }
  return "unknown"
}

function targetOfFunction(program: Program, located: Located, depth: number): Target {
  return program.memo<Func, Target>(MEMO, located.fn, "unknown", () =>
    located.fn.body ? targetWithin(program, located.file, located.fn.body, depth) : "unknown",
  )
}

/** Where the calls below a node go: remote when one does, else local when one does. */
export function targetWithin(program: Program, file: File, node: Node, depth = 2): Target {
  let found: Target = "unknown"
  walk(node, (one) => {
    if (found === "remote") return false
    if (one.kind === "call") {
      const target = targetOf(program, file, one, depth)
      if (target !== "unknown") found = target
    }
    return undefined
  })
  return found
}

/** Queues and maps of the language itself hold what is in this process. */
const COLLECTIONS =
  /^(?:Linked|Array|Priority|Concurrent|Blocking|Reference|Delay|Transfer|Synchronous|Weak|Soft|CopyOn)\w*(?:Queue|Deque|Map|Set|List)$|^(?:Deque|Map|HashMap|Set|HashSet|List)$/

function byType(type: string): Target {
  return COLLECTIONS.test(type) ? "local" : byName(type)
}

function isByVerb(name: string): boolean {
  const words = wordsOf(name).filter((word) => REMOTE_WORDS.has(word) || REMOTE_VERBS.has(word))
  return words.every((word) => VAGUE_VERBS.has(word))
}

function byName(name: string): Target {
  const words = wordsOf(name)
  if (
    words.some((word) => LOCAL_WORDS.has(word)) &&
    !words.some((word) => /^(?:redis|http|kafka|sql|db)$/.test(word))
  ) {
    return "local"
  }
  if (words.some((word) => REMOTE_WORDS.has(word) || REMOTE_VERBS.has(word))) return "remote"
  return "unknown"
}
