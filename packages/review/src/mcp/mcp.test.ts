import { execFileSync } from "node:child_process"
import { createInterface, type Interface } from "node:readline"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { startProgram } from "../cli/process.fixture.ts"
import {
  createRepository,
  JITTERED,
  ONLY_RETRIES,
  RETRY,
  type Repository,
} from "../session/repository.fixture.ts"

interface Reply {
  readonly id?: unknown
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown> & {
    readonly isError?: boolean
    readonly content?: { readonly text: string }[]
    readonly structuredContent?: Record<string, unknown> & {
      readonly findings: Record<string, unknown>[]
    }
  }
  readonly error?: { readonly code: number; readonly message: string }
}

/** An agent: writes lines to the real program and reads lines back. */
class Agent {
  readonly child
  readonly replies: Reply[] = []
  readonly #lines: Interface
  #wake = Promise.withResolvers<void>()
  #id = 0

  constructor(root: string) {
    this.child = startProgram(["mcp"], { cwd: root })
    this.#lines = createInterface({ input: this.child.stdout })
    this.#lines.on("line", (line) => {
      this.replies.push(JSON.parse(line) as Reply)
      this.#wake.resolve()
      this.#wake = Promise.withResolvers()
    })
  }

  write(line: string): void {
    this.child.stdin.write(`${line}\n`)
  }

  async reply(isWanted: (reply: Reply) => boolean): Promise<Reply> {
    for (;;) {
      const found = this.replies.find(isWanted)
      if (found) return found
      await this.#wake.promise
    }
  }

  ask(method: string, params?: object): Promise<Reply> {
    const id = ++this.#id
    this.write(JSON.stringify({ jsonrpc: "2.0", id, method, params }))
    return this.reply((reply) => reply.id === id)
  }

  call(name: string, given?: object): Promise<Reply> {
    return this.ask("tools/call", { name, ...(given && { arguments: given }) })
  }

  start(protocolVersion = "2025-06-18"): Promise<Reply> {
    return this.ask("initialize", {
      protocolVersion,
      capabilities: {},
      clientInfo: { name: "test", version: "1" },
    })
  }
}

describe("an agent", () => {
  let repository: Repository
  let agent: Agent
  const git = (...words: string[]): void => {
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...words], {
      cwd: repository.root,
    })
  }

  beforeEach(() => {
    repository = createRepository({
      "client.go": JITTERED,
      "drover.review.yaml": ONLY_RETRIES,
    })
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    agent = new Agent(repository.root)
  })
  afterEach(() => {
    agent.child.kill()
    repository[Symbol.dispose]()
  })

  test.each([
    ["2025-06-18", "2025-06-18"],
    ["2024-11-05", "2024-11-05"],
    ["1999-01-01", "2025-11-25"],
  ])("that speaks version %s is answered with %s", async (asked, answered) => {
    const { result } = await agent.start(asked)
    expect(result).toMatchObject({
      protocolVersion: answered,
      capabilities: { tools: {} },
      serverInfo: { name: "drover-review" },
    })
  })

  test("is told of four tools, each with schemas of what goes in and comes out", async () => {
    await agent.start()
    const { result } = await agent.ask("tools/list")
    const list = result!["tools"] as {
      name: string
      inputSchema: { type: string }
      outputSchema: { type: string }
    }[]
    expect(list.map(({ name }) => name)).toEqual([
      "review_diff",
      "check_snippet",
      "explain_finding",
      "list_rules",
    ])
    expect(
      list.every(
        ({ inputSchema, outputSchema }) =>
          inputSchema.type === "object" && outputSchema.type === "object",
      ),
    ).toBe(true)
  })

  test("reviews uncommitted work, commits, what is staged, and a diff", async () => {
    await agent.start()
    repository.write("client.go", RETRY)
    const work = await agent.call("review_diff")
    expect(work.result?.structuredContent).toMatchObject({
      total: 1,
      findings: [
        {
          rule: "retry-without-jitter",
          path: "client.go",
          line: 10,
          fix: { text: expect.any(String) as string },
        },
      ],
    })
    expect(JSON.parse(work.result!.content![0]!.text)).toEqual(work.result!.structuredContent)
    expect(
      (await agent.call("review_diff", { staged: true })).result?.structuredContent?.["total"],
    ).toBe(0)
    git("add", ".")
    expect(
      (await agent.call("review_diff", { staged: true })).result?.structuredContent?.["total"],
    ).toBe(1)
    const diff = execFileSync("git", ["diff", "HEAD"], { cwd: repository.root, encoding: "utf8" })
    expect((await agent.call("review_diff", { diff })).result?.structuredContent?.["total"]).toBe(1)
    git("commit", "-q", "-m", "two")
    expect((await agent.call("review_diff")).result?.structuredContent?.["total"]).toBe(0)
    expect(
      (await agent.call("review_diff", { range: "HEAD~1..HEAD" })).result?.structuredContent?.[
        "total"
      ],
    ).toBe(1)
  })

  test("checks code that is not on disk, with or without the repository around it", async () => {
    await agent.start()
    const code = RETRY
    const checked = await agent.call("check_snippet", { path: "new/other.go", code })
    expect(checked.result?.structuredContent?.findings).toHaveLength(1)
    const fixed = await agent.call("check_snippet", {
      path: "new/other.go",
      code: JITTERED,
      alone: true,
    })
    expect(fixed.result?.structuredContent?.findings).toEqual([])
  })

  test("is explained a rule, and a place", async () => {
    await agent.start()
    repository.write("client.go", RETRY)
    const rule = await agent.call("explain_finding", { rule: "retry-without-jitter" })
    expect(rule.result?.structuredContent).toMatchObject({ rule: { id: "retry-without-jitter" } })
    const place = await agent.call("explain_finding", { path: "client.go", line: 10 })
    expect(place.result?.structuredContent?.findings).toHaveLength(1)
    expect(place.result?.structuredContent?.["explanation"]).toContain("Silent in Connect")
    const rules = await agent.call("list_rules", { language: "go" })
    expect(rules.result?.structuredContent?.["rules"]).toContainEqual(
      expect.objectContaining({ id: "retry-without-jitter" }),
    )
  })

  test.each([
    ["check_snippet", { code: "x" }, '"path" is missing'],
    ["check_snippet", { code: "x", path: "../../etc/x.go" }, "not a path below"],
    ["check_snippet", { code: "x", path: "/etc/x.go" }, "not a path below"],
    ["check_snippet", { code: "x", path: "x.rb" }, "no known extension"],
    ["check_snippet", { code: 1, path: "x.go" }, '"code" is not a string'],
    ["review_diff", { rang: "HEAD" }, 'did you mean "range"?'],
    ["review_diff", { range: "nowhere..HEAD" }, "nowhere"],
    ["review_diff", { range: "HEAD", staged: true }, "give one of"],
    ["review_diff", { rules: ["retry-without-jiter"] }, 'did you mean "retry-without-jitter"?'],
    ["review_diff", { maxFindings: 0 }, "not a whole number"],
    ["explain_finding", {}, 'give "rule"'],
    ["explain_finding", { path: "/etc/passwd", line: 1 }, "outside"],
    ["explain_finding", { path: "client.go", line: 999 }, "lines, not 999"],
  ])("that calls %s with %j is told what to change", async (name, given, message) => {
    await agent.start()
    const { result } = await agent.call(name, given)
    expect(result?.isError).toBe(true)
    expect(result?.content?.[0]?.text).toContain(message)
  })

  test("that writes no protocol is told so, and can go on", async () => {
    agent.write("not json")
    expect(await agent.reply(({ error }) => error?.code === -32_700)).toMatchObject({ id: null })
    agent.write('{"id":1}')
    expect(await agent.reply(({ error }) => error?.code === -32_600)).toMatchObject({ id: null })
    expect((await agent.ask("nonsense")).error?.code).toBe(-32_601)
    expect((await agent.call("nonsense")).error).toMatchObject({ code: -32_602 })
    expect((await agent.ask("ping")).result).toEqual({})
  })

  test("is told how far a call is when it wants to know", async () => {
    await agent.start()
    await agent.ask("tools/call", { name: "review_diff", _meta: { progressToken: "p" } })
    const told = agent.replies.filter(({ method }) => method === "notifications/progress")
    expect(told.length).toBeGreaterThan(0)
    const numbers = told.map(({ params }) => params!["progress"] as number)
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  })

  test("that calls a review off gets no answer to it", async () => {
    await agent.start()
    agent.write(
      JSON.stringify({
        jsonrpc: "2.0",
        id: "a",
        method: "tools/call",
        params: { name: "review_diff" },
      }),
    )
    agent.write(
      JSON.stringify({
        jsonrpc: "2.0",
        method: "notifications/cancelled",
        params: { requestId: "a" },
      }),
    )
    await agent.call("list_rules")
    expect(agent.replies.some(({ id }) => id === "a")).toBe(false)
  })

  test("that closes the input gets its last answers, and the program ends", async () => {
    const closed = new Promise((resolve) => agent.child.once("close", resolve))
    const answered = agent.call("list_rules")
    agent.child.stdin.end()
    expect((await answered).result).toBeDefined()
    expect(await closed).toBe(0)
  })
})
