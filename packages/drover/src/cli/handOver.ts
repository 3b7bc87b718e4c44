import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { constants } from "node:os"
import { dirname, join } from "node:path"
import type { Terminal } from "./terminal.ts"

/**
 * Finds the program of a package: the one of the project that the caller stands in comes before the one that is
 * installed beside this package, so that everybody in a project runs its version.
 * @param beside a file of this package.
 * @returns the path of a JavaScript file, or null when the package is in neither place.
 */
export function findProgram(
  packageName: string,
  program: string,
  cwd: string,
  beside: string = import.meta.url,
): string | null {
  for (const from of [join(cwd, "package.json"), beside]) {
    const path = programFrom(from, packageName, program)
    if (path !== null) return path
  }
  return null
}

function programFrom(from: string, packageName: string, program: string): string | null {
  let manifest: string
  try {
    manifest = createRequire(from).resolve(`${packageName}/package.json`)
  } catch {
    return null
  }
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as {
    readonly bin?: Readonly<Record<string, string>>
  }
  const file = bin?.[program]
  if (file === undefined) return null
  const path = join(dirname(manifest), file)
  // A checkout that was not built has the package and not its program.
  return existsSync(path) ? path : null
}

/**
 * Runs a program of Node in our place: it has our input, output and folder, and each request to stop reaches it too.
 * @returns its exit status; of one that a signal ended, 128 and the number of the signal, as shells have it.
 */
export function handOver(
  path: string,
  words: readonly string[],
  terminal: Pick<Terminal, "cwd" | "onStop">,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path, ...words], {
      cwd: terminal.cwd,
      stdio: "inherit",
    })
    const stopListening = terminal.onStop((signal) => child.kill(signal as NodeJS.Signals))
    child.once("error", (error) => {
      stopListening()
      reject(error)
    })
    child.once("exit", (code, signal) => {
      stopListening()
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}
