/** Answers that were given before, by a hash of everything that they depend on. */
import { createHash } from "node:crypto"
import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { readRegular } from "../files/openRegular.ts"
import type { ModelSettings } from "./model.ts"

const MAX_BYTES = 64 * 1024

export interface AnswerCache {
  /** The text of the answer, as the model gave it, or null. It is checked anew like a fresh one. */
  get(key: string): string | null
  set(key: string, answer: string): void
}

/** The name of a question to a model. */
export function cacheKey(settings: ModelSettings, identity: string): string {
  const { provider, model, baseUrl } = settings
  return createHash("sha256")
    .update(JSON.stringify([provider, model, baseUrl, identity]))
    .digest("hex")
}

/** Keeps each answer in a file of its own; a folder that cannot be written keeps nothing. */
export function folderCache(folder: string): AnswerCache {
  const pathOf = (key: string): string => join(folder, key.slice(0, 2), `${key}.json`)
  return {
    get(key) {
      const found = readRegular(pathOf(key), MAX_BYTES)
      if (found.kind !== "bytes") return null
      try {
        const value = JSON.parse(found.bytes.toString("utf8")) as { answer?: unknown } | null
        return typeof value?.answer === "string" ? value.answer : null
      } catch {
        return null
      }
    },
    set(key, answer) {
      const path = pathOf(key)
      const draft = `${path}.${process.pid}`
      try {
        mkdirSync(join(folder, key.slice(0, 2)), { recursive: true })
        writeFileSync(draft, `${JSON.stringify({ version: 1, answer })}\n`)
        // Whoever reads meanwhile sees all of it or nothing.
        renameSync(draft, path)
      } catch {
        // The next run asks again.
      }
    },
  }
}

/** Keeps nothing. */
export const noCache: AnswerCache = { get: () => null, set: () => {} }
