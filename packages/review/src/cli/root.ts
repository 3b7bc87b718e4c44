/** Which folder is the root, and what a person's paths mean in it. */
import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { nearest } from "../config/nearest.ts"
import { InputError } from "../files/inputError.ts"
import { pathInRoot, realRoot } from "../files/workTree.ts"
import { COMMAND_NAMES } from "./commandNames.ts"
import { textOf, type Parsed } from "./parse.ts"
import type { Terminal } from "./terminal.ts"

/**
 * The root: what `--root` says, else the nearest folder above the current one that Git knows, else the current one.
 * @throws InputError
 */
export function rootOf(parsed: Parsed, terminal: Terminal): string {
  const given = textOf(parsed, "root")
  if (given !== undefined) return realRoot(resolve(terminal.cwd, given))
  const cwd = realRoot(terminal.cwd)
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder
    if (dirname(folder) === folder) return cwd
  }
}

/**
 * Paths as a person gave them, relative to the current folder, as paths below the root.
 * @throws InputError
 */
export function pathsInRoot(root: string, cwd: string, paths: readonly string[]): string[] {
  return paths.map((path) => {
    const full = resolve(cwd, path)
    if (!existsSync(full)) throw new InputError(`${path} does not exist${meantCommand(path)}`)
    return pathInRoot(root, full)
  })
}

/** A word that is no path may have been meant as a command. */
function meantCommand(word: string): string {
  const near = nearest(word, COMMAND_NAMES)
  return near === undefined ? "" : `; did you mean the command "${near}"?`
}
