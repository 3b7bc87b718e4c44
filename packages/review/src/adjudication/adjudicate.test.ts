import { defaultLimits } from "./budget.ts"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { PROVIDERS, type Provider } from "../config/config.ts"
import { findingWith, reportOf } from "../config/finding.fixture.ts"
import { adjudicate } from "./adjudicate.ts"
import { folderCache } from "./cache.ts"
import { startFakeModel, testWorld, type Script } from "./fakeModel.fixture.ts"
import { answer, finding, judge, optionsFor, says, status, CODE, QUOTE } from "./judge.fixture.ts"
import { adapters } from "./providers/index.ts"
import { describe, expect, test } from "vitest"

describe("an answer", () => {
  test("that confirms adds its reasons and changes nothing else", async () => {
    const { first, report } = await judge([says(answer("confirm"))])
    expect(first).toEqual({
      ...finding,
      adjudication: { verdict: "confirm", reasons: ["it writes what it read"] },
    })
    expect(report.notices).toEqual([])
  })

  test("that refutes moves a likely finding down, and never a certain one", async () => {
    expect((await judge([says(answer("refute"))])).first).toMatchObject({
      tier: "context",
      adjudication: { verdict: "refute" },
    })
    const certain = { ...finding, tier: "certain" } as const
    expect((await judge([says(answer("refute"))], {}, [certain])).first).toMatchObject({
      tier: "certain",
      adjudication: { verdict: "refute" },
    })
  })

  test("that is unsure needs no quote and moves nothing", async () => {
    const { first } = await judge([says(answer("unsure", []))])
    expect(first).toMatchObject({ tier: "likely", adjudication: { verdict: "unsure" } })
  })

  test("may stand in prose", async () => {
    const { first, seen } = await judge([
      says(`Well {look}: \`\`\`json\n${answer("confirm")}\n\`\`\` as I said`),
    ])
    expect(first.adjudication?.verdict).toBe("confirm")
    expect(seen).toHaveLength(1)
  })

  test.each([
    ["is no JSON", "I think it is fine"],
    ["has another form", JSON.stringify({ verdict: "maybe", reasons: [], quotes: [] })],
    ["has more keys", JSON.stringify({ verdict: "unsure", reasons: [], quotes: [], delete: true })],
    ["has no quote for its judgement", answer("refute", [])],
    [
      "has reasons without end",
      JSON.stringify({ verdict: "unsure", reasons: ["x".repeat(9_999)], quotes: [] }),
    ],
  ])("that %s is asked for once more", async (_, text) => {
    const { first, seen } = await judge([says(text), says(answer("confirm"))])
    expect(first.adjudication?.verdict).toBe("confirm")
    expect(seen).toHaveLength(2)
    expect(seen[1]!.body).toContain("Your last answer could not be used")
    const again = await judge([says(text)])
    expect(again.first).toBe(finding)
    expect(again.seen).toHaveLength(2)
    expect(again.report.notices).toEqual([expect.objectContaining({ code: "adjudication-failed" })])
  })

  test.each([
    ["is not in the code", "await db.lock(row)"],
    ["is too short to mean anything", "row"],
    ["is of the prompt and not of the code", "Judge only what the code does"],
  ])("whose quote %s is thrown away", async (_, quote) => {
    const { first, seen, report } = await judge([says(answer("refute", [QUOTE, quote]))])
    expect(first).toBe(finding)
    expect(seen).toHaveLength(1)
    expect(report.notices[0]?.message).toContain("quotes what is not in the code")
  })
})

describe("a failure leaves the findings as they are, with one notice", () => {
  test.each<[string, Script, number]>([
    ["the key is refused", status(401), 1],
    ["the server fails twice", status(500), 2],
    ["it throttles twice", status(429), 2],
    ["it redirects elsewhere", status(302, { location: "http://127.0.0.1:9/" }), 1],
    ["it answers with something else than JSON", (_, response) => response.end("<html>"), 1],
    ["it answers in another form", (_, response) => response.end("[1]"), 1],
    ["it hangs up", (_, response) => response.destroy(), 1],
    ["it sends without end", (_, response) => response.end("x".repeat(2 * 1024 * 1024)), 1],
    ["it asks for more patience than there is", status(429, { "retry-after": "3600" }), 1],
  ])("when %s", async (_, script, calls) => {
    const { report, seen } = await judge([script])
    expect(report.findings).toEqual([finding])
    expect(report.notices).toHaveLength(1)
    expect(report.notices[0]).toMatchObject({ code: "adjudication-failed" })
    expect(seen).toHaveLength(calls)
  })

  test("when it does not answer in time, also in the middle of its answer", async () => {
    for (const begins of [false, true]) {
      const world = testWorld()
      const { report } = await judge(
        [
          (_, response) => {
            if (begins) response.write('{"choices":')
            world.expire()
          },
        ],
        { world },
      )
      expect(report.findings).toEqual([finding])
      expect(report.notices[0]?.message).toContain("timeout: no answer within 10 s")
    }
  })

  test("when nobody listens", async () => {
    const gone = await startFakeModel(says(""))
    await gone[Symbol.asyncDispose]()
    const report = await adjudicate(reportOf(finding), optionsFor(gone))
    expect(report.findings).toEqual([finding])
    expect(report.notices[0]?.message).toContain("unreachable: ECONNREFUSED")
  })

  test("when the run is stopped while it waits", async () => {
    const stop = new AbortController()
    const world = testWorld({ signal: stop.signal })
    const { report } = await judge([() => stop.abort()], { world })
    expect(report.findings).toEqual([finding])
    expect(report.notices[0]?.message).toContain("stopped")
  })
})

test("neither code nor key follows a redirect to an address that nobody named", async () => {
  await using elsewhere = await startFakeModel(says(answer("confirm")))
  const { report } = await judge([status(307, { location: `${elsewhere.url}/chat/completions` })])
  expect(report.findings).toEqual([finding])
  expect(elsewhere.seen).toEqual([])
})

test("a throttled request is sent again once, after what the server asks for and some chance", async () => {
  const world = testWorld()
  const { first } = await judge([status(429, { "retry-after": "3" }), says(answer("confirm"))], {
    world,
  })
  expect(first.adjudication?.verdict).toBe("confirm")
  expect(world.delays).toEqual([3_500])
})

test("a server that does not know all parts of a request is asked in the plainest form", async () => {
  const { first, seen } = await judge([status(400), says(answer("confirm"))])
  expect(first.adjudication?.verdict).toBe("confirm")
  expect(Object.keys(JSON.parse(seen[0]!.body) as object)).toContain("response_format")
  expect(Object.keys(JSON.parse(seen[1]!.body) as object)).toEqual(["model", "messages"])
})

describe("each provider", () => {
  const expected: Record<
    Provider,
    { path: string; header: string; value: string; system: RegExp }
  > = {
    openai: {
      path: "/chat/completions",
      header: "authorization",
      value: "Bearer k-secret",
      system: /"role":"system"/,
    },
    anthropic: {
      path: "/v1/messages",
      header: "x-api-key",
      value: "k-secret",
      system: /"system":"You/,
    },
    gemini: {
      path: "/v1beta/models/m-1:generateContent",
      header: "x-goog-api-key",
      value: "k-secret",
      system: /"systemInstruction"/,
    },
  }
  test.each(PROVIDERS)("%s is asked as it documents", async (provider) => {
    await using model = await startFakeModel(says(answer("confirm")))
    const options = optionsFor(model)
    const settings = { ...options.settings, provider }
    const report = await adjudicate(reportOf(finding), { ...options, settings })
    expect(report.findings[0]?.adjudication?.verdict).toBe("confirm")
    const [seen] = model.seen
    const { path, header, value, system } = expected[provider]
    expect(seen).toMatchObject({ method: "POST", url: path })
    expect(seen!.headers).toMatchObject({ [header]: value, "content-type": "application/json" })
    expect(seen!.body).toMatch(system)
    expect(seen!.body).not.toContain("k-secret")
    expect(JSON.stringify(JSON.parse(seen!.body))).toContain('"temperature":0')
  })

  test("needs no key where none is given", async () => {
    const { seen } = await judge([says(answer("confirm"))])
    expect(seen[0]!.headers.authorization).toBeDefined()
    await using model = await startFakeModel(says(answer("confirm")))
    const options = optionsFor(model)
    await adjudicate(reportOf(finding), {
      ...options,
      settings: { ...options.settings, key: null },
    })
    expect(model.seen[0]!.headers.authorization).toBeUndefined()
  })

  test("answers at a place of its own unless a person says otherwise", () => {
    expect(
      Object.values(adapters).every(({ defaultBaseUrl }) => defaultBaseUrl.startsWith("https://")),
    ).toBe(true)
  })
})

describe("the budget", () => {
  const many = Array.from({ length: 6 }, (_, at) =>
    findingWith({
      ...finding,
      fingerprint: `000000000000000${at}`,
      severity: at === 5 ? "high" : "low",
      message: `m${at}`,
    }),
  )

  test("of calls stops, and is spent on the gravest first", async () => {
    const limits = { ...defaultLimits, maxCalls: 2 }
    const { report, seen } = await judge([says(answer("confirm"))], { limits }, many)
    expect(seen).toHaveLength(2)
    const asked = report.findings
      .filter(({ adjudication }) => adjudication)
      .map(({ message }) => message)
    expect(asked).toEqual(["m0", "m5"])
    expect(report.notices[0]?.message).toContain("4 of 6 findings stay as they are")
    expect(report.notices[0]?.message).toContain("budget")
  })

  test("of tokens and of money stops before it is exceeded", async () => {
    for (const limits of [
      { ...defaultLimits, maxInputTokens: 10 },
      { ...defaultLimits, maxCostUsd: 0.001, price: { inputUsd: 1, outputUsd: 10 } },
    ]) {
      const { seen, report } = await judge([says(answer("confirm"))], { limits }, many)
      expect(seen).toEqual([])
      expect(report.findings).toEqual(many)
    }
  })

  test("counts repairs and second attempts", async () => {
    const limits = { ...defaultLimits, maxCalls: 1 }
    expect((await judge([says("no")], { limits })).seen).toHaveLength(1)
    expect((await judge([status(500)], { limits })).seen).toHaveLength(1)
  })
})

test("an answer that was given before is not asked for again, and is checked again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "review-llm-"))
  try {
    await using model = await startFakeModel(says(answer("confirm")))
    const options = optionsFor(model, { cache: folderCache(folder) })
    await adjudicate(reportOf(finding), options)
    const again = await adjudicate(reportOf(finding), options)
    expect(again.findings[0]?.adjudication?.verdict).toBe("confirm")
    expect(model.seen).toHaveLength(1)
    expect(await readdir(folder, { recursive: true })).toHaveLength(2)
    // Other code, another model or another message is another question.
    await adjudicate(reportOf(finding), {
      ...options,
      settings: { ...options.settings, model: "m-2" },
    })
    await adjudicate(reportOf(finding), { ...options, textOf: () => CODE.replace("+= 1", "+= 2") })
    expect(model.seen).toHaveLength(3)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test("a folder that cannot be written keeps nothing and breaks nothing", () => {
  const cache = folderCache(fileURLToPath(import.meta.url))
  cache.set("00".repeat(32), "x")
  expect(cache.get("00".repeat(32))).toBeNull()
})
