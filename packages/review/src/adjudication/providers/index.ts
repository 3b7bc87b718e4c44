import type { Provider } from "../../config/config.ts"
import type { Adapter } from "../model.ts"
import { anthropic } from "./anthropic.ts"
import { gemini } from "./gemini.ts"
import { openai } from "./openai.ts"

/** Every provider by its name. */
export const adapters: Readonly<Record<Provider, Adapter>> = { openai, anthropic, gemini }
