/** What is known of one text once it was read: what it matches, its tree and its summary. */
import { File } from "../analysis/program/file.ts"
import { summarise } from "../analysis/program/summary.ts"
import { isTestPath } from "../files/testPath.ts"
import { kindOf, parseSource } from "../frontends/parse.ts"
import { encodeUnit } from "./codec.ts"
import type { Sieve } from "./patterns.ts"

/** Plain data, fit for threads and the cache. */
export interface FileRecord {
  /** Numbers of the sieve's expressions that match, in order. */
  readonly matches: readonly number[]
  /** The tree, encoded; null for a text that nothing matches, which is not parsed. */
  readonly unit: Uint8Array | null
  /** The summary as JSON; null where there is no tree. */
  readonly summary: string | null
}

/** Why a text has no record. */
export interface FileFailure {
  readonly failure: string
}

export interface FileJob {
  readonly path: string
  readonly text: string
}

/** Reads one text. It never throws: what cannot be read is a failure with its reason. */
export async function readRecord(job: FileJob, sieve: Sieve): Promise<FileRecord | FileFailure> {
  const { path, text } = job
  try {
    const matches = sieve.matches(text)
    if (matches.length === 0) return { matches, unit: null, summary: null }
    const unit = await parseSource(path, text)
    const language = kindOf(path)!.language
    const file = new File({ path, language, text, unit, isTest: isTestPath(path, language) })
    return { matches, unit: encodeUnit(unit), summary: JSON.stringify(summarise(file)) }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) }
  }
}
