/** From words to values, with messages that a person can act on. */
import { parseArgs } from "node:util"
import { hint, nearest } from "../config/nearest.ts"
import type { OptionSpecs } from "./options.ts"
import { UsageError } from "./usage.ts"

/** What was written, each option by its name. */
export interface Parsed {
  readonly flags: ReadonlySet<string>
  readonly texts: ReadonlyMap<string, readonly string[]>
  readonly positionals: readonly string[]
}

/**
 * Reads the words behind a command.
 * @throws UsageError
 */
export function parseWords(words: readonly string[], specs: OptionSpecs): Parsed {
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(specs).map(([name, { type, short }]) => [
        name,
        { type, multiple: true, ...(short !== undefined && { short }) },
      ]),
    ),
    // Our own checks below name the nearest option and the value; the built-in ones do not.
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const flags = new Set<string>()
  const texts = new Map<string, string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value)
    if (token.kind !== "option") continue
    const spec = Object.hasOwn(specs, token.name) ? specs[token.name] : undefined
    if (!spec) throw new UsageError(unknownOption(token.rawName, Object.keys(specs)))
    const name = `--${token.name}`
    if (spec.type === "boolean") {
      if (token.value !== undefined)
        throw new UsageError(`${name} takes no value, and was given "${token.value}"`)
      flags.add(token.name)
      continue
    }
    const value = token.value
    if (value === undefined || value === "")
      throw new UsageError(`${name} needs a value: ${name} ${spec.value}`)
    if (!token.inlineValue && /^-[^\d]/.test(value)) {
      throw new UsageError(
        `${name} needs a value, and "${value}" looks like an option; write ${name}=${value} if it is one`,
      )
    }
    if (spec.choices && !spec.choices.includes(value)) {
      throw new UsageError(
        `${name} "${value}" is not one of ${spec.choices.join(", ")}${meant(value, spec.choices)}`,
      )
    }
    const list = texts.get(token.name)
    if (list && spec.multiple !== true)
      throw new UsageError(`${name} is given twice: "${list[0]}" and "${value}"`)
    if (list) list.push(value)
    else texts.set(token.name, [value])
  }
  return { flags, texts, positionals }
}

/** The only value of an option, or undefined. */
export function textOf(parsed: Parsed, name: string): string | undefined {
  return parsed.texts.get(name)?.[0]
}

/**
 * A whole number from an option.
 * @throws UsageError
 */
export function countOf(
  parsed: Parsed,
  name: string,
  min: number,
  max: number,
): number | undefined {
  const text = textOf(parsed, name)
  if (text === undefined) return undefined
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : NaN
  if (value >= min && value <= max) return value
  throw new UsageError(`--${name} "${text}" is not a whole number from ${min} to ${max}`)
}

/**
 * Refuses two options that cannot both hold.
 * @throws UsageError
 */
export function refuseTogether(parsed: Parsed, names: readonly string[], why: string): void {
  const given = names.filter((name) => parsed.flags.has(name) || parsed.texts.has(name))
  if (given.length > 1)
    throw new UsageError(`--${given[0]} and --${given[1]} cannot be given together: ${why}`)
}

function unknownOption(raw: string, names: readonly string[]): string {
  const near = nearest(raw.replace(/^--?/, ""), names)
  return `there is no option ${raw}${near === undefined ? "; --help lists them" : `; did you mean --${near}?`}`
}

function meant(value: string, choices: readonly string[]): string {
  return nearest(value, choices) === undefined ? "" : `; ${hint(value, choices)}`
}
