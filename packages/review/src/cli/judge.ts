/**
 * Whether a language model is asked, and which. Only the command line and the environment of the person can turn it
 * on and say where code goes; a repository's configuration is asked for the model and for smaller budgets.
 */
import { PROVIDERS, type Config, type Provider } from "../config/config.ts"
import type { Limits, ModelSettings } from "../adjudication/model.ts"
import type { SessionOptions } from "../session/session.ts"
import type { Call } from "./command.ts"
import { countOf, textOf, type Parsed } from "./parse.ts"
import type { Terminal } from "./terminal.ts"
import { UsageError } from "./usage.ts"

type Judge = NonNullable<SessionOptions["judge"]>

/** From the environment, where the command line does not say it. */
const ENV = {
  llm: "DROVER_REVIEW_LLM",
  "llm-model": "DROVER_REVIEW_LLM_MODEL",
  "llm-base-url": "DROVER_REVIEW_LLM_BASE_URL",
  "llm-key-env": "DROVER_REVIEW_LLM_KEY_ENV",
} as const

/**
 * What judges the findings of this run, or undefined when nobody asked for it.
 * @throws UsageError
 */
export async function judgeFor({ parsed, terminal }: Call): Promise<Judge | undefined> {
  const asked = said(parsed, terminal, "llm")
  if (asked === undefined) {
    const other = [
      "llm-model",
      "llm-base-url",
      "llm-key-env",
      "llm-max-calls",
      "llm-max-tokens",
      "llm-max-cost",
      "llm-price",
    ].find((name) => parsed.texts.has(name))
    const lone = other ?? (parsed.flags.has("llm-dry-run") ? "llm-dry-run" : undefined)
    if (lone !== undefined)
      throw new UsageError(`--${lone} needs --llm PROVIDER, which asks a model at all`)
    return undefined
  }
  if (asked !== "configured" && !PROVIDERS.some((provider) => provider === asked)) {
    throw new UsageError(`${ENV.llm}="${asked}" is not one of ${PROVIDERS.join(", ")}, configured`)
  }
  const wanted = limitsOf(parsed)
  return async (report, found, config) => {
    const { adjudicate, dryRun } = await import("../adjudication/adjudicate.ts")
    const { folderCache, noCache } = await import("../adjudication/cache.ts")
    const settings = await modelSettings(asked, parsed, terminal, config)
    if (settings === null) {
      const message = "no key is set, so no model was asked and nothing was sent"
      return { ...report, notices: [...report.notices, { code: "adjudication-off", message }] }
    }
    const folder = parsed.flags.has("no-cache") ? null : answersFolder(parsed, terminal)
    const { fetch } = globalThis
    const options = {
      settings,
      limits: narrowed(wanted, config),
      cache: folder === null ? noCache : folderCache(folder),
      world: {
        fetch,
        after: (ms: number, callback: () => void) => terminal.after(ms, callback),
        random: () => terminal.random(),
      },
      rules: (await import("../rules/rules.ts")).rules,
      textOf: (path: string) => found.textOf(path),
      severity: "low" as const,
    }
    if (!parsed.flags.has("llm-dry-run")) return adjudicate(report, options)
    terminal.err(await dryRun(report, options))
    return report
  }
}

function said(parsed: Parsed, terminal: Terminal, name: keyof typeof ENV): string | undefined {
  const set = terminal.env[ENV[name]]
  return textOf(parsed, name) ?? (set === "" ? undefined : set)
}

/** Null when a key is needed and not there. */
async function modelSettings(
  asked: string,
  parsed: Parsed,
  terminal: Terminal,
  config: Config,
): Promise<ModelSettings | null> {
  const provider = asked === "configured" ? config.adjudication.provider : (asked as Provider)
  if (provider === null) {
    throw new UsageError("--llm configured: the configuration names no adjudication.provider")
  }
  const model = said(parsed, terminal, "llm-model") ?? config.adjudication.model
  if (model === null) {
    throw new UsageError(`--llm ${asked}: which model? Give --llm-model NAME or adjudication.model`)
  }
  const { adapters } = await import("../adjudication/providers/index.ts")
  const adapter = adapters[provider]
  const givenUrl = said(parsed, terminal, "llm-base-url")
  const givenEnv = said(parsed, terminal, "llm-key-env")
  const keyEnv = givenEnv ?? adapter.defaultKeyEnv
  // A key of the provider goes to the provider; another server gets the one that was named for it.
  const key = givenUrl !== undefined && givenEnv === undefined ? "" : (terminal.env[keyEnv] ?? "")
  if (key === "" && (givenUrl === undefined || givenEnv !== undefined)) return null
  const baseUrl = baseUrlOf(givenUrl ?? adapter.defaultBaseUrl)
  return { provider, model, baseUrl, key: key === "" ? null : key }
}

/** @throws UsageError */
function baseUrlOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    throw new UsageError(`--llm-base-url "${text}" is not an address such as https://host/v1`)
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new UsageError(
      "--llm-base-url has a user, a query or a fragment; the key belongs into --llm-key-env",
    )
  }
  return url.href.replace(/\/+$/, "")
}

/** @throws UsageError */
function limitsOf(parsed: Parsed): Partial<Limits> {
  const maxCalls = countOf(parsed, "llm-max-calls", 0, 100_000)
  const maxInputTokens = countOf(parsed, "llm-max-tokens", 0, 1_000_000_000)
  const cost = textOf(parsed, "llm-max-cost")
  const price = textOf(parsed, "llm-price")
  const limits: { -readonly [Key in keyof Limits]?: Limits[Key] } = {}
  if (maxCalls !== undefined) limits.maxCalls = maxCalls
  if (maxInputTokens !== undefined) limits.maxInputTokens = maxInputTokens
  if (price !== undefined) {
    const match = /^(\d{1,6}(?:\.\d{1,6})?),(\d{1,6}(?:\.\d{1,6})?)$/.exec(price)
    if (!match) throw new UsageError(`--llm-price "${price}" is not IN,OUT in USD, such as 0.25,2`)
    limits.price = { inputUsd: Number(match[1]), outputUsd: Number(match[2]) }
  }
  if (cost !== undefined) {
    if (!/^\d{1,6}(\.\d{1,6})?$/.test(cost))
      throw new UsageError(`--llm-max-cost "${cost}" is not an amount of USD, such as 0.50`)
    if (price === undefined)
      throw new UsageError("--llm-max-cost needs --llm-price, because prices change")
    limits.maxCostUsd = Number(cost)
  }
  return limits
}

/** A repository may ask for less than the default, and only a person for more. */
function narrowed(wanted: Partial<Limits>, { adjudication }: Config): Limits {
  const usual = { maxCalls: 20, maxInputTokens: 200_000, maxCostUsd: null, price: null }
  return {
    ...usual,
    maxCalls: Math.min(usual.maxCalls, adjudication.maxCalls ?? usual.maxCalls),
    maxInputTokens: Math.min(
      usual.maxInputTokens,
      adjudication.maxInputTokens ?? usual.maxInputTokens,
    ),
    ...wanted,
  }
}

/** Never in the repository: answers that lie there could have been written by anybody. */
function answersFolder(parsed: Parsed, terminal: Terminal): string | null {
  const given = textOf(parsed, "cache-dir")
  if (given !== undefined) return `${given}/answers`
  const { XDG_CACHE_HOME, HOME, LOCALAPPDATA } = terminal.env
  const base = XDG_CACHE_HOME ?? LOCALAPPDATA ?? (HOME === undefined ? null : `${HOME}/.cache`)
  return base === null || base === "" ? null : `${base}/drover-review/answers`
}
