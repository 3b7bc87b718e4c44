/** Where reports go: standard output and the files that were asked for. */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import type { Report } from "../findings/finding.ts"
import { render } from "../reports/render.ts"
import type { RenderOptions } from "../reports/report.ts"
import type { FormatName } from "./reviewSettings.ts"
import type { Terminal } from "./terminal.ts"
import { UsageError } from "./usage.ts"

/**
 * Writes a report to files, relative to the current folder. They never hold colours.
 * @throws UsageError when a file cannot be written
 */
export function writeOutputs(
  outputs: readonly { readonly format: FormatName; readonly file: string }[],
  report: Report,
  options: RenderOptions,
  terminal: Terminal,
): void {
  for (const { format, file } of outputs) {
    const path = resolve(terminal.cwd, file)
    try {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, render(format, report, { ...options, colour: false }))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      throw new UsageError(`--output ${format}=${file} cannot be written: ${code ?? message}`)
    }
  }
}
