/**
 * The files of a folder on disk. The folder may be hostile: links are not followed, only regular files are opened, and
 * nothing outside the root is read, whatever the names in it say.
 */
import { lstatSync, readdirSync, realpathSync, statSync, type Dirent } from "node:fs"
import { lstat } from "node:fs/promises"
import { isAbsolute, join, relative, resolve, sep } from "node:path"
import { InputError } from "./inputError.ts"
import { MAX_ENTRIES, MAX_FOLDER_DEPTH } from "./limits.ts"
import { readRegular } from "./openRegular.ts"
import { PassedOver } from "./passedOver.ts"
import { isSkippedFolder } from "./paths.ts"
import { blobOf, Budget, isLeftOut, limitsOf, textOf } from "./tree.ts"
import type { Loaded, LoadOptions, TextFile, Tree } from "./tree.ts"
import { RULE_FILES, TreeRules } from "./treeRules.ts"

/** Rule files are read whole or not at all. */
const MAX_RULE_FILE_BYTES = 256 * 1024
/** Folders between two looks at the signal. */
const FOLDERS_PER_TURN = 64

/** A listed file, not yet read. */
export interface ListedFile {
  readonly path: string
  /** Bytes, by the folder's word for it. */
  readonly size: number
}

export interface ListOptions extends Omit<LoadOptions, "blobs" | "known"> {}

/**
 * The real path of a root.
 * @throws InputError when it is no folder
 */
export function realRoot(root: string): string {
  try {
    const real = realpathSync.native(root)
    if (statSync(real).isDirectory()) return real
  } catch {
    // Told below, as for a file.
  }
  throw new InputError(`${root} is no folder that can be read`)
}

/**
 * A path as a person gave it, relative to the root with `/`; "" is the root itself.
 * @throws InputError when it does not exist, leads out of the root or passes a link
 */
export function pathInRoot(root: string, path: string): string {
  const real = realRoot(root)
  const full = isAbsolute(path) ? path : resolve(real, path)
  let found: string
  try {
    found = realpathSync.native(full)
  } catch {
    throw new InputError(`${path} does not exist below ${root}`)
  }
  const inside = relative(real, found)
  if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new InputError(`${path} lies outside of ${root}`)
  }
  return inside.split(sep).join("/")
}

/**
 * Lists the regular files below a root that are wanted and that a person wrote: `.gitignore` is honoured, other
 * people's code and generated files are left out. Sorted by path.
 * @throws InputError when the root is no folder; what `signal` has as its reason
 */
export async function listFiles(
  root: string,
  options: ListOptions,
): Promise<{ files: readonly ListedFile[]; notices: Loaded["notices"] }> {
  const walk = new Walk(realRoot(root), options)
  await walk.run()
  return { files: walk.files(), notices: walk.passedOver.notices() }
}

/** The folder on disk as a tree. */
export function workTree(root: string): Tree {
  return {
    async load(options): Promise<Loaded> {
      const real = realRoot(root)
      const walk = new Walk(real, options)
      await walk.run()
      const named = new Set(options.named)
      const files: TextFile[] = []
      for (const { path } of walk.files()) {
        const file = readListed(real, path, options, walk.passedOver, named.has(path))
        if (file) files.push(file)
      }
      return { files, notices: walk.passedOver.notices() }
    },
  }
}

function readListed(
  root: string,
  path: string,
  options: LoadOptions,
  passedOver: PassedOver,
  isNamed: boolean,
): TextFile | null {
  const read = readRegular(join(root, path), limitsOf(options).fileBytes)
  if (read.kind === "unreadable") {
    passedOver.add("file-unreadable", path, `cannot be read (${read.reason})`)
  } else if (read.kind === "bytes") {
    const text = textOf(path, read.bytes, passedOver, isNamed)
    if (text !== null) return { path, text, blob: options.blobs ? blobOf(read.bytes) : null }
  }
  return null
}

class Walk {
  readonly passedOver = new PassedOver()
  readonly #root: string
  readonly #options: ListOptions
  readonly #rules = new TreeRules()
  readonly #candidates = new Map<string, number>()
  #entries = 0

  constructor(root: string, options: ListOptions) {
    this.#root = root
    this.#options = options
  }

  async run(): Promise<void> {
    const waiting: string[] = [""]
    for (let visited = 1; waiting.length > 0; visited++) {
      // Reading folders at once is many times faster than waiting for each; now and then others get their turn.
      if (visited % FOLDERS_PER_TURN === 0) await lstat(this.#root)
      this.#options.signal?.throwIfAborted()
      waiting.push(...this.#visit(waiting.pop()!).reverse())
    }
    for (const path of this.options.named ?? []) this.#addNamed(path)
  }

  get options(): ListOptions {
    return this.#options
  }

  /** What fits the limits, in the order of paths: which files those are must not hang on the order of the disk. */
  files(): ListedFile[] {
    const budget = new Budget(limitsOf(this.#options), this.passedOver)
    return [...this.#candidates]
      .map(([path, size]) => ({ path, size }))
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .filter(({ path, size }) => budget.takes(path, size))
  }

  /** Reads one folder. @returns the folders below that are to be read. */
  #visit(folder: string): string[] {
    const entries = this.#read(folder)
    if (this.#options.ownOnly && folder !== "" && entries.some(({ name }) => name === ".git"))
      return []
    for (const { name } of entries) if (RULE_FILES.has(name)) this.#addRules(folder, name)
    const folders: string[] = []
    for (const entry of entries) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) {
        if (this.#enters(path)) folders.push(path)
      } else if (this.#options.wants(path)) this.#addWanted(path, entry)
    }
    return folders
  }

  #read(folder: string): Dirent[] {
    let entries: Dirent[]
    try {
      const full = join(this.#root, folder)
      // A folder that became a link after its parent was read must not lead out.
      if (folder !== "" && !lstatSync(full).isDirectory()) return []
      entries = readdirSync(full, { withFileTypes: true })
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? "unknown"
      this.passedOver.add("file-unreadable", folder, `cannot be read (${reason})`)
      return []
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    const left = MAX_ENTRIES - this.#entries
    this.#entries += entries.length
    if (entries.length <= left) return entries
    this.passedOver.add("limit-entries", folder, `passed over: ${MAX_ENTRIES} names were looked at`)
    return entries.slice(0, Math.max(left, 0))
  }

  #enters(path: string): boolean {
    if (isSkippedFolder(path) || this.#rules.isIgnored(path, true)) return false
    if (path.split("/").length <= MAX_FOLDER_DEPTH) return true
    this.passedOver.add("limit-depth", path, `lies deeper than ${MAX_FOLDER_DEPTH} folders`)
    return false
  }

  #addWanted(path: string, entry: Dirent): void {
    if (entry.isSymbolicLink() || isLeftOut(path, this.#rules)) return
    if (!entry.isFile()) {
      this.passedOver.add("file-not-regular", path, "is no regular file")
      return
    }
    this.#addFile(path)
  }

  #addFile(path: string): void {
    try {
      const stat = lstatSync(join(this.#root, path))
      if (stat.isFile()) this.#candidates.set(path, stat.size)
    } catch {
      // It went away since its folder was read.
    }
  }

  #addNamed(path: string): void {
    if (!this.#options.wants(path) || path.split("/").includes(".git")) return
    if (this.#candidates.has(path) || !this.#isReal(path)) return
    this.#addFile(path)
  }

  /** No link on the way: pathInRoot makes a person's path real before it comes here. */
  #isReal(path: string): boolean {
    try {
      const full = join(this.#root, path)
      return realpathSync.native(full) === full
    } catch {
      return false
    }
  }

  #addRules(folder: string, name: string): void {
    const path = folder === "" ? name : `${folder}/${name}`
    const read = readRegular(join(this.#root, path), MAX_RULE_FILE_BYTES)
    const isWhole =
      read.kind !== "bytes" || this.#rules.add(folder, name, read.bytes.toString("utf8"))
    if (read.kind === "too-large" || !isWhole) {
      this.passedOver.add("limit-patterns", path, "has more patterns than are read")
    }
  }
}
