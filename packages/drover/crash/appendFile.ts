import { openSync, readdirSync, readFileSync, writeSync } from "node:fs"
import { join } from "node:path"

/** A file of one process's own to which it appends. A line that was written survives the process, however it dies. */
export class AppendFile<Line extends object> {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, "a")
  }

  append(line: Line): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`)
  }
}

/** The lines of all files in a folder whose names begin so. */
export function readAppended<Line extends object>(folder: string, start: string): Line[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(start) && name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line)
}
