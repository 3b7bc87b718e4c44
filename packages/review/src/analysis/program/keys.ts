/**
 * Which entries of a store a key expression means. Two places mean the same when they spell the same text (holes
 * aside), have the same function make it, or pass the same name on.
 */
import type { Call, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { definitionsOf } from "./definitions.ts"
import type { File } from "./file.ts"
import { dotted } from "./names.ts"
import type { Program } from "./program.ts"
import { resolveCall } from "./resolve.ts"
import { HOLE, textOfString } from "./text.ts"

export interface KeyFamily {
  /** The text with holes, where it has letters of its own. */
  readonly text: string | null
  /** The function that makes it. */
  readonly maker: string | null
  /** Names that it goes by on its way, the nearest first. */
  readonly names: readonly string[]
}

const MAX_STEPS = 4

/** Calls that only change how a key is represented. */
const CASTS =
  /^(?:getBytes|encode|encodeToByteArray|toByteArray|toString|String|str|bytes|string|byte|raw|valueOf|trim|singletonList|singleton|listOf|arrayOf|asList|of)$/

/** What a key is written in says nothing of which one it is: `key.getBytes(UTF_8)`. */
const CHARSET = /charset|(?:^|\.)utf_?-?8|encoding$/i

const NO_KEY: KeyFamily = { text: null, maker: null, names: [] }

/** The family of a key expression. */
export function keyFamilyOf(program: Program, file: File, node: Node): KeyFamily {
  return follow(program, file, node, MAX_STEPS)
}

function follow(program: Program, file: File, given: Node, steps: number): KeyFamily {
  const node = unwrapped(given)
  if (steps === 0) return NO_KEY
  const text = lettered(textOfString(program, file, node))
  if (node.kind === "call") {
    return { text: text ?? textMade(program, file, node), maker: node.name || null, names: [] }
  }
  if (node.kind !== "name" && node.kind !== "member") return { text, maker: null, names: [] }
  const own = definitionsOf(program, file, node).filter((one) => one.value && !one.isParam)
  // Several values of one name: none of them is the key.
  const next =
    own.length === 1 && own[0]!.value !== node
      ? follow(program, own[0]!.file, own[0]!.value!, steps - 1)
      : NO_KEY
  return { text: text ?? next.text, maker: next.maker, names: [node.name, ...next.names] }
}

/** A key without its representation: `key` of `[]byte(key)`, of `[key]` and of `Collections.singletonList(key)`. */
function unwrapped(node: Node): Node {
  if (node.kind === "list" && node.items.length === 1) return unwrapped(node.items[0]!)
  if (node.kind === "await" || node.kind === "spread") return unwrapped(node.value)
  if (node.kind !== "call" || node.isNew) return node
  const [first] = node.args
  if (node.callee.kind === "other" && first) return unwrapped(first)
  if (!CASTS.test(node.name)) return node
  const isCharset = first !== undefined && CHARSET.test(dotted(first))
  if (first && !isCharset && node.args.length === 1 && first.kind !== "named")
    return unwrapped(first)
  return node.callee.kind === "member" && (node.args.length === 0 || isCharset)
    ? unwrapped(node.callee.object)
    : node
}

/** What the function that makes a key returns, where it returns one text. */
function textMade(program: Program, file: File, call: Call): string | null {
  const [target] = resolveCall(program, file, call)
  if (!target?.fn.body) return null
  const texts: (string | null)[] = []
  walk(target.fn.body, (node) => {
    if (node.kind === "return" && node.value)
      texts.push(textOfString(program, target.file, node.value))
    return node.kind !== "function"
  })
  return texts.length === 1 ? lettered(texts[0]!) : null
}

function lettered(text: string | null): string | null {
  return text !== null && /[A-Za-z]{2}/.test(text)
    ? text.replaceAll(new RegExp(`${HOLE}+`, "g"), HOLE)
    : null
}

/** Whether two families are the same entries, as far as one can tell. */
export function isSameKey(a: KeyFamily, b: KeyFamily): boolean {
  if (a.text !== null && b.text !== null) return a.text === b.text
  if (a.maker !== null && b.maker !== null) return a.maker === b.maker
  return a.names.some((name) => b.names.includes(name))
}

/** Whether only names tell that two families are the same: true of every `key` in a file. */
export function isSameByNameOnly(a: KeyFamily, b: KeyFamily): boolean {
  return (a.text === null || b.text === null) && (a.maker === null || b.maker === null)
}
