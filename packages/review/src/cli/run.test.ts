import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { startFakeModel } from "../adjudication/fakeModel.fixture.ts"
import {
  createRepository,
  JITTERED,
  ONLY_RETRIES,
  RETRY,
  type Repository,
} from "../session/repository.fixture.ts"
import { fakeTerminal } from "./fakeTerminal.fixture.ts"
import { run } from "./run.ts"
import type { Terminal } from "./terminal.ts"

let repository: Repository

beforeEach(() => {
  repository = createRepository({
    "client.go": RETRY,
    "drover.review.yaml": ONLY_RETRIES,
    ".git/keep": "",
  })
})
afterEach(() => repository[Symbol.dispose]())

/** Runs words in the repository, without threads and without a cache outside of it. */
async function review(words: readonly string[], parts: Partial<Terminal> = {}) {
  const terminal = fakeTerminal({
    cwd: repository.root,
    env: { XDG_CACHE_HOME: join(repository.root, ".cache"), ...parts.env },
    ...parts,
  })
  const code = await run(words, terminal)
  return { code, out: terminal.printed, err: terminal.told }
}

const LOCAL = ["--threads", "1", "--no-cache"]

describe("a review", () => {
  test("ends with 1 for a finding and with 0 without", async () => {
    const found = await review(LOCAL)
    expect(found.code).toBe(1)
    expect(found.out).toContain("medium[retry-without-jitter]")
    expect(found.out).toContain("--> client.go:10:3")
    repository.write("client.go", JITTERED)
    const clean = await review(LOCAL)
    expect(clean.code).toBe(0)
    expect(clean.out).toContain("No findings")
  })

  test("prints the documented JSON", async () => {
    const { out } = await review(["--format", "json", ...LOCAL])
    const report = JSON.parse(out) as { version: number; findings: object[]; files: number }
    expect(report).toMatchObject({ version: 1, files: 1 })
    expect(report.findings).toEqual([
      expect.objectContaining({ rule: "retry-without-jitter", path: "client.go", line: 10 }),
    ])
  })

  test("writes several formats at once, and makes their folders", async () => {
    const { code } = await review([
      "--output",
      "sarif=out/a.sarif",
      "--output",
      "jsonl=b.jsonl",
      ...LOCAL,
    ])
    expect(code).toBe(1)
    expect(JSON.parse(readFileSync(join(repository.root, "out/a.sarif"), "utf8"))).toMatchObject({
      version: "2.1.0",
    })
    expect(readFileSync(join(repository.root, "b.jsonl"), "utf8")).toContain("retry-without-jitter")
  })

  test("is of the paths that were given, from the folder in which they were typed", async () => {
    repository.write("other/b.go", RETRY)
    const cwd = join(repository.root, "other")
    const { out } = await review(["b.go", "--format", "concise", ...LOCAL], { cwd })
    expect(out).toContain("other/b.go:10:3")
    expect(out).not.toContain("client.go")
  })

  test.each([
    [["--fail-on", "high"], 0],
    [["--fail-on", "medium"], 1],
    [["--fail-on", "never"], 0],
    [["--fail-on", "never", "--max-warnings", "0"], 1],
    [["--fail-on", "never", "--max-warnings", "1"], 0],
    [["--severity", "high"], 0],
    [["--tier", "certain"], 0],
  ])("with %j ends with %i", async (words, code) => {
    expect((await review([...words, ...LOCAL])).code).toBe(code)
  })

  test("says nothing but the findings when it is to be quiet", async () => {
    for (const format of ["concise", "pretty"]) {
      const { code, out } = await review(["--quiet", "--format", format, ...LOCAL])
      expect(code).toBe(1)
      expect(out).toContain("retry-without-jitter")
      expect(out).not.toContain("1 finding in")
    }
    repository.write("client.go", JITTERED)
    for (const format of ["concise", "pretty"])
      expect(await review(["--quiet", "--format", format, ...LOCAL])).toMatchObject({
        ...{ code: 0, out: "", err: "" },
      })
  })

  test("is coloured when a person looks or asks for it, and not when NO_COLOR says so", async () => {
    const isColoured = async (words: readonly string[], parts: Partial<Terminal>) =>
      (await review([...words, ...LOCAL], parts)).out.includes("\u001b[")
    expect(await isColoured([], {})).toBe(false)
    expect(await isColoured([], { outIsTerminal: true })).toBe(true)
    expect(await isColoured([], { outIsTerminal: true, env: { NO_COLOR: "1" } })).toBe(false)
    expect(await isColoured([], { outIsTerminal: true, env: { TERM: "dumb" } })).toBe(false)
    expect(await isColoured(["--no-color"], { outIsTerminal: true })).toBe(false)
    expect(await isColoured(["--color"], { env: { NO_COLOR: "1" } })).toBe(true)
  })

  test("says how long it took to a person who looks, and never in JSON", async () => {
    const looked = await review(LOCAL, { outIsTerminal: true })
    expect(looked.out).toMatch(/\(1 file, \d+\.\d s\)/)
    expect((await review(LOCAL)).out).toMatch(/\(1 file\)/)
    const json = await review(["--format", "json", ...LOCAL], { outIsTerminal: true })
    expect(JSON.parse(json.out)).toMatchObject({ ms: 0 })
  })

  test("heeds ignore comments and says which hold nothing back", async () => {
    const ignored = RETRY.replace(
      "\t\ttime.Sleep",
      "\t\t// drover-ignore[retry-without-jitter]: one client\n\t\ttime.Sleep",
    )
    repository.write(
      "client.go",
      `${ignored}\n// drover-ignore[retry-without-jitter]: nothing\nvar x = 1\n`,
    )
    const { code, out } = await review(LOCAL)
    expect(code).toBe(0)
    expect(out).toContain("ignore-unused")
    expect(out).toContain("client.go:15")
    const quiet = await review(["--quiet", ...LOCAL])
    expect(quiet).toMatchObject({ code: 0, out: "", err: "" })
  })

  test("accepts what a baseline has until it expires, and says what it has too much", async () => {
    const accepted = await review(["--update-baseline", ...LOCAL])
    expect(accepted.code).toBe(0)
    expect((await review(LOCAL)).code).toBe(0)
    const file = join(repository.root, ".drover-baseline.json")
    repository.write(
      ".drover-baseline.json",
      readFileSync(file, "utf8").replace('"reason"', '"expires":"2026-06-14","reason"'),
    )
    const expired = await review(LOCAL)
    expect(expired.code).toBe(1)
    expect(expired.out).toContain("baseline-expired")
    repository.write("client.go", JITTERED)
    expect((await review(LOCAL)).out).toContain("baseline-stale")
    await review(["--update-baseline", ...LOCAL])
    expect(readFileSync(file, "utf8")).toContain('"entries": []')
  })

  test("shows a line for a run that takes longer than a second, and wipes it", async () => {
    let now = 0
    const nowMono = (): number => (now += 600)
    const { err } = await review(LOCAL, { errIsTerminal: true, nowMono })
    expect(err).toMatch(/checking/)
    expect(err.endsWith("\r\u001b[2K")).toBe(true)
    expect((await review(LOCAL, { errIsTerminal: true })).err).toBe("")
    expect((await review(["--quiet", ...LOCAL], { errIsTerminal: true, nowMono })).err).toBe("")
  })
})

describe("changes", () => {
  const git = (...words: string[]): string =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...words], {
      cwd: repository.root,
      encoding: "utf8",
    })

  test("are reviewed for what they bring in, by commits, by what is staged, and by a piped diff", async () => {
    repository.write("client.go", JITTERED)
    execFileSync("rm", ["-r", join(repository.root, ".git")])
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    repository.write("client.go", RETRY)
    expect((await review(["--staged", ...LOCAL])).code).toBe(0)
    expect((await review(["--diff", "HEAD", ...LOCAL])).code).toBe(1)
    const diff = git("diff")
    const piped = await review(["--stdin-diff", ...LOCAL], {
      readInput: () => Promise.resolve(diff),
    })
    expect(piped.code).toBe(1)
    git("add", ".")
    expect((await review(["--staged", ...LOCAL])).code).toBe(1)
    git("commit", "-q", "-m", "two")
    expect((await review(["--diff", "HEAD~1..HEAD", ...LOCAL])).code).toBe(1)
    expect((await review(["--diff", "HEAD..HEAD", ...LOCAL])).code).toBe(0)
    const wrong = await review(["--diff", "nope..HEAD", ...LOCAL])
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("nope") as string })
  })
})

describe("a mistake on the command line is told with what was meant, and ends with 2", () => {
  test.each([
    [["--formt", "json"], "there is no option --formt; did you mean --format?"],
    [["--format", "jsn"], '--format "jsn" is not one of'],
    [["--format"], "--format needs a value"],
    [["--format", "--quiet"], '"--quiet" looks like an option'],
    [["--quiet=yes"], '--quiet takes no value, and was given "yes"'],
    [["--tier", "sure"], '--tier "sure" is not one of certain, likely, context'],
    [["--tier", "likely", "--tier", "certain"], '--tier is given twice: "likely" and "certain"'],
    [["--rule", "retry-without-jiter"], 'did you mean "retry-without-jitter"?'],
    [["--threads", "0"], '--threads "0" is not a whole number from 1 to 64'],
    [["--max-warnings", "few"], '--max-warnings "few" is not a whole number'],
    [["--output", "sarif"], '--output "sarif" is not FORMAT=FILE'],
    [["--output", "sarf=x"], 'did you mean "sarif"?'],
    [["--output", "json=a", "--output", "junit=a"], 'names the file "a" twice'],
    [["--staged", "--diff", "a..b"], "cannot be given together"],
    [["--unsafe-fixes"], "neither is given"],
    [["--fix", "--staged"], "work on the files on disk"],
    [["--fix", "--diff-fixes"], "cannot be given together"],
    [["--update-baseline", "client.go"], "leave the paths out"],
    [["--watch", "--staged"], "--watch follows the files on disk"],
    [["--cache-dir", "x", "--no-cache"], "cannot be given together"],
    [["nowhere.go"], "nowhere.go does not exist"],
    [["rule"], 'did you mean the command "rules"?'],
    [["../"], "outside"],
    [["--root", "nowhere"], "no folder"],
    [["--llm-model", "x"], "--llm-model needs --llm PROVIDER"],
    [["--llm", "openia"], 'did you mean "openai"?'],
    [["--llm", "openai", "--llm-max-cost", "1"], "--llm-max-cost needs --llm-price"],
    [["--llm", "openai", "--llm-price", "cheap"], '--llm-price "cheap" is not IN,OUT'],
    [["explain"], "which rule?"],
    [["explain", "lost-updat"], "there is no rule"],
    [["why", "client.go"], '"client.go" is not FILE:LINE'],
    [["why", "client.go:99"], "client.go has 13 lines, not 99"],
    [["issue"], "which finding?"],
    [["github"], "which pull request?"],
    [["gitlab"], "which merge request?"],
  ])("%j", async (words, message) => {
    const { code, err, out } = await review(words)
    expect(err).toContain(message)
    expect(code).toBe(2)
    expect(out).toBe("")
  })

  test("so is one in the configuration, with file and line", async () => {
    repository.write("drover.review.yaml", "\nrules:\n  lost-updat: off\n")
    const { code, err } = await review(LOCAL)
    expect(code).toBe(2)
    expect(err).toContain("drover.review.yaml:3: rules.lost-updat:")
  })
})

describe("other commands", () => {
  test("help and versions ask for nothing else", async () => {
    const help = await review(["--help", "--formt"])
    expect(help.code).toBe(0)
    expect(help.out).toContain("--diff BASE[..HEAD]")
    for (const name of [
      "why",
      "explain",
      "rules",
      "init",
      "github",
      "gitlab",
      "issue",
      "mcp",
      "lsp",
    ]) {
      expect(help.out).toContain(`  ${name} `)
      expect((await review([name, "--help"])).out).toContain(`drover-review ${name}: `)
    }
    expect((await review(["--help"])).out).toMatch(/-V, --version/)
    expect((await review(["--version"])).out).toMatch(/^\d+\.\d+\.\d+/)
  })

  test("why tells of a finding, of what holds it back, and of rules that are silent", async () => {
    const shown = await review(["why", "client.go:10", ...LOCAL])
    expect(shown.out).toContain("medium[retry-without-jitter]")
    expect(shown.out).toContain("It is shown.")
    expect(shown.out).toContain("Silent in Connect (client.go:5-12)")
    repository.write("client.go", JITTERED)
    const silent = await review(["why", "client.go:13", "--rule", "retry-without-jitter", ...LOCAL])
    expect(silent.out).toContain("retry-without-jitter looked and has nothing to say")
    expect(silent.out).toContain("Chance flows into the delay")
  })

  test("explain prints all of a rule, rules a line for each", async () => {
    const { out } = await review(["explain", "retry-without-jitter", "--language", "go"])
    for (const part of ["It looks at:", "It is silent when:", "It does not see:", "go, reported:"])
      expect(out).toContain(`\n${part}\n`)
    expect(out).not.toContain("python, reported:")
    expect((await review(["rules"])).out).toContain("retry-without-jitter")
    expect(JSON.parse((await review(["rules", "--json"])).out)).toMatchObject({ version: 1 })
  })

  test("init writes a configuration that can be read, and never over another file", async () => {
    const first = await review(["init", "--ci", "github"])
    expect(first.err).toContain("drover.review.yaml is there already")
    expect(existsSync(join(repository.root, ".github/workflows/drover-review.yml"))).toBe(true)
    using fresh = createRepository({ "a.go": "package a\n", ".gitlab-ci.yml": "" })
    const cwd = fresh.root
    const second = await review(["init", "--root", cwd], { cwd })
    expect(second.out).toContain("wrote drover.review.yaml")
    expect(second.out).toContain("wrote .gitlab/drover-review.yml")
    expect((await review(LOCAL, { cwd })).code).toBe(0)
    const text = readFileSync(join(cwd, "drover.review.yaml"), "utf8")
    // Also with all that is a comment in it.
    const all = text.replace(/^# (?=\w+:|  )/gm, "").replace(/^rules: \{\}\n#/m, "rules:\n")
    fresh.write("drover.review.yaml", all)
    expect((await review(LOCAL, { cwd })).err).toBe("")
    await review(["init"], { cwd })
    expect(readFileSync(join(cwd, "drover.review.yaml"), "utf8")).toBe(all)
  })

  test("issue prints a finding by its place or its fingerprint", async () => {
    const { out } = await review(["issue", "client.go:10", ...LOCAL])
    expect(out).toContain("## Summary")
    const fingerprint = /issue:([0-9a-f]{16})/.exec(out)![1]!
    expect((await review(["issue", fingerprint, ...LOCAL])).out).toBe(out)
    expect((await review(["issue", "client.go:1", ...LOCAL])).err).toContain("nothing is found")
  })
})

describe("a language model", () => {
  const answer = JSON.stringify({
    verdict: "refute",
    reasons: ["r"],
    quotes: ["time.Sleep(5 * time.Second)"],
  })

  test("is asked only with a key or a server of one's own, and without one nothing is sent", async () => {
    const { code, out } = await review(["--llm", "openai", "--llm-model", "m", ...LOCAL])
    expect(code).toBe(1)
    expect(out).toContain("no key is set, so no model was asked and nothing was sent")
  })

  test("can hide a finding, which still counts", async () => {
    await using model = await startFakeModel((reply) => reply(answer))
    const words = ["--llm", "openai", "--llm-model", "m", "--llm-base-url", model.url, ...LOCAL]
    const { code, out } = await review(words)
    expect(model.seen).toHaveLength(1)
    expect(out).not.toContain("--> client.go")
    expect(out).toContain("1 that the model doubts are not shown and still count")
    expect(code).toBe(1)
  })

  test("gets no key of its provider's at another address", async () => {
    await using model = await startFakeModel((reply) => reply(answer))
    const words = ["--llm", "openai", "--llm-model", "m", "--llm-base-url", model.url, ...LOCAL]
    await review(words, { env: { OPENAI_API_KEY: "sk-canary" } })
    expect(model.seen[0]?.headers.authorization).toBeUndefined()
    await review([...words, "--llm-key-env", "MINE"], { env: { MINE: "k" } })
    expect(model.seen[1]?.headers.authorization).toBe("Bearer k")
  })

  test("a dry run prints what would be sent and sends nothing", async () => {
    await using model = await startFakeModel((reply) => reply(answer))
    const words = [
      "--llm",
      "openai",
      "--llm-model",
      "m",
      "--llm-base-url",
      model.url,
      "--llm-dry-run",
      ...LOCAL,
    ]
    const { err, code } = await review(words)
    expect(err).toContain(`POST ${model.url}/chat/completions`)
    expect(model.seen).toEqual([])
    expect(code).toBe(1)
  })

  test("a repository's configuration turns it neither on nor elsewhere", async () => {
    await using model = await startFakeModel((reply) => reply(answer))
    repository.write("drover.review.yaml", "adjudication: { provider: openai, model: m }\n")
    await review(LOCAL, { env: { OPENAI_API_KEY: "k" } })
    repository.write("drover.review.yaml", `adjudication: { baseUrl: ${model.url} }\n`)
    expect((await review(LOCAL)).code).toBe(2)
    expect(model.seen).toEqual([])
  })
})
