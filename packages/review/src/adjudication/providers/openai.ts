/** `/chat/completions`: OpenAI and everything that speaks like it, which most local servers do. */
import { MAX_OUTPUT_TOKENS, type Adapter } from "../model.ts"
import { at } from "./read.ts"

export const openai: Adapter = {
  defaultBaseUrl: "https://api.openai.com/v1",
  defaultKeyEnv: "OPENAI_API_KEY",
  request({ baseUrl, model }, { system, user }, isPlain) {
    const messages = [
      { role: "system", content: system },
      { role: "user", content: user },
    ]
    const exact = {
      temperature: 0,
      seed: 7,
      max_tokens: MAX_OUTPUT_TOKENS,
      response_format: { type: "json_object" },
    }
    return {
      url: `${baseUrl}/chat/completions`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model, messages, ...(!isPlain && exact) }),
      keyHeader: { name: "authorization", prefix: "Bearer " },
    }
  },
  answerOf(body) {
    const text = at(body, "choices", 0, "message", "content")
    return typeof text === "string" ? text : null
  },
}
