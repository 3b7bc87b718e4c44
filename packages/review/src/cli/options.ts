/** Every option, as data: the parser, the help and the messages read it. */
import { PROVIDERS, SEVERITIES, TIERS } from "../config/config.ts"

export interface OptionSpec {
  readonly type: "string" | "boolean"
  readonly short?: string
  /** What help calls the value. */
  readonly value?: string
  readonly multiple?: boolean
  /** The only values that there are. */
  readonly choices?: readonly string[]
  /** The heading that it stands under in the help. */
  readonly group: "what" | "show" | "fail" | "fix" | "run" | "model" | "all"
  readonly about: string
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

/** Formats that `--format` takes; the same that reports/render.ts has, without loading it. */
export const FORMAT_NAMES = [
  "pretty",
  "concise",
  "json",
  "jsonl",
  "sarif",
  "github",
  "gitlab",
  "junit",
  "markdown",
] as const

const flag = (group: OptionSpec["group"], about: string, short?: string): OptionSpec => ({
  type: "boolean",
  group,
  about,
  ...(short !== undefined && { short }),
})
const text = (
  group: OptionSpec["group"],
  value: string,
  about: string,
  more: Partial<OptionSpec> = {},
): OptionSpec => ({ type: "string", group, value, about, ...more })

/** What every command has. */
export const everywhere = {
  root: text(
    "what",
    "DIR",
    "the repository's root; default: here, or the nearest folder above with .git",
  ),
  color: flag("show", "colour the output even when nobody looks"),
  "no-color": flag("show", "do not colour the output"),
  help: flag("all", "say how this is used", "h"),
} satisfies OptionSpecs

/** How a model is asked. None of it can come from the repository, except what it says of model and budget. */
export const modelOptions = {
  llm: text(
    "model",
    "PROVIDER",
    "let a language model confirm or doubt findings; sends code to it",
    {
      choices: [...PROVIDERS, "configured"],
    },
  ),
  "llm-model": text("model", "NAME", "which model"),
  "llm-base-url": text("model", "URL", "where it answers, such as http://127.0.0.1:11434/v1"),
  "llm-key-env": text("model", "NAME", "the environment variable that has the key"),
  "llm-max-calls": text("model", "N", "most requests in one run; default 20"),
  "llm-max-tokens": text("model", "N", "most tokens sent in one run; default 200000"),
  "llm-max-cost": text("model", "USD", "most money in one run; needs --llm-price"),
  "llm-price": text(
    "model",
    "IN,OUT",
    "USD for a million tokens sent and received, such as 0.25,2",
  ),
  "llm-dry-run": flag("model", "print exactly what would be sent, and send nothing"),
} satisfies OptionSpecs

export const cacheOptions = {
  threads: text(
    "run",
    "N",
    "how many threads read files, and from 3 on check them; default: one for each core, at most 4",
  ),
  "cache-dir": text("run", "DIR", "where parsed files are kept between runs"),
  "no-cache": flag("run", "keep nothing between runs"),
} satisfies OptionSpecs

/** What a review has. */
export const reviewOptions = {
  ...everywhere,
  diff: text(
    "what",
    "BASE[..HEAD]",
    "only what is new since BASE, on disk or in commits; evidence comes from all files",
  ),
  staged: flag("what", "only what is new in what git add has taken"),
  "stdin-diff": flag("what", "only what is new in the diff that is piped in"),
  rule: text("what", "NAME", "only this rule; can be repeated", { multiple: true }),
  tier: text("show", "TIER", "the least certain that is shown", { choices: TIERS }),
  severity: text("show", "LEVEL", "the least grave that is shown", { choices: SEVERITIES }),
  format: text("show", "FORMAT", "how the findings are printed", { choices: FORMAT_NAMES }),
  output: text("show", "FORMAT=FILE", "also write them to a file; can be repeated", {
    multiple: true,
  }),
  statistics: flag("show", "print how many findings each rule has"),
  timing: flag("show", "say how long it took, also where nobody looks and in JSON"),
  quiet: flag("show", "print findings and errors only: nothing when there are none", "q"),
  verbose: flag("show", "print what was passed over and what took how long", "v"),
  "fail-on": text("fail", "LEVEL", "the least grave that gives status 1", {
    choices: [...SEVERITIES, "never"],
  }),
  "max-warnings": text("fail", "N", "status 1 also when there are more findings than this"),
  baseline: text("fail", "FILE", "accepted findings; default .drover-baseline.json if it is there"),
  "update-baseline": flag("fail", "accept what is found now"),
  fix: flag("fix", "carry out safe fixes"),
  "unsafe-fixes": flag("fix", "with --fix or --diff-fixes: also those that have to be read"),
  "diff-fixes": flag("fix", "print the fixes as a diff and change nothing"),
  ...cacheOptions,
  watch: flag("run", "review again whenever a file changes"),
  ...modelOptions,
} satisfies OptionSpecs
