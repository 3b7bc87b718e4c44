/**
 * Which tiers and severities a rule can give, read from its source: they are chosen finding by finding, and no rule
 * has a list of them that could be forgotten.
 */
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { parseSync } from "oxc-parser"
import { walkAst } from "../tidy/walkAst.ts"

export interface Said {
  readonly tiers: readonly string[]
  readonly severities: readonly string[]
}

const TIERS = ["certain", "likely", "context"]
const SEVERITIES = ["high", "medium", "low", "info"]
const IMPORT = /from "(\.[^"]+\.ts)"/g

/** Reads a rule's file, and where it leaves a choice to another file, that one too. */
export function readSaid(path: string): Said {
  const own = saidIn(readFileSync(path, "utf8"))
  if (own.tiers.length > 0 && own.severities.length > 0) return own
  const others = importsOf(path)
    .map((one) => readFileSync(one, "utf8"))
    .map(saidIn)
  return merged([own, ...others])
}

/** The tiers and severities that a text gives in properties, variables and functions of these names or types. */
export function saidIn(text: string): Said {
  const values = new Set<string>()
  walkAst(
    parseSync("rule.ts", text, { sourceType: "module", preserveParens: false }).program,
    (node) => {
      for (const chosen of chosenBy(node as unknown as Ast))
        for (const value of literalsOf(chosen)) values.add(value)
    },
  )
  return {
    tiers: TIERS.filter((one) => values.has(`tier ${one}`)),
    severities: SEVERITIES.filter((one) => values.has(`severity ${one}`)),
  }
}

/** The parts of the tree that are read here; oxc's own types have hundreds of kinds. */
interface Ast {
  readonly type: string
  readonly [key: string]: unknown
}

interface Chosen {
  readonly kind: "tier" | "severity"
  readonly value: Ast
}

function chosenBy(node: Ast): Chosen[] {
  if (node.type === "Property") return chosen(nameOf(node["key"]), node["value"])
  if (node.type === "VariableDeclarator") return chosen(nameOf(node["id"]), node["init"])
  // A parameter that says which of them it can be: `tier: "certain" | "likely"`.
  if (node.type === "Identifier") return chosen(nameOf(node), node["typeAnnotation"])
  if (/Function/.test(node.type)) {
    const kind = typeOf(node["returnType"])
    if (kind === null) return []
    const body = node["body"] as Ast | null
    if (body === null) return []
    if (body.type !== "BlockStatement") return [{ kind, value: body }]
    return returnsOf(body).map((value) => ({ kind, value }))
  }
  return []
}

function chosen(name: string, value: unknown): Chosen[] {
  const kind = /^tier$/i.test(name) ? "tier" : /^severity$/i.test(name) ? "severity" : null
  return kind === null || !value ? [] : [{ kind, value: value as Ast }]
}

function returnsOf(body: Ast): Ast[] {
  const found: Ast[] = []
  walkAst(body as never, (node) => {
    const { type, argument } = node as unknown as Ast
    if (type === "ReturnStatement" && argument) found.push(argument as Ast)
  })
  return found
}

/** What an expression can be; what a condition compares with is none of it. */
function literalsOf({ kind, value }: Chosen): string[] {
  if (value.type === "Literal") return [`${kind} ${String(value["value"])}`]
  const parts =
    value.type === "ConditionalExpression"
      ? [value["consequent"], value["alternate"]]
      : value.type === "LogicalExpression"
        ? [value["left"], value["right"]]
        : value.type === "TSUnionType"
          ? (value["types"] as readonly Ast[])
          : [innerOf(value)].filter((inner) => inner !== null)
  return parts.flatMap((part) => literalsOf({ kind, value: part as Ast }))
}

/** What a cast or an annotation is wrapped around. */
function innerOf(value: Ast): Ast | null {
  if (/^TS(?:As|Satisfies|NonNull)Expression$/.test(value.type)) return value["expression"] as Ast
  if (value.type === "TSTypeAnnotation") return value["typeAnnotation"] as Ast
  return value.type === "TSLiteralType" ? (value["literal"] as Ast) : null
}

function nameOf(node: unknown): string {
  const { name } = (node ?? {}) as { readonly name?: unknown }
  return typeof name === "string" ? name : ""
}

/** What a function gives back, by its declared type. */
function typeOf(annotation: unknown): Chosen["kind"] | null {
  const text = JSON.stringify(annotation ?? null)
  if (text.includes('"name":"Tier"')) return "tier"
  return text.includes('"name":"Severity"') ? "severity" : null
}

function importsOf(path: string): string[] {
  return [...readFileSync(path, "utf8").matchAll(IMPORT)]
    .map(([, specifier = ""]) => join(dirname(path), specifier))
    .filter((one) => existsSync(one))
}

function merged(list: readonly Said[]): Said {
  return {
    tiers: TIERS.filter((one) => list.some(({ tiers }) => tiers.includes(one))),
    severities: SEVERITIES.filter((one) => list.some(({ severities }) => severities.includes(one))),
  }
}
