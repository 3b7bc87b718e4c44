/** Options of the commands that talk to a code host, and what they need of the platform. */
import { TargetError } from "../hosts/hostError.ts"
import type { Outside } from "../hosts/outside.ts"
import {
  cacheOptions,
  everywhere,
  reviewOptions,
  type OptionSpec,
  type OptionSpecs,
} from "./options.ts"
import { textOf, type Parsed } from "./parse.ts"
import type { Terminal } from "./terminal.ts"
import { UsageError } from "./usage.ts"

const text = (value: string, about: string): OptionSpec => ({
  type: "string",
  group: "what",
  value,
  about,
})

export const githubOptions = {
  repository: text("OWNER/NAME", "the repository on GitHub; default: GITHUB_REPOSITORY"),
  "api-url": text("URL", "where its API answers; default: what the CI says, else the public one"),
  "token-env": text("NAME", "the environment variable with the token; default: GITHUB_TOKEN"),
} satisfies OptionSpecs

export const gitlabOptions = {
  project: text("ID", "the project's number or GROUP/NAME on GitLab; default: CI_PROJECT_ID"),
  "api-url": text("URL", "where its API answers; default: what the CI says, else the public one"),
  "token-env": text("NAME", "the environment variable with the token; default: GITLAB_TOKEN"),
} satisfies OptionSpecs

export const requestOptions = {
  number: text("N", "the pull or merge request; default: the one that the CI runs for"),
} satisfies OptionSpecs

/** What of a review's own options makes sense where its result is posted. */
export const postedReviewOptions = {
  ...everywhere,
  diff: reviewOptions.diff,
  rule: reviewOptions.rule,
  tier: reviewOptions.tier,
  severity: reviewOptions.severity,
  output: reviewOptions.output,
  quiet: reviewOptions.quiet,
  "fail-on": reviewOptions["fail-on"],
  "max-warnings": reviewOptions["max-warnings"],
  baseline: reviewOptions.baseline,
  ...cacheOptions,
} satisfies OptionSpecs

/**
 * The token that `--token-env` names: its value never stands in a command line, which other processes can read.
 * @throws UsageError
 */
export function namedToken(parsed: Parsed, terminal: Terminal): string | undefined {
  const name = textOf(parsed, "token-env")
  if (name === undefined) return undefined
  const token = terminal.env[name]
  if (token === undefined || token === "") throw new UsageError(`--token-env: ${name} is not set`)
  return token
}

/** The platform, as far as hosts need it. */
export function outsideOf(terminal: Terminal): Outside {
  return {
    fetch: globalThis.fetch,
    sleep: (ms) =>
      new Promise((resolve) => {
        terminal.after(ms, resolve)
      }),
    random: () => terminal.random(),
    deadline(ms) {
      const controller = new AbortController()
      const clear = terminal.after(ms, () =>
        controller.abort(new Error(`nothing for ${ms / 1000} s`)),
      )
      return { signal: controller.signal, clear }
    },
  }
}

/** Runs what looks for its target; what is missing is a mistake of the command line. */
export function targetOf<T>(find: () => T): T {
  try {
    return find()
  } catch (error) {
    throw error instanceof TargetError ? new UsageError(error.message) : error
  }
}
