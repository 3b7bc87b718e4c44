import { posix } from "node:path"
import type { Node, Program } from "oxc-parser"
import { walkAst } from "./walkAst.ts"

export interface SourceImport {
  readonly specifier: string
  /** Only types come in, so that nothing is loaded when the program runs. */
  readonly isTypeOnly: boolean
  /** Offset of the import in its file. */
  readonly start: number
}

/** Finds every import, re-export and `import()` with a literal specifier, and `import("x")` in types. */
export function sourceImports(program: Program): SourceImport[] {
  const imports: SourceImport[] = []
  walkAst(program, (node) => {
    const source = importSource(node)
    if (source?.type !== "Literal" || typeof source.value !== "string") return
    imports.push({ specifier: source.value, isTypeOnly: isTypeOnly(node), start: node.start })
  })
  return imports
}

function importSource(node: Node): Node | null {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
    case "ImportExpression":
    case "TSImportType":
      return node.source
    default:
      return null
  }
}

function isTypeOnly(node: Node): boolean {
  switch (node.type) {
    case "TSImportType":
      return true
    case "ImportDeclaration":
      return node.importKind === "type"
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      return node.exportKind === "type"
    default:
      return false
  }
}

/** The repository path that a relative specifier means; undefined for a package or a builtin. */
export function importedPath(importer: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined
  return posix.join(posix.dirname(importer), specifier)
}
