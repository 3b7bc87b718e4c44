/** A program of texts in memory: what editors, tools and the rules' own tests look at. */
import { isTestPath } from "../../files/testPath.ts"
import { kindOf, parseSource } from "../../frontends/parse.ts"
import type { SourceUnit } from "../../ir/nodes.ts"
import type { EvidenceText } from "./evidence.ts"
import { File } from "./file.ts"
import type { KnownNames } from "./known.ts"
import { Program, type Source } from "./program.ts"
import { summarise } from "./summary.ts"

export interface TextAt {
  /** Relative to the root, with `/`; its extension tells the language. */
  readonly path: string
  readonly text: string
}

/**
 * Parses every text that is source; the others (and SQL) are evidence. A text that cannot be read is there without a
 * tree, and `onFailure` hears why.
 */
export async function programOf(
  texts: readonly TextAt[],
  {
    onFailure,
    ...options
  }: {
    readonly isFleet?: boolean
    readonly known?: KnownNames
    readonly onFailure?: (path: string, message: string) => void
  } = {},
): Promise<Program> {
  const sources: Source[] = []
  const evidence: EvidenceText[] = []
  for (const { path, text } of texts) {
    const kind = kindOf(path)
    if (!kind || kind.language === "sql") evidence.push({ path, text })
    if (!kind) continue
    const { language } = kind
    const unit = await parseSource(path, text).catch((error: unknown): SourceUnit => {
      onFailure?.(path, error instanceof Error ? error.message : String(error))
      return { language, package: null, imports: [], body: [], comments: [], errors: 1 }
    })
    const isTest = isTestPath(path, language)
    const summary = summarise(new File({ path, language, text, unit, isTest }))
    sources.push({ path, language, isTest, text, summary, load: () => unit })
  }
  return new Program({ sources, evidence, ...options })
}
