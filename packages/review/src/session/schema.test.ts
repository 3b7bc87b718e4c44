import { readFileSync } from "node:fs"
import { Ajv } from "ajv"
import { describe, expect, test } from "vitest"
import { parseConfig } from "../config/readConfig.ts"
import { configSchema } from "../config/schema.ts"
import { knownRules } from "./session.ts"

const validate = new Ajv({ allErrors: true }).compile(configSchema(knownRules))

async function isAccepted(value: unknown): Promise<boolean> {
  try {
    await parseConfig("drover.review.json", JSON.stringify(value), knownRules)
    return true
  } catch {
    return false
  }
}

test("schema.json is what the checks say: npm run review:schema", () => {
  const published = readFileSync(new URL("../../schema.json", import.meta.url), "utf8")
  expect(JSON.parse(published)).toEqual(configSchema(knownRules))
})

describe("the schema and the checks accept the same", () => {
  test.each<[unknown, boolean]>([
    [{}, true],
    [{ $schema: "x", fleet: true, tier: "context", severity: "low", failOn: "never" }, true],
    [{ rules: { "retry-without-jitter": "off" } }, true],
    [{ rules: { "retry-without-jitter": { level: "low" } } }, true],
    [{ rules: { "retry-without-jitter": { level: "loud" } } }, false],
    [{ rules: { "retry-without-jitter": { levels: "low" } } }, false],
    [{ rules: { "retry-without-jitter": { level: "low", options: {} } } }, false],
    [{ rules: { "retry-without-jitter": "warn" } }, false],
    [{ rules: { nothing: "off" } }, false],
    [{ rules: [] }, false],
    [{ overrides: [{ paths: ["a/**"], rules: { "retry-without-jitter": "info" } }] }, true],
    [{ overrides: [{ paths: ["a/**"] }] }, false],
    [{ overrides: [{ rules: {} }] }, false],
    [{ overrides: [{ paths: ["a"], rules: {}, tier: "likely" }] }, false],
    [{ exclude: ["a/b", "*.ts", "..a", "a..b/c"] }, true],
    [{ exclude: ["../a"] }, false],
    [{ exclude: ["a/../b"] }, false],
    [{ exclude: ["a/.."] }, false],
    [{ exclude: ["/a"] }, false],
    [{ exclude: ["C:/a"] }, false],
    [{ exclude: ["!a"] }, false],
    [{ exclude: ["a\\b"] }, false],
    [{ exclude: [""] }, false],
    [{ exclude: ["a".repeat(600)] }, false],
    [{ exclude: "a" }, false],
    [{ knownLocks: ["with.lock", "Mutex#lock", "std::lock"] }, true],
    [{ knownLocks: ["a b"] }, false],
    [{ knownLocks: [1] }, false],
    [{ services: ["services/*"], fleet: false }, true],
    [{ fleet: "yes" }, false],
    [{ adjudication: { provider: "gemini", model: "m", maxCalls: 0, maxInputTokens: 5 } }, true],
    [{ adjudication: { provider: "acme" } }, false],
    [{ adjudication: { maxCalls: 1.5 } }, false],
    [{ adjudication: { maxCalls: -1 } }, false],
    [{ adjudication: { baseUrl: "http://x" } }, false],
    [{ adjudication: { apiKeyEnv: "X" } }, false],
    [{ plugins: [] }, false],
    [[], false],
  ])("%j: %s", async (value, expected) => {
    expect(await isAccepted(value)).toBe(expected)
    expect(validate(value)).toBe(expected)
  })
})
