/**
 * The form of a configuration, as data: the checks of `checkShape.ts` and the published `schema.json` both come from
 * it, so they cannot say different things.
 */
import { PROVIDERS, SEVERITIES, TIERS } from "./config.ts"

export type Shape = { readonly about: string } & (
  | { readonly kind: "choice"; readonly values: readonly string[] }
  | { readonly kind: "boolean" }
  | { readonly kind: "integer"; readonly min: number; readonly max: number }
  | { readonly kind: "text"; readonly max: number }
  /** What a text of the list has to be. */
  | { readonly kind: "texts"; readonly each: "glob" | "name" }
  | { readonly kind: "list"; readonly of: Shape; readonly max: number }
  | {
      readonly kind: "map"
      readonly fields: Readonly<Record<string, Shape>>
      readonly required?: readonly string[]
    }
  /** A level or `{level}` for each name of a rule. */
  | { readonly kind: "rules" }
)

/** Longest list of texts. */
export const MAX_TEXTS = 1_000
/** Longest name of a helper. */
export const MAX_NAME = 200
/** Names of functions as code writes them. */
export const NAME_PATTERN = String.raw`^[\p{L}\p{N}_$.:#*/-]+$`

export const RULE_LEVELS: readonly string[] = ["off", ...SEVERITIES]

const names = (about: string): Shape => ({ kind: "texts", each: "name", about })
const globs = (about: string): Shape => ({ kind: "texts", each: "glob", about })
const rules: Shape = {
  kind: "rules",
  about: "How each rule is heard: off, info, low, medium or high",
}

/** Keys that a person may know from elsewhere, with what to do instead. */
export const refusedKeys: Readonly<Record<string, string>> = {
  "adjudication.baseUrl":
    "a repository cannot say where code is sent; use --llm-base-url or DROVER_REVIEW_LLM_BASE_URL",
  "adjudication.apiKeyEnv":
    "a repository cannot say which key is used; use --llm-key-env or DROVER_REVIEW_LLM_KEY_ENV",
  extends: "a configuration loads no other file",
  plugins: "a configuration loads no code",
  command: "a configuration runs no command",
}

export const configShape: Extract<Shape, { kind: "map" }> = {
  kind: "map",
  about: "Configuration of drover-review",
  fields: {
    $schema: { kind: "text", max: 500, about: "For editors; not read" },
    rules,
    overrides: {
      kind: "list",
      max: 200,
      about: "Settings for some paths; later ones win",
      of: {
        kind: "map",
        about: "Settings for some paths",
        required: ["paths", "rules"],
        fields: { paths: globs("Which files are meant"), rules },
      },
    },
    exclude: globs("Paths that are not reviewed; they still count as evidence"),
    knownJitterHelpers: names("Functions of yours that add chance to a delay"),
    knownLocks: names("Functions of yours that take a lock"),
    knownRetries: names("Functions of yours that call again what failed"),
    knownHandlers: names("Functions of yours that handle requests or messages"),
    fleet: { kind: "boolean", about: "Whether several processes run this code" },
    services: globs("Folders that are services of their own"),
    tier: { kind: "choice", values: TIERS, about: "The least certain tier that is shown" },
    severity: { kind: "choice", values: SEVERITIES, about: "The least severity that is shown" },
    failOn: {
      kind: "choice",
      values: [...SEVERITIES, "never"],
      about: "The least severity that makes a review fail",
    },
    adjudication: {
      kind: "map",
      about: "How a language model judges findings, once a person asks for it with --llm",
      fields: {
        provider: { kind: "choice", values: PROVIDERS, about: 'What "--llm configured" means' },
        model: { kind: "text", max: 200, about: "The model's name" },
        maxCalls: { kind: "integer", min: 0, max: 1_000, about: "Most requests in one review" },
        maxInputTokens: {
          kind: "integer",
          min: 0,
          max: 10_000_000,
          about: "Most tokens sent in one review, at four characters each",
        },
      },
    },
  },
}
