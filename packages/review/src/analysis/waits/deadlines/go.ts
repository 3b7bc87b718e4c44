/** Calls of Go that nothing ends: HTTP without a timeout, and queries of loops that live as long as the process. */
import type { Call, Func, Node } from "../../../ir/nodes.ts"
import { walk } from "../../../ir/children.ts"
import { definitionsOf } from "../../program/definitions.ts"
import type { File } from "../../program/file.ts"
import { dotted, receiverOf } from "../../program/names.ts"
import type { Program } from "../../program/program.ts"
import { folderOf, isSelf, ownClassOf } from "../../program/resolve.ts"
import { lifetimeOf, loopBehind } from "./contexts.ts"
import type { Unbounded } from "./unbounded.ts"

const DEFAULT_TIMEOUT = /http\.DefaultClient\.Timeout\s*=|http\.DefaultClient\s*=/

const FIX =
  "Use a client with a Timeout, or make the request with a context that has one (context.WithTimeout)."

export function unboundedInGo(program: Program, file: File): Unbounded[] {
  const http = file.unit.imports.find((one) => one.module === "net/http")?.local
  const found: Unbounded[] = []
  if (http && !program.evidence.find(file.path, DEFAULT_TIMEOUT, "sources", "default client"))
    for (const call of file.calls)
      for (const one of ofHttp(program, file, call, http))
        if (!found.some((other) => other.at.start === one.at.start)) found.push(one)
  return [...found, ...queriesInLoops(program, file)]
}

function ofHttp(program: Program, file: File, call: Call, http: string): Unbounded[] {
  const method = file.methodOf(call)
  if (method && /^(?:main|init)$/.test(method.name)) return []
  const receiver = receiverOf(call)
  if (!receiver) return []
  const name = dotted(receiver)
  const base = { at: call, what: `\`${dotted(call.callee)}\``, facts: [], fix: FIX }
  if (name === http && /^(?:Get|Head|Post|PostForm)$/.test(call.name) && call.args.length > 0) {
    return [
      {
        ...base,
        tier: "certain",
        severity: "medium",
        why: "goes through the default client, which has no timeout",
        checked: ["no code gives http.DefaultClient a timeout"],
      },
    ]
  }
  const client = clientOf(program, file, receiver, http)
  if (!client) return []
  // A client that is kept has to be mended where it is made, once for all that is called on it.
  const isKept =
    client !== receiver && (!method || client.start < method.start || client.end > method.end)
  const at = isKept ? client : call
  const facts =
    client === receiver
      ? []
      : isKept
        ? [{ text: "it is called here", at: call }]
        : [{ text: "the client has no timeout", at: client }]
  if (/^(?:Get|Head|Post|PostForm)$/.test(call.name)) {
    return [
      {
        ...base,
        at,
        facts,
        tier: "likely",
        severity: "medium",
        why: "has no timeout",
        checked: [],
      },
    ]
  }
  const [request] = call.args
  if (call.name !== "Do" || !request) return []
  const made = requestOf(program, file, request)
  if (!made || made.lifetime === "bounded" || made.lifetime === "request") return []
  return [
    {
      ...base,
      at,
      facts: [...facts, { text: "the request is made here", at: made.at }],
      tier: made.lifetime === "process" ? "likely" : "context",
      severity: "medium",
      why: "has no timeout, and the context of its request has none",
      checked: ["no deadline flows into the context of the request"],
    },
  ]
}

/** Where a client without a timeout is made; null for others and for what cannot be told. */
function clientOf(
  program: Program,
  file: File,
  receiver: Node,
  http: string,
  steps = 3,
): Node | null {
  if (dotted(receiver) === `${http}.DefaultClient`) return receiver
  if (receiver.kind !== "name" && receiver.kind !== "member") return null
  const definitions = definitionsOf(program, file, receiver).filter((one) => one.value !== receiver)
  if (definitions.length === 0) return zeroClient(file, receiver, http)
  let made: Node | null = null
  for (const { file: from, value } of definitions) {
    const bare = value?.kind === "unary" ? value.operand : value
    if (!bare || from !== file) return null
    if (bare.kind === "object" && bare.type === `${http}.Client`) {
      if (bare.entries.some((entry) => entry.key === "Timeout" || entry.key === null)) return null
      if (bare.entries.some(({ key, value: of }) => key === "Transport" && isLimited(file, of)))
        return null
      made = bare
    } else {
      const behind: Node | null = steps > 0 ? clientOf(program, file, bare, http, steps - 1) : null
      if (!behind) return null
      made = behind
    }
  }
  // `client.Timeout = d` comes later.
  const isSet = file.assignments.some((assign) =>
    assign.targets.some((target) => target.kind === "member" && target.name === "Timeout"),
  )
  return isSet ? null : made
}

/** A field that is a client and never assigned: `client http.Client`. */
function zeroClient(file: File, receiver: Node, http: string): Node | null {
  if (receiver.kind !== "member" || receiver.object.kind !== "name") return null
  if (!isSelf(file, receiver.object.name, receiver)) return null
  const own = ownClassOf(file, receiver)
  const holder = file.classes.find((one) => one.name === own)
  const field = holder?.fields.find((one) => one.name === receiver.name)
  if (field?.type !== `${http}.Client`) return null
  const isSet = new RegExp(`\\b${receiver.name}\\.Timeout\\s*=|\\b${receiver.name}:\\s`).test(
    file.text,
  )
  return isSet ? null : receiver
}

/** A transport of one's own may end what takes too long. */
function isLimited(file: File, transport: Node): boolean {
  if (/ResponseHeaderTimeout|SetDeadline|SetReadDeadline/.test(file.text)) return true
  const called = transport.kind === "call" ? transport.name : ""
  return /timeout|deadline/i.test(`${dotted(transport)} ${called}`)
}

function requestOf(
  program: Program,
  file: File,
  request: Node,
  steps = 3,
): { readonly at: Node; readonly lifetime: ReturnType<typeof lifetimeOf> } | null {
  let found: { at: Node; lifetime: ReturnType<typeof lifetimeOf> } | null = null
  const look = (from: File, value: Node): void => {
    if (value.kind === "name" && value !== request && from !== file && steps > 0)
      found ??= requestOf(program, from, value, steps - 1)
    if (value.kind !== "call") return
    const [context] = value.args
    if (value.name === "NewRequest") found ??= { at: value, lifetime: "process" }
    if (/^(?:NewRequestWithContext|WithContext|Clone)$/.test(value.name) && context)
      found = { at: value, lifetime: lifetimeOf(program, from, context) }
  }
  look(file, request)
  for (const { file: from, value } of definitionsOf(program, file, request))
    if (value) look(from, value)
  return found
}

const HANDLES =
  /^(?:db|tx|dbtx|conn|pool|dbpool|pgxpool|exec|executor|queries|querier|sqldb|database)$/i
const VERBS =
  /^(?:Begin|Exec|Query|Get|Select|Insert|Update|Delete|List|Create|Find|Lock|Claim|Count|Named|Job|Queue|Fetch|Acquire|SendBatch|CopyFrom)/
const DRIVER = /sql|driver|db|pgx|gorm|ent\.|bun\.|quer/i

/** Types that pass queries on: a deadline belongs to whoever asks. */
const LAYER = /(?:Executor|Driver|Tx|Queries|DB|Conn|Pool|Querier|Wrapper)$/

/** The first query of a file that a loop of the background runs under its own context: the loop is what to mend. */
function queriesInLoops(program: Program, file: File): Unbounded[] {
  const found: Unbounded[] = []
  if (isEmbedded(program, file)) return found
  const seen = new Set<Func>()
  const told = new Set<Node>()
  for (const call of file.calls) {
    if (!isQuery(file, call)) continue
    const method = file.methodOf(call)
    if (!method || seen.has(method) || LAYER.test(method.receiver?.type ?? "")) continue
    seen.add(method)
    const behind = loopBehind(program, file, call)
    if (!behind || told.has(behind.loop) || isBoundedElsewhere(program, file, call)) continue
    told.add(behind.loop)
    found.push({
      at: call,
      tier: "likely",
      severity: "medium",
      what: `\`${dotted(call.callee)}\``,
      why: "is run by a loop whose context ends with the process, so a query that hangs stops the loop for good",
      facts: [{ text: "this loop runs it", at: behind.loop, file: behind.file }],
      checked: [
        "no function between the loop and the query gives the context a deadline",
        "no statement_timeout is set",
      ],
      fix: "Give each round's query a context of its own with a deadline: ctx, cancel := context.WithTimeout(ctx, …); defer cancel().",
    })
  }
  return found
}

const SQLITE = /modernc\.org\/sqlite|go-sqlite3|zombiezen\.com\/go\/sqlite/
const SERVERS = /jackc\/pgx|lib\/pq|go-sql-driver\/mysql|go-mssqldb|cockroach-go/

/** Whether the only database of the repository is a file of the process itself. */
function isEmbedded(program: Program, file: File): boolean {
  return (
    program.evidence.find(file.path, SQLITE, "sources", "sqlite driver") !== null &&
    program.evidence.find(file.path, SERVERS, "sources", "database server driver") === null
  )
}

function isQuery(file: File, call: Call): boolean {
  const receiver = receiverOf(call)
  const [context] = call.args
  if (!receiver || !context || !VERBS.test(call.name)) return false
  if (!/ctx|context/i.test(dotted(context))) return false
  const handle = dotted(receiver).split(".").at(-1)!
  if (!HANDLES.test(handle) || file.unit.imports.some((one) => one.local === handle)) return false
  if (!/^(?:exec|executor|pool|conn)$/i.test(handle)) return true
  return (
    /^(?:Begin\w*|Exec(?:Context)?|Query\w*)$/.test(call.name) ||
    DRIVER.test(typeText(file, receiver, call))
  )
}

/** The declared type as written, with its package. */
function typeText(file: File, receiver: Node, at: Node): string {
  const method = file.methodOf(at)
  if (receiver.kind === "name")
    return method?.params.find((param) => param.name === receiver.name)?.type ?? ""
  const name = receiver.kind === "member" ? receiver.name : ""
  for (const one of file.classes) {
    const field = one.fields.find((field) => field.name === name)
    if (field?.type) return field.type
  }
  return ""
}

function isBoundedElsewhere(program: Program, file: File, call: Call): boolean {
  const [context] = call.args
  const lifetime = lifetimeOf(program, file, context!)
  if (lifetime === "bounded" || lifetime === "request") return true
  if (program.evidence.find(file.path, /statement_timeout/i, "texts", "statement timeout"))
    return true
  let bounded = false
  const method = file.methodOf(call)
  if (method) {
    walk(method, (node) => {
      if (node.kind === "call" && /SetDeadline|SetReadDeadline/.test(node.name)) bounded = true
      return !bounded
    })
  }
  return bounded || /(?:^|\/)(?:cmd|cli)$/.test(folderOf(file.path))
}
