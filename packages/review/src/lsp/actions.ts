/** What an editor offers at a finding: its fix, and an ignore comment that asks for a reason. */
import type { Edit, Finding } from "../findings/finding.ts"
import { Lines } from "../findings/place.ts"
import type { Diagnostic } from "./diagnostics.ts"
import { positionAt, type LspRange } from "./documents.ts"

/** What the person has to write in its place. */
export const REASON = "say why this is right here"

interface TextEdit {
  readonly range: LspRange
  readonly newText: string
}

export interface CodeAction {
  readonly title: string
  readonly kind: "quickfix"
  readonly diagnostics: readonly Diagnostic[]
  readonly isPreferred?: boolean
  readonly edit: { readonly changes: Readonly<Record<string, readonly TextEdit[]>> }
}

export interface ActionWorld {
  /** The text that offsets count in; null for what was not read. */
  textOf(path: string): string | null
  fileUri(path: string): string
  diagnosticOf(finding: Finding): Diagnostic
}

/** The actions of a finding, its fix first. */
export function actionsOf(finding: Finding, world: ActionWorld): CodeAction[] {
  const diagnostics = [world.diagnosticOf(finding)]
  const fix = fixChanges(finding.fix.edits ?? [], world)
  const ignore = ignoreEdit(finding, world)
  return [
    ...(fix === null
      ? []
      : [
          {
            title: `Fix: ${finding.fix.text}`,
            kind: "quickfix" as const,
            diagnostics,
            // An unsafe one has to be read and is never the one that is carried out blindly.
            ...(finding.fix.safety === "safe" && { isPreferred: true }),
            edit: { changes: fix },
          },
        ]),
    ...(ignore === null
      ? []
      : [
          {
            title: `Ignore ${finding.rule} here, with a reason`,
            kind: "quickfix" as const,
            diagnostics,
            edit: { changes: { [world.fileUri(finding.path)]: [ignore] } },
          },
        ]),
  ]
}

function fixChanges(edits: readonly Edit[], world: ActionWorld): Record<string, TextEdit[]> | null {
  if (edits.length === 0) return null
  const changes: Record<string, TextEdit[]> = {}
  for (const { path, start, end, text: newText } of edits) {
    const text = world.textOf(path)
    if (text === null || end > text.length) return null
    const lines = new Lines(text)
    const range = { start: positionAt(lines, start), end: positionAt(lines, end) }
    const list = (changes[world.fileUri(path)] ??= [])
    list.push({ range, newText })
  }
  return changes
}

function ignoreEdit({ path, line, rule }: Finding, world: ActionWorld): TextEdit | null {
  const text = world.textOf(path)
  if (text === null) return null
  const lines = new Lines(text)
  const indent = /^[ \t]*/.exec(lines.textOf(line))![0]
  const start = { line: line - 1, character: 0 }
  const end = text.includes("\r\n") ? "\r\n" : "\n"
  const newText = `${indent}${commentOf(path)} drover-ignore[${rule}]: ${REASON}${end}`
  return { range: { start, end: start }, newText }
}

function commentOf(path: string): string {
  if (/\.py$/i.test(path)) return "#"
  return /\.sql$/i.test(path) ? "--" : "//"
}
