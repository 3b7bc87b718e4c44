/**
 * YAML and JSON as a tree that knows its lines, so that a message can say where. Anchors, aliases, merge keys and tags
 * are refused: nobody needs them here, and a few lines of aliases can stand for gigabytes.
 */
import { ConfigError } from "./configError.ts"

/** A larger one was not written by a person. Baselines may be larger: see `readTree`. */
const MAX_CHARS = 256 * 1024
const MAX_DEPTH = 20

export type Tree =
  | { readonly kind: "map"; readonly line: number; readonly entries: readonly TreeEntry[] }
  | { readonly kind: "list"; readonly line: number; readonly items: readonly Tree[] }
  | { readonly kind: "scalar"; readonly line: number; readonly value: Scalar }

export type Scalar = string | number | boolean | null

export interface TreeEntry {
  readonly key: string
  readonly line: number
  readonly value: Tree
}

/**
 * Parses a text.
 * @param file - what messages call it
 * @throws ConfigError
 */
export async function readTree(file: string, text: string, maxChars = MAX_CHARS): Promise<Tree> {
  const fail = (line: number, message: string): never => {
    throw new ConfigError([{ file, line, key: "", message }])
  }
  if (text.length > maxChars) fail(1, `is longer than ${maxChars} characters`)
  // Most reviews have no configuration and need not wait for the parser.
  const { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } = await import("yaml")
  const lines = new LineCounter()
  const lineAt = (offset: number | undefined): number => lines.linePos(offset ?? 0).line || 1
  const parse = (): ReturnType<typeof parseDocument> => {
    try {
      return parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false })
    } catch (error) {
      // Nesting deeper than the stack.
      return fail(1, `cannot be parsed: ${(error as Error).message}`)
    }
  }
  const document = parse()
  const [error] = document.errors
  if (error) fail(lineAt(error.pos[0]), firstLine(error.message))

  const convert = (node: unknown, line: number, depth: number): Tree => {
    if (depth > MAX_DEPTH) return fail(line, `is nested deeper than ${MAX_DEPTH} levels`)
    if (node === null || node === undefined) return { kind: "scalar", line, value: null }
    if (isAlias(node)) return fail(lineAt(node.range?.[0]), "aliases (*name) are not supported")
    if (isMap(node)) {
      const entries = node.items.map((pair): TreeEntry => {
        const at = isScalar(pair.key) ? lineAt(pair.key.range?.[0]) : line
        if (!isScalar(pair.key) || typeof pair.key.value !== "string") {
          return fail(at, "a key is not a plain word")
        }
        if (pair.key.value === "<<") return fail(at, "merge keys (<<) are not supported")
        return { key: pair.key.value, line: at, value: convert(pair.value, at, depth + 1) }
      })
      return { kind: "map", line: lineAt(node.range?.[0]), entries }
    }
    if (isSeq(node)) {
      const at = lineAt(node.range?.[0])
      return {
        kind: "list",
        line: at,
        items: node.items.map((item) => convert(item, at, depth + 1)),
      }
    }
    if (isScalar(node))
      return { kind: "scalar", line: lineAt(node.range?.[0]), value: scalarOf(node.value) }
    return fail(line, "has something that is neither text nor number, list or map")
  }
  return convert(document.contents, 1, 0)
}

function scalarOf(value: unknown): Scalar {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value
  return value === null || value === undefined ? null : "(not a plain value)"
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!
}
