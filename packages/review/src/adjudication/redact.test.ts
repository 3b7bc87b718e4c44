import { describe, expect, test } from "vitest"
import { isDenied, redact } from "./redact.ts"

describe("secrets are taken out", () => {
  test.each([
    'password = "canary-1"',
    "PASSWORD: 'canary'",
    'config["api_key"] = "canary"',
    'apiKey: "canary",',
    "DB_PASSWORD := `canary`",
    "client_secret=b'canary'",
    'setPassword("canary")',
    '"Authorization": "Bearer canary"',
    "redis://:canary@host/0",
    "https://user:canary@host",
    "-----BEGIN RSA PRIVATE KEY-----\ncanary\ncanary\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\ncanary",
    "ghp_canary0123456789abcdefghijkl",
    "github_pat_canary0123456789abcdefghijkl",
    "glpat-canary01234567890",
    "xoxb-canary-0123456789",
    "sk-canary0123456789abcdef",
    "sk_live_canary0123456789abc",
    "sk-ant-canary0123456789abcdef",
    "AIzacanary0123456789012345678901234567",
    "eyJcanary0123.eyJcanary0123.canary",
    'x = "canary0123456789abcdefABCDEF0123456789"',
  ])("%s", (text) => {
    expect(redact(text)).not.toContain("canary")
    expect(redact(text).split("\n")).toHaveLength(text.split("\n").length)
  })

  test.each([
    'sleep("five")',
    'import { x } from "./some/long/path/of/a/module/that/is/far/away.js"',
    "const delayMs = 1_000 * 2 ** attempt",
    'log("the token bucket is empty")',
    "https://example.com/path",
    'select("select id, state from jobs where state = 1 order by id limit 10 for update")',
  ])("%s stays", (text) => {
    expect(redact(text)).toBe(text)
  })

  test("a text made to be slow is not", () => {
    const hostile = `password = "${"\\a".repeat(200_000)} -----BEGIN ${"A ".repeat(50_000)} eyJ${"a.".repeat(50_000)}`
    expect(redact(hostile)).toContain("BEGIN")
  })
})

test.each([
  ".env",
  ".env.local",
  "prod.env",
  "a/.npmrc",
  "deploy/id_ed25519",
  "k/server.pem",
  "tls.key",
  ".git/config",
  "home/.ssh/known_hosts",
  "credentials.json",
  "config/secrets.yml",
  "main.tfvars",
])("%s is never sent", (path) => {
  expect(isDenied(path)).toBe(true)
})

test.each([
  "src/env.ts",
  "src/environment.go",
  "keys.py",
  "src/secretary.ts",
  "src/git/run.ts",
  "src/monkey.ts",
])("%s may be sent", (path) => {
  expect(isDenied(path)).toBe(false)
})
