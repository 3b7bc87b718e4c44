/** A tree of files that a review reads: the folder on disk, a commit, or Git's index. */
import { createHash } from "node:crypto"
import type { Notice } from "../findings/finding.ts"
import { MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES } from "./limits.ts"
import type { PassedOver } from "./passedOver.ts"
import { isBinary, isGeneratedPath, isGeneratedText, isMinified } from "./paths.ts"
import type { TreeRules } from "./treeRules.ts"

export interface TextFile {
  /** Relative to the root, with `/`. */
  readonly path: string
  /** As it lies there, a byte order mark included: offsets into it are offsets into the file. */
  readonly text: string
  /** Git's name for these bytes (SHA-1); null where nobody asked for it. */
  readonly blob: string | null
}

export interface Loaded {
  /** Sorted by path. */
  readonly files: readonly TextFile[]
  readonly notices: readonly Notice[]
}

export interface LoadOptions {
  /** Whether a path is of use at all; others are neither read nor counted. */
  readonly wants: (path: string) => boolean
  /**
   * Files that a person named: they are read although they are ignored, generated or in a skipped folder. Links and
   * `.git` stay closed.
   */
  readonly named?: readonly string[]
  /** Leaves out folders that are repositories of their own, as Git does. */
  readonly ownOnly?: boolean
  /** Whether `blob` is needed. */
  readonly blobs?: boolean
  /** Texts that are known by their blob, so that an unchanged file is not read twice. Names are listed meanwhile. */
  readonly known?: Promise<ReadonlyMap<string, TextFile>>
  readonly signal?: AbortSignal | undefined
  /** Instead of the limits of limits.ts; for tests. */
  readonly limits?: Partial<Limits>
}

export interface Tree {
  load(options: LoadOptions): Promise<Loaded>
}

export interface Limits {
  readonly fileBytes: number
  readonly totalBytes: number
  readonly files: number
}

export function limitsOf(options: { readonly limits?: Partial<Limits> }): Limits {
  return {
    fileBytes: MAX_FILE_BYTES,
    totalBytes: MAX_TOTAL_BYTES,
    files: MAX_FILES,
    ...options.limits,
  }
}

/** Git's name for the bytes of a file. */
export function blobOf(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex")
}

/** Counts what is read of a tree and says when it is enough. */
export class Budget {
  readonly #limits: Limits
  readonly #passedOver: PassedOver
  #files = 0
  #bytes = 0

  constructor(limits: Limits, passedOver: PassedOver) {
    this.#limits = limits
    this.#passedOver = passedOver
  }

  /** Whether a file of that size is read; what is not is noted. */
  takes(path: string, size: number): boolean {
    const { fileBytes, totalBytes, files } = this.#limits
    if (size > fileBytes) {
      this.#passedOver.add(
        "file-too-large",
        path,
        `has ${size} bytes; files above ${fileBytes} are passed over`,
      )
      return false
    }
    if (this.#files >= files) {
      this.#passedOver.add("limit-files", path, `passed over: ${files} files were read already`)
      return false
    }
    if (this.#bytes + size > totalBytes) {
      this.#passedOver.add(
        "limit-bytes",
        path,
        `passed over: ${totalBytes} bytes were read already`,
      )
      return false
    }
    this.#files++
    this.#bytes += size
    return true
  }
}

/** Whether the rules of its tree and its name leave a file out before it is read. */
export function isLeftOut(path: string, rules: TreeRules): boolean {
  return isGeneratedPath(path) || rules.isIgnored(path, false) || rules.isGenerated(path)
}

/**
 * The text of a file's bytes.
 * @param isNamed - a person named it, so that what looks generated is shown all the same
 * @returns null for what no person wrote; binary content is noted
 */
export function textOf(
  path: string,
  bytes: Buffer,
  passedOver: PassedOver,
  isNamed: boolean,
): string | null {
  if (isBinary(bytes)) {
    passedOver.add("file-binary", path, "holds NUL bytes and was taken for binary")
    return null
  }
  const text = bytes.toString("utf8")
  if (!isNamed && (isGeneratedText(text) || isMinified(text))) return null
  return text
}
