/** Collects what a walk left out, so that a report says it without a line for each of ten thousand files. */
import type { Notice } from "../findings/finding.ts"
import { MAX_NOTICES_OF_A_KIND } from "./limits.ts"

/** Why a file was passed over. */
export type PassedOverCode =
  | "file-too-large"
  | "file-binary"
  | "file-unreadable"
  | "file-not-regular"
  | "limit-files"
  | "limit-bytes"
  | "limit-entries"
  | "limit-depth"
  | "limit-patterns"

export class PassedOver {
  readonly #byCode = new Map<PassedOverCode, { path: string; message: string }[]>()

  add(code: PassedOverCode, path: string, message: string): void {
    const list = this.#byCode.get(code)
    if (list) list.push({ path, message })
    else this.#byCode.set(code, [{ path, message }])
  }

  /** Sorted by code and path; after the first few of a kind the rest is counted. */
  notices(): Notice[] {
    const codes = [...this.#byCode.keys()].sort()
    return codes.flatMap((code) => {
      const all = this.#byCode.get(code)!.sort((a, b) => (a.path < b.path ? -1 : 1))
      const shown: Notice[] = all
        .slice(0, MAX_NOTICES_OF_A_KIND)
        .map(({ path, message }) => ({ code, message, path }))
      const left = all.length - shown.length
      if (left > 0) shown.push({ code, message: `and ${left} more like the ${shown.length} above` })
      return shown
    })
  }
}
