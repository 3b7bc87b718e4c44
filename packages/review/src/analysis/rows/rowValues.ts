/** The arguments that a statement's placeholders get: `$2`, `?`, `%s`, `:balance`, and the holes of a template. */
import type { Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import type { Program } from "../program/program.ts"
import { type Query, textIn } from "./queries.ts"
import type { RowCall } from "./rowCall.ts"
import { textOfString } from "../program/text.ts"

/** What a part of a row's statement is given; null where it is no placeholder or cannot be told. */
export function valueGiven(
  program: Program,
  file: File,
  row: RowCall,
  part: { readonly start: number; readonly end: number },
): Node | null {
  const { query } = row
  if (!query) return null
  const text = textIn(query, part).trim()
  const given = argumentsOf(program, file, row, query)
  const numbered = /^\$(\d+)/.exec(text)
  if (numbered) return given[Number(numbered[1]) - 1] ?? null
  const named = /^(?:[:@$](\w+)|%\((\w+)\)s)$/.exec(text)
  if (named) return byName(given, (named[1] ?? named[2])!)
  if (!/^(?:\?|%s)/.test(text)) return null
  const before = query.text.slice(0, part.start).match(/\?|%s/g)?.length ?? 0
  const holes = holesOf(query)
  return (holes ?? given)[before] ?? null
}

/** The holes of a template, where each is one placeholder of the text that was read. */
function holesOf({ node, text }: Query): readonly Node[] | null {
  if (node?.kind !== "template") return null
  const holes = node.parts.filter((one) => one.kind !== "string")
  return holes.length === (text.match(/\?/g)?.length ?? 0) ? holes : null
}

/** What follows the statement in its call: each by itself, or a list or an object of them. */
function argumentsOf(program: Program, file: File, row: RowCall, query: Query): readonly Node[] {
  const { args } = row.call
  const { node } = query
  let index = args.findIndex((arg) => node && arg.start <= node.start && node.end <= arg.end)
  if (index < 0) index = args.findIndex((arg) => textOfString(program, file, arg) !== null)
  if (index < 0) return []
  const rest = args.slice(index + 1)
  const [only] = rest
  return rest.length === 1 && only?.kind === "list" ? only.items : rest
}

function byName(given: readonly Node[], name: string): Node | null {
  for (const one of given) {
    if (one.kind === "named" && one.name === name) return one.value
    const entry = one.kind === "object" ? one.entries.find(({ key }) => key === name) : undefined
    if (entry) return entry.value
  }
  return null
}
