/** From a file's text to the intermediate form. */
import { readFile } from "node:fs/promises"
import { Language as Grammar, Parser } from "web-tree-sitter"
import type { Language, SourceUnit } from "../ir/nodes.ts"
import { lowerGo } from "./go/lower.ts"
import { lowerJava } from "./java/lower.ts"
import { lowerJavaScript } from "./javascript/lower.ts"
import { lowerKotlin } from "./kotlin/lower.ts"
import { parseKotlin } from "./kotlin/parse.ts"
import { lowerPython } from "./python/lower.ts"
import type { Syntax } from "./syntax.ts"
import { readTree } from "./treeReader.ts"

/** What lies in grammars/. */
export type GrammarName = "go" | "python" | "javascript" | "typescript" | "tsx" | "java" | "kotlin"

interface Kind {
  readonly language: Language
  readonly grammar: GrammarName | null
}

const KINDS: Readonly<Record<string, Kind>> = {
  go: { language: "go", grammar: "go" },
  py: { language: "python", grammar: "python" },
  js: { language: "javascript", grammar: "javascript" },
  mjs: { language: "javascript", grammar: "javascript" },
  cjs: { language: "javascript", grammar: "javascript" },
  jsx: { language: "javascript", grammar: "javascript" },
  ts: { language: "typescript", grammar: "typescript" },
  mts: { language: "typescript", grammar: "typescript" },
  cts: { language: "typescript", grammar: "typescript" },
  tsx: { language: "typescript", grammar: "tsx" },
  java: { language: "java", grammar: "java" },
  kt: { language: "kotlin", grammar: "kotlin" },
  kts: { language: "kotlin", grammar: "kotlin" },
  sql: { language: "sql", grammar: null },
}

/** The language of a path by its extension, and the grammar that reads it; null for everything else. */
export function kindOf(path: string): Kind | null {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase()
  return extension !== undefined && Object.hasOwn(KINDS, extension) ? KINDS[extension]! : null
}

const parsers = new Map<GrammarName, Promise<Parser>>()
let started: Promise<void> | undefined
/** Becomes the parser's own module when it starts. */
const module = {}

/** Loads a grammar once; parsing itself is synchronous afterwards. */
async function parserOf(grammar: GrammarName): Promise<Parser> {
  let parser = parsers.get(grammar)
  if (!parser) {
    parser = load(grammar)
    parsers.set(grammar, parser)
  }
  return parser
}

async function load(grammar: GrammarName): Promise<Parser> {
  started ??= Parser.init(module)
  await started
  const wasm = await readFile(new URL(`../../grammars/${grammar}.wasm`, import.meta.url))
  const parser = new Parser()
  parser.setLanguage(await Grammar.load(wasm))
  return parser
}

/** The largest files of ordinary code take a twentieth of this. */
const DEADLINE_MS = 10_000
const STEPS_PER_LOOK = 32

/**
 * Parses and lowers a text. A text that the grammar does not understand in places gives a unit whose broken functions
 * have `hasError`.
 * @throws RangeError when parsing does not end within `deadlineMs` (default 10 000) of this thread's own computing
 */
export async function parseSource(
  path: string,
  text: string,
  deadlineMs = DEADLINE_MS,
): Promise<SourceUnit> {
  const kind = kindOf(path)
  if (!kind) throw new TypeError(`${path}: no language is known for this extension`)
  if (!kind.grammar) {
    return {
      language: kind.language,
      package: null,
      imports: [],
      body: [],
      comments: [],
      errors: 0,
    }
  }
  if (kind.language === "kotlin") {
    const parse = (again: string) => parseSyntax("kotlin", again, deadlineMs)
    return lowerKotlin(await parseKotlin(text, parse), text)
  }
  const root = await parseSyntax(kind.grammar, text, deadlineMs)
  switch (kind.language) {
    case "go":
      return lowerGo(root, text)
    case "python":
      return lowerPython(root, text)
    case "java":
      return lowerJava(root, text)
    default:
      return lowerJavaScript(
        root,
        text,
        kind.language === "javascript" ? "javascript" : "typescript",
      )
  }
}

/** The parse tree alone: what tests of a frontend look at. */
export async function parseSyntax(
  grammar: GrammarName,
  text: string,
  deadlineMs = DEADLINE_MS,
): Promise<Syntax> {
  const parser = await parserOf(grammar)
  const endMs = computedMs() + deadlineMs
  let steps = 0
  // The parser asks every few microseconds, and asking the system takes one.
  const isLate = (): boolean => ++steps % STEPS_PER_LOOK === 0 && computedMs() > endMs
  const tree = parser.parse(text, null, { progressCallback: isLate })
  if (!tree) {
    parser.reset()
    throw new RangeError(`parsing did not end within ${deadlineMs} ms`)
  }
  try {
    return readTree(tree, parser.language!, module)
  } finally {
    tree.delete()
  }
}

/** What this thread has computed: on a busy machine a file must not fail that is read on an idle one. */
function computedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
