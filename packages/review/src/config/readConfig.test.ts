import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { defaultConfig } from "./config.ts"
import { ConfigError } from "./configError.ts"
import { parseConfig, readConfig } from "./readConfig.ts"

const rules = new Set(["lost-update", "retry-without-jitter"])

const parse = (text: string) => parseConfig("drover.review.yaml", text, rules)
const messageOf = async (text: string): Promise<string> => {
  try {
    await parse(text)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message
  }
  throw new Error("it was accepted")
}

describe("a configuration", () => {
  test("an empty file is the defaults", async () => {
    expect(await parse("# nothing yet\n")).toEqual({ ...defaultConfig, file: "drover.review.yaml" })
  })

  test("says everything that it can say", async () => {
    const config = await parse(`
rules:
  lost-update: off
  retry-without-jitter: { level: low }
overrides:
  - paths: [scripts/**]
    rules: { lost-update: info }
exclude: ["legacy/**"]
knownJitterHelpers: [backoff.next, NextDelay]
knownLocks: [withLock]
knownRetries: [tryAgain]
knownHandlers: [onOrder]
fleet: true
services: [services/*]
tier: context
severity: low
failOn: never
adjudication: { provider: openai, model: small, maxCalls: 5, maxInputTokens: 10000 }
`)
    expect(config).toMatchObject({
      rules: {
        "lost-update": { level: "off" },
        "retry-without-jitter": { level: "low" },
      },
      overrides: [{ paths: ["scripts/**"], rules: { "lost-update": { level: "info" } } }],
      exclude: ["legacy/**"],
      knownJitterHelpers: ["backoff.next", "NextDelay"],
      fleet: true,
      services: ["services/*"],
      tier: "context",
      severity: "low",
      failOn: "never",
      adjudication: { provider: "openai", model: "small", maxCalls: 5, maxInputTokens: 10_000 },
    })
  })

  test("JSON is read as well, with tabs", async () => {
    const config = await parse('{\n\t"fleet": false,\n\t"$schema": "x"\n}')
    expect(config.fleet).toBe(false)
    expect(config).not.toHaveProperty("$schema")
  })

  test.each([
    [
      "rules:\n  lost-updat: off",
      'drover.review.yaml:2: rules.lost-updat: there is no rule "lost-updat"; did you mean "lost-update"?',
    ],
    [
      "rules:\n  lost-update: hihg",
      'drover.review.yaml:2: rules.lost-update: "hihg" is not one of off, high, medium, low, info; did you mean "high"?',
    ],
    ["\nexcludes: []", 'drover.review.yaml:2: excludes: is not a key; did you mean "exclude"?'],
    ["fleet: yes", 'fleet: "yes" is neither true nor false'],
    ["tier: sure", 'tier: "sure" is not one of certain, likely, context'],
    ["exclude: a", 'exclude: "a" is not a list'],
    ["exclude: [../x]", 'exclude[0]: "../x" has ".." and would leave the root of the review'],
    ["services: [/etc]", 'services[0]: "/etc" is absolute'],
    ["knownLocks: ['a b']", 'knownLocks[0]: "a b" is not the name of a function'],
    ["overrides:\n  - paths: [a]", 'drover.review.yaml:2: overrides[0]: "rules" is missing'],
    ["adjudication: { maxCalls: -1 }", "-1 is not a whole number from 0 to 1000"],
    ["adjudication: { maxCalls: 1.5 }", "1.5 is not a whole number"],
    [
      "rules:\n  lost-update:\n    options: { x: 1 }",
      "drover.review.yaml:3: rules.lost-update.options: is not a key here",
    ],
    [
      "rules: { retry-without-jitter: { levels: low } }",
      'is not a key here; did you mean "level"?',
    ],
    ["fleet: true\nfleet: false", "drover.review.yaml:2:"],
    ["a: [", "drover.review.yaml:1:"],
    ["x: &a 1\ny: *a", "aliases"],
    ["- a", "a list is not a map of keys"],
  ])("%j is refused with where and why", async (text, message) => {
    expect(await messageOf(text)).toContain(message)
  })

  test("all mistakes are told at once", async () => {
    expect((await messageOf("tier: a\nseverity: b\nfleet: c")).split("\n")).toHaveLength(3)
  })

  test("names of Object's own members are no rules and no keys", async () => {
    expect(await messageOf("rules: { constructor: off, __proto__: off }")).toContain(
      'no rule "constructor"',
    )
    expect(await messageOf("__proto__: { fleet: true }")).toContain("__proto__: is not a key")
    expect(await messageOf("toString: 1")).toContain("toString: is not a key")
  })

  test.each(["baseUrl: http://evil.example", "apiKeyEnv: AWS_SECRET_ACCESS_KEY"])(
    "a repository cannot say %s",
    async (line) => {
      expect(await messageOf(`adjudication:\n  ${line}`)).toMatch(/:2: .*a repository cannot say/)
    },
  )

  test.each(["extends: ../x.yaml", "plugins: [x]", "command: sh"])(
    "%s is refused",
    async (line) => {
      expect(await messageOf(line)).toContain("a configuration")
    },
  )

  test("what would grow or nest without end is refused, never carried out", async () => {
    const bomb = [
      "a: &a [x,x]",
      ..."bcdefgh"
        .split("")
        .map((name, i) => `${name}: &${name} [*${"abcdefg"[i]},*${"abcdefg"[i]}]`),
    ]
    expect(await messageOf(bomb.join("\n"))).toContain("aliases")
    expect(await messageOf("[".repeat(50_000))).toContain("drover.review.yaml:")
    expect(await messageOf(`a: ${"[".repeat(50)}${"]".repeat(50)}`)).toContain("nested deeper")
    expect(await messageOf("#".repeat(300_000))).toContain("longer than")
  })
})

describe("the file", () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "review-config-"))
  })
  afterEach(() => rm(root, { recursive: true }))

  test("is looked for in the root, and without it there are the defaults", async () => {
    expect(await readConfig(root, rules)).toBe(defaultConfig)
    await writeFile(join(root, "drover.review.json"), '{"fleet":true}')
    expect(await readConfig(root, rules)).toMatchObject({ fleet: true, file: "drover.review.json" })
  })

  test("two of them are refused", async () => {
    await writeFile(join(root, "drover.review.json"), "{}")
    await writeFile(join(root, "drover.review.yaml"), "")
    await expect(readConfig(root, rules)).rejects.toThrow(
      /drover.review.json:1: drover.review.yaml is there too/,
    )
  })

  test("a link is not followed", async () => {
    await symlink("/etc/hostname", join(root, "drover.review.yaml"))
    await expect(readConfig(root, rules)).rejects.toThrow("is not a regular file")
  })
})
