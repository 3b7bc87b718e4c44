/** Calls of Python that nothing ends: requests, urllib, sockets and mail without a timeout. */
import type { Call, Node } from "../../../ir/nodes.ts"
import { definitionsOf } from "../../program/definitions.ts"
import type { File } from "../../program/file.ts"
import { argNamed, dotted, positional, receiverOf } from "../../program/names.ts"
import type { Program } from "../../program/program.ts"
import type { Unbounded } from "./unbounded.ts"

/** Functions that wait for ever, by their full name, with the index of their timeout among the positional ones. */
const ENDLESS: Readonly<Record<string, number>> = {
  "urllib.request.urlopen": 2,
  "urllib2.urlopen": 2,
  "smtplib.SMTP": 3,
  "smtplib.SMTP_SSL": 5,
  "ftplib.FTP": 4,
  "http.client.HTTPConnection": 2,
  "http.client.HTTPSConnection": 4,
  "socket.create_connection": 1,
}
const REQUESTS = /^(?:get|post|put|patch|delete|head|options|request|send)$/
/** Clients that have a timeout of their own until it is taken away. */
const OFF =
  /^(?:httpx\.(?:get|post|put|patch|delete|head|request|stream|Client|AsyncClient)|aiohttp\.ClientSession)$/

const GLOBAL = /\bsetdefaulttimeout\s*\(/
const SESSION_TIMEOUT = /partial\([^)]*timeout|Timeout\w*Adapter|\w+Adapter\([^)]*timeout/

export function unboundedInPython(program: Program, file: File): Unbounded[] {
  if (program.evidence.find(file.path, GLOBAL, "sources", "socket default timeout")) return []
  return file.calls.flatMap((call) => ofCall(program, file, call))
}

function ofCall(program: Program, file: File, call: Call): Unbounded[] {
  if (call.args.some((arg) => arg.kind === "spread")) return []
  const name = fullName(file, call.callee)
  const timeout = argNamed(call, "timeout")
  const isOff = timeout !== null && isNone(timeout)
  const index = Object.hasOwn(ENDLESS, name) ? ENDLESS[name]! : null
  const isRequest = /^requests\.\w+$/.test(name) && REQUESTS.test(call.name)
  const session = isRequest ? null : sessionOf(program, file, call)
  const lacks = timeout === null || isOff
  const takesNone =
    (isRequest && lacks) ||
    (session !== null && lacks && !SESSION_TIMEOUT.test(file.text)) ||
    (index !== null && (isOff || (timeout === null && positional(call).length <= index))) ||
    (OFF.test(name) && isOff)
  if (!takesNone || isBoundedAround(file, call)) return []
  const last = call.args.at(-1)
  const edits = timeout || !last ? [] : [{ start: last.end, end: last.end, text: ", timeout=10" }]
  return [
    {
      at: call,
      tier: session ? "likely" : "certain",
      severity: "medium",
      what: `\`${dotted(call.callee)}\``,
      why: isOff ? "has its timeout switched off" : "waits for ever: without a timeout it has none",
      facts: session ? [{ text: "the session has no timeout of its own", at: session }] : [],
      checked: [
        "no timeout is passed, and no arguments that might hold one",
        "socket.setdefaulttimeout is not called",
        ...(session ? ["no adapter or wrapper gives the session a timeout"] : []),
      ],
      fix: "Pass a timeout: timeout=10, or (connect, read) in seconds.",
      edits,
    },
  ]
}

/** `requests.Session()` behind a receiver. */
function sessionOf(program: Program, file: File, call: Call): Node | null {
  const receiver = receiverOf(call)
  if (!receiver || !REQUESTS.test(call.name) || positional(call).length === 0) return null
  const values = [
    receiver,
    ...(receiver.kind === "call"
      ? []
      : definitionsOf(program, file, receiver).flatMap((one) => one.value ?? [])),
  ]
  const made = values.find(
    (value): value is Call =>
      value.kind === "call" && /^requests\.[Ss]ession$/.test(fullName(file, value.callee)),
  )
  return made ?? null
}

/** The name of a callee with its import put in: `get` of `from requests import get` is `requests.get`. */
function fullName(file: File, callee: Node): string {
  const name = dotted(callee)
  const [root, ...rest] = name.split(".")
  const link = file.unit.imports.find((one) => one.local === root)
  if (!link) {
    // `import urllib.request` binds `urllib`, whatever the frontend calls it.
    return file.unit.imports.some((one) => one.module === name.slice(0, name.lastIndexOf(".")))
      ? name
      : ""
  }
  if (link.name === "*")
    return [
      link.local === root && link.module.startsWith(`${root}.`) ? root : link.module,
      ...rest,
    ].join(".")
  return [link.module, link.name, ...rest].join(".")
}

function isNone(node: Node): boolean {
  if (node.kind === "null") return true
  return (
    node.kind === "call" &&
    node.name === "ClientTimeout" &&
    isNoneOrMissing(argNamed(node, "total"))
  )
}

function isNoneOrMissing(node: Node | null): boolean {
  return node?.kind === "null"
}

/** `with Timeout(5):`, `asyncio.wait_for(…)`, a task with a time limit. */
function isBoundedAround(file: File, call: Call): boolean {
  for (const outer of file.ancestorsOf(call)) {
    if (
      outer.kind === "with" &&
      outer.resources.some((one) => /timeout|alarm/i.test(dotted(one.value)))
    )
      return true
    if (outer.kind === "call" && /^(?:wait_for|func_timeout|timeout)$/.test(outer.name)) return true
    if (
      outer.kind === "function" &&
      outer.annotations.some(
        (one) =>
          /time_?out/i.test(one.name) ||
          one.args.some((arg) => arg.kind === "named" && /time_?(?:limit|out)/.test(arg.name)),
      )
    )
      return true
  }
  return false
}
