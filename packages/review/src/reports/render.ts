/** One way into all formats: a report goes in, and what is printed or written to a file comes out. */
import type { Report } from "../findings/finding.ts"
import { concise } from "./concise.ts"
import { github } from "./github.ts"
import { gitlab } from "./gitlab.ts"
import { json, jsonl } from "./json.ts"
import { junit } from "./junit.ts"
import { markdown } from "./markdown.ts"
import { pretty } from "./pretty.ts"
import type { RenderOptions } from "./report.ts"
import { sarif } from "./sarif.ts"
import { statistics } from "./statistics.ts"

const RENDERERS = {
  pretty,
  concise,
  json,
  jsonl,
  sarif,
  github,
  gitlab,
  junit,
  markdown,
  statistics,
} satisfies Record<string, (report: Report, options: RenderOptions) => string>

/** What `--format` takes, and `statistics`, which has an option of its own. */
export type Format = keyof typeof RENDERERS

export const FORMATS = Object.keys(RENDERERS) as readonly Format[]

/** Whether a word names a format. */
export function isFormat(word: string): word is Format {
  return Object.hasOwn(RENDERERS, word)
}

/** A report in one format; it ends with a line end, or is empty. */
export function render(format: Format, report: Report, options: RenderOptions = {}): string {
  return RENDERERS[format](report, options)
}
