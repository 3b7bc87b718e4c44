/** What a lock's value says about its holder: nothing (the same for everyone), a process, or something unknown. */
import type { Node } from "../../ir/nodes.ts"
import { definitionsOf } from "../program/definitions.ts"
import { isEntropic } from "../program/entropy.ts"
import type { File } from "../program/file.ts"
import { isDecided, releaseOf, type Step } from "./locks.ts"
import { dotted, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"

export type TokenKind = "constant" | "host" | "process" | "thread"

export interface StaticToken {
  readonly kind: TokenKind
  /** Where the value is spelled. */
  readonly file: File
  readonly at: Node
}

const MAX_STEPS = 5

const HOSTS =
  /(?:^|\.)(?:gethostname|hostname|Hostname|getHostName|getHostAddress|getHostNameSafe)\(\)$|(?:^|\.)(?:hostName|canonicalHostName|hostAddress)$|^platform\.node\(\)$|(?:^|\.)HOSTNAME$/
const PROCESSES =
  /(?:^|\.)(?:getpid|Getpid|pid)\(\)$|^process\.pid$|ProcessHandle\.current\(\)\.pid\(\)$/
const THREADS =
  /Thread\.currentThread\(\)\.(?:getId|getName|threadId|id|name)(?:\(\))?$|^threading\.get_ident\(\)$|^threading\.current_thread\(\)\.(?:name|ident)$/
const CASTS =
  /^(?:getBytes|encode|encodeToByteArray|toByteArray|toString|String|str|bytes|string|valueOf|int|stringify|dumps|Sprint|Itoa|FormatInt)$/

/** Constants whose name says that they tell instances apart. */
const IDENTITY =
  /^(?:id|uuid|instance|node|owner|token|worker|pod|server|replica|nonce|random|unique|host|machine|client|session|self)$/

/** A lock whose value is the same for several holders, and what gives it back. */
export interface StaticLock {
  readonly token: StaticToken
  readonly release: Step
}

/** Whether a claim takes such a lock; null for markers that nobody deletes, and for values that tell holders apart. */
export function staticLockOf(program: Program, claim: Step): StaticLock | null {
  const { file, store } = claim
  if (store.kind !== "claim" || !store.value || !isDecided(file, store)) return null
  const release = releaseOf(program, claim)
  const token = release && staticTokenOf(program, file, store.value)
  return release && token ? { token, release } : null
}

/** The value of a lock where it is the same for several holders; null where it differs or one cannot tell. */
function staticTokenOf(program: Program, file: File, node: Node): StaticToken | null {
  if (isEntropic(program, file, node)) return null
  return follow(program, file, node, MAX_STEPS)
}

function follow(program: Program, file: File, node: Node, steps: number): StaticToken | null {
  if (steps === 0) return null
  switch (node.kind) {
    case "string":
    case "number":
    case "bool":
      return { kind: "constant", file, at: node }
    case "template":
      return all(program, file, node, node.parts, steps)
    case "binary":
      return all(program, file, node, [node.left, node.right], steps)
    case "call":
      return ofCall(program, file, node, steps)
    case "name":
    case "member":
      return ofName(program, file, node, steps)
    default:
      return null
  }
}

/** A host with a process is one process among all: enough to tell holders apart. */
function all(
  program: Program,
  file: File,
  at: Node,
  parts: readonly Node[],
  steps: number,
): StaticToken | null {
  const kinds = new Set<TokenKind>()
  for (const part of parts) {
    const token = follow(program, file, part, steps - 1)
    if (!token) return null
    kinds.add(token.kind)
  }
  kinds.delete("constant")
  const [kind = "constant"] = kinds
  return kinds.size > 1 ? null : { kind, file, at }
}

function ofCall(
  program: Program,
  file: File,
  node: Node & { kind: "call" },
  steps: number,
): StaticToken | null {
  const kind = kindOfName(dotted(node))
  if (kind) return { kind, file, at: node }
  const inner =
    node.callee.kind === "other" || (CASTS.test(node.name) && node.args.length === 1)
      ? node.args[0]
      : CASTS.test(node.name) && node.callee.kind === "member"
        ? node.callee.object
        : undefined
  return inner ? follow(program, file, inner, steps - 1) : null
}

function kindOfName(name: string): TokenKind | null {
  if (HOSTS.test(name)) return "host"
  if (PROCESSES.test(name)) return "process"
  return THREADS.test(name) ? "thread" : null
}

function ofName(
  program: Program,
  file: File,
  node: Node & { kind: "name" | "member" },
  steps: number,
): StaticToken | null {
  const kind = kindOfName(dotted(node))
  if (kind) return { kind, file, at: node }
  const definitions = definitionsOf(program, file, node)
  if (definitions.length === 0) {
    const isConstant = /^[A-Z][A-Z0-9_]*[A-Z0-9]$/.test(node.name)
    const words = wordsOf(node.name)
    return isConstant && !words.some((word) => IDENTITY.test(word))
      ? { kind: "constant", file, at: node }
      : null
  }
  const tokens = definitions.map((one) =>
    one.value && one.value !== node ? follow(program, one.file, one.value, steps - 1) : null,
  )
  const [first] = tokens
  return first && tokens.every((token) => token !== null) ? first : null
}
