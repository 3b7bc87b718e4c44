/** What the `.gitignore` and `.gitattributes` files of a tree say of its paths; folder by folder, the nearest wins. */
import { matchesPattern, MAX_PATTERNS, parsePattern, type Pattern } from "./gitignore.ts"

interface AttributeRule {
  readonly pattern: Pattern
  readonly isGenerated: boolean
}

/** Names of the files that are read before the others of their folder. */
export const RULE_FILES: ReadonlySet<string> = new Set([".gitignore", ".gitattributes"])

export class TreeRules {
  readonly #ignores = new Map<string, readonly Pattern[]>()
  readonly #attributes = new Map<string, readonly AttributeRule[]>()
  readonly #ignoredFolders = new Map<string, boolean>()

  /**
   * Takes one rule file in.
   * @param folder - where it lies, "" for the root
   * @returns false when it has more lines than are read
   */
  add(folder: string, name: string, text: string): boolean {
    const lines = text.split("\n")
    const read = lines.slice(0, MAX_PATTERNS)
    if (name === ".gitignore") {
      const patterns = read.map(parsePattern).filter((pattern) => pattern !== null)
      if (patterns.length > 0) this.#ignores.set(folder, patterns.reverse())
    } else {
      const rules = read.flatMap(parseAttributes)
      if (rules.length > 0) this.#attributes.set(folder, rules.reverse())
    }
    return read.length === lines.length
  }

  /** Whether Git passes a path over. A file in an ignored folder cannot be taken back. */
  isIgnored(path: string, isFolder: boolean): boolean {
    if (this.#ignores.size === 0) return false
    const folder = folderOf(path)
    if (folder !== "" && this.#isFolderIgnored(folder)) return true
    return this.#verdict(path, isFolder)
  }

  /** Whether `.gitattributes` calls a file generated or somebody else's (`linguist-generated`, `linguist-vendored`). */
  isGenerated(path: string): boolean {
    if (this.#attributes.size === 0) return false
    for (const folder of foldersOf(path)) {
      const below = folder === "" ? path : path.slice(folder.length + 1)
      const rule = this.#attributes
        .get(folder)
        ?.find(({ pattern }) => matchesPattern(pattern, below, false))
      if (rule) return rule.isGenerated
    }
    return false
  }

  #isFolderIgnored(folder: string): boolean {
    const known = this.#ignoredFolders.get(folder)
    if (known !== undefined) return known
    const above = folderOf(folder)
    const isIgnored = (above !== "" && this.#isFolderIgnored(above)) || this.#verdict(folder, true)
    this.#ignoredFolders.set(folder, isIgnored)
    return isIgnored
  }

  #verdict(path: string, isFolder: boolean): boolean {
    for (const folder of foldersOf(path)) {
      const below = folder === "" ? path : path.slice(folder.length + 1)
      const pattern = this.#ignores.get(folder)?.find((one) => matchesPattern(one, below, isFolder))
      if (pattern) return !pattern.isNegated
    }
    return false
  }
}

function parseAttributes(line: string): AttributeRule[] {
  const words = line.trim().split(/\s+/)
  const pattern = parsePattern(words[0] ?? "")
  if (!pattern || pattern.isNegated) return []
  for (const word of words.slice(1).reverse()) {
    const match = /^(-?)linguist-(?:generated|vendored)(?:=(\w+))?$/.exec(word)
    if (match) return [{ pattern, isGenerated: match[1] === "" && match[2] !== "false" }]
  }
  return []
}

export function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0))
}

/** The folders around a path from the nearest to the root, "". */
function foldersOf(path: string): string[] {
  const folders: string[] = []
  for (let folder = folderOf(path); folder !== ""; folder = folderOf(folder)) folders.push(folder)
  folders.push("")
  return folders
}
