/** `/v1/messages` of Anthropic. */
import { MAX_OUTPUT_TOKENS, type Adapter } from "../model.ts"
import { at, joinTexts } from "./read.ts"

export const anthropic: Adapter = {
  defaultBaseUrl: "https://api.anthropic.com",
  defaultKeyEnv: "ANTHROPIC_API_KEY",
  request({ baseUrl, model }, { system, user }, isPlain) {
    return {
      url: `${baseUrl}/v1/messages`,
      headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
      body: JSON.stringify({
        model,
        max_tokens: MAX_OUTPUT_TOKENS,
        ...(!isPlain && { temperature: 0 }),
        system,
        messages: [{ role: "user", content: user }],
      }),
      keyHeader: { name: "x-api-key", prefix: "" },
    }
  },
  answerOf: (body) => joinTexts(at(body, "content"), (part) => at(part, "type") === "text"),
}
