/** Finds and reads the configuration of a root. */
import { join } from "node:path"
import { readRegular } from "../files/openRegular.ts"
import { ShapeCheck, type KnownRules } from "./checkShape.ts"
import { defaultConfig, type AdjudicationSettings, type Config } from "./config.ts"
import { ConfigError } from "./configError.ts"
import { configShape } from "./shape.ts"
import { readTree } from "./tree.ts"

/** Where a configuration is looked for, in the root and nowhere else. */
export const CONFIG_FILES = [
  "drover.review.yaml",
  "drover.review.yml",
  "drover.review.json",
] as const

const MAX_BYTES = 1024 * 1024

/**
 * Reads the configuration of a root, or the defaults where there is none.
 * @throws ConfigError when it is wrong, or when there are two
 */
export async function readConfig(root: string, rules: KnownRules): Promise<Config> {
  const found: { file: string; text: string }[] = []
  for (const file of CONFIG_FILES) {
    const text = readPlainFile(join(root, file), file)
    if (text !== null) found.push({ file, text })
  }
  const [first, second] = found
  if (!first) return defaultConfig
  if (second) {
    const message = `${first.file} is there too, and only one can hold; remove one of them`
    throw new ConfigError([{ file: second.file, line: 1, key: "", message }])
  }
  return parseConfig(first.file, first.text, rules)
}

/**
 * Reads the text of a configuration, YAML or JSON.
 * @param file - what messages call it
 * @throws ConfigError
 */
export async function parseConfig(file: string, text: string, rules: KnownRules): Promise<Config> {
  const check = new ShapeCheck(file, rules)
  const read = (check.read(configShape, await readTree(file, text), "") ?? {}) as Partial<Config>
  if (check.problems.length > 0) throw new ConfigError(check.problems)
  const { $schema: _, ...rest } = read as Partial<Config> & { $schema?: string }
  const adjudication: AdjudicationSettings = { ...defaultConfig.adjudication, ...read.adjudication }
  return { ...defaultConfig, ...rest, adjudication, file }
}

/**
 * The text of a regular file, or null where there is none. Links are not followed: they could point out of the root,
 * and a pipe would never end.
 * @throws ConfigError when there is something that cannot be read
 */
export function readPlainFile(path: string, shown: string, maxBytes = MAX_BYTES): string | null {
  const found = readRegular(path, maxBytes)
  const fail = (message: string): never => {
    throw new ConfigError([{ file: shown, line: 1, key: "", message }])
  }
  switch (found.kind) {
    case "bytes":
      return new TextDecoder().decode(found.bytes)
    case "too-large":
      return fail(`is larger than ${maxBytes} bytes`)
    case "not-regular":
      return fail("is not a regular file")
    case "unreadable":
      return found.reason === "ENOENT" || found.reason === "ENOTDIR"
        ? null
        : fail(`cannot be read: ${found.reason}`)
  }
}
