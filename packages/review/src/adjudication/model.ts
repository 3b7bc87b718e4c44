/** What is asked of a language model, and what came back: the one shape that all providers are brought into. */
import type { Provider } from "../config/config.ts"

/** Where the model answers. Only a person says it: the command line or the environment, never the repository. */
export interface ModelSettings {
  readonly provider: Provider
  readonly model: string
  readonly baseUrl: string
  /** Null for a server that asks for none. */
  readonly key: string | null
}

export interface Limits {
  /** Requests in one run, repeated ones included. */
  readonly maxCalls: number
  /** Tokens sent in one run, at four characters each. */
  readonly maxInputTokens: number
  /** Money in one run; null without a limit. */
  readonly maxCostUsd: number | null
  /** For a million tokens; needed for a limit of money. */
  readonly price: { readonly inputUsd: number; readonly outputUsd: number } | null
}

/** A prompt without any provider's form. */
export interface Prompt {
  readonly system: string
  readonly user: string
}

/** A request, exactly as it is sent, without the key. */
export interface ModelRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The header that carries the key, and how. */
  readonly keyHeader: { readonly name: string; readonly prefix: string }
}

/** Speaks to one kind of server. */
export interface Adapter {
  /** Where the provider answers unless a person says otherwise. */
  readonly defaultBaseUrl: string
  /** The variable that has the key unless a person says otherwise. */
  readonly defaultKeyEnv: string
  /**
   * Writes a request.
   * @param isPlain - without the parts that some servers do not know: forced JSON, temperature, a limit of tokens
   */
  request(settings: ModelSettings, prompt: Prompt, isPlain: boolean): ModelRequest
  /** The text of an answer; null when it has none. */
  answerOf(body: unknown): string | null
}

/** Room for an answer, and for what a model thinks before it. */
export const MAX_OUTPUT_TOKENS = 2_048

/** The number of tokens that a text is taken for. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4)
}
