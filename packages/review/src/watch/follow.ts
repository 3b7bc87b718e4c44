/** Tells when something below a root changed that a review depends on. */
import { watch } from "node:fs"
import { BASELINE_FILE } from "../config/baseline.ts"
import { CONFIG_FILES } from "../config/readConfig.ts"
import { isWanted } from "../engine/wanted.ts"
import { isInSkippedFolder } from "../files/paths.ts"

const ALSO: ReadonlySet<string> = new Set([
  ...CONFIG_FILES,
  BASELINE_FILE,
  ".gitignore",
  ".gitattributes",
])

/** Whether a change of this path, relative to the root, can change a review. */
export function matters(path: string): boolean {
  const parts = path.replaceAll("\\", "/").split("/")
  const name = parts.at(-1) ?? ""
  const plain = parts.join("/")
  if (isInSkippedFolder(plain)) return false
  return ALSO.has(name) || isWanted(plain)
}

/**
 * Watches a root.
 * @param onChange - called for each change that matters, several times for one
 * @param onError - called when it cannot go on
 * @returns how to end it
 */
export function follow(
  root: string,
  onChange: () => void,
  onError: (error: Error) => void,
): () => void {
  const watcher = watch(root, { recursive: true, persistent: true }, (_, name) => {
    // Without a name, anything may have changed.
    if (name === null || matters(name)) onChange()
  })
  watcher.on("error", onError)
  return () => watcher.close()
}
