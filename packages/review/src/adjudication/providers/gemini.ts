/** `:generateContent` of Gemini. */
import { MAX_OUTPUT_TOKENS, type Adapter } from "../model.ts"
import { at, joinTexts } from "./read.ts"

export const gemini: Adapter = {
  defaultBaseUrl: "https://generativelanguage.googleapis.com",
  defaultKeyEnv: "GEMINI_API_KEY",
  request({ baseUrl, model }, { system, user }, isPlain) {
    const exact = {
      temperature: 0,
      seed: 7,
      maxOutputTokens: MAX_OUTPUT_TOKENS,
      responseMimeType: "application/json",
    }
    return {
      url: `${baseUrl}/v1beta/models/${encodeURIComponent(model)}:generateContent`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        systemInstruction: { parts: [{ text: system }] },
        contents: [{ role: "user", parts: [{ text: user }] }],
        ...(!isPlain && { generationConfig: exact }),
      }),
      keyHeader: { name: "x-goog-api-key", prefix: "" },
    }
  },
  // A model that thinks aloud marks those parts.
  answerOf: (body) =>
    joinTexts(
      at(body, "candidates", 0, "content", "parts"),
      (part) => at(part, "thought") !== true,
    ),
}
