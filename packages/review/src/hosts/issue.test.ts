import { expect, test } from "vitest"
import { CARDS, RETRY, textOf } from "../reports/fixtures/report.ts"
import { HOSTILE } from "../reports/fixtures/hostile.ts"
import { fileOnGithub, fileOnGitlab } from "./fileIssue.ts"
import { FakeGithub, GITHUB_TOKEN } from "./fixtures/fakeGithub.ts"
import { FakeGitlab, GITLAB_TOKEN } from "./fixtures/fakeGitlab.ts"
import { testOutside } from "./fixtures/outside.ts"
import { githubClient } from "./github.ts"
import { gitlabClient } from "./gitlab.ts"
import { issueOf } from "./issue.ts"

test("an issue says what, where, why, how to mend it and how it was found", async () => {
  const issue = issueOf(RETRY, CARDS[0], { textOf })
  expect(issue.title).toBe(
    "wait.go: Every process that failed waits the same time and tries again at the same moment",
  )
  await expect(issue.body).toMatchFileSnapshot("fixtures/issue.golden.txt")
  expect(issue.body.match(/^## .+/gm)).toEqual(
    ["Summary", "Where it happens", "Why this matters", "Suggested fix", "How this was found"].map(
      (name) => `## ${name}`,
    ),
  )
})

test("an issue without the rule's documentation and the text still has its parts", () => {
  const { body } = issueOf(RETRY, undefined, {})
  expect(body.match(/^## /gm)).toHaveLength(5)
})

test("an issue of a hostile repository fits and has one mark, its own", () => {
  for (const text of HOSTILE) {
    const long = text.repeat(3_000)
    const issue = issueOf(
      { ...RETRY, message: long, symbol: text, because: [{ text }] },
      undefined,
      {},
    )
    expect(issue.body.length).toBeLessThanOrEqual(65_536)
    expect(issue.title.length).toBeLessThanOrEqual(200)
    expect(issue.body).toMatch(/^<!-- drover-review:issue:00000000000000b2 -->\n/)
    expect(issue.title).not.toMatch(/\p{Cc}/u)
  }
})

test("GitHub gets an issue once", async () => {
  const github = await new FakeGithub().start()
  await using _github = github
  github.issues = [1, 2, 3].map((n) => ({
    title: "t",
    body: null,
    html_url: `https://example.test/${n}`,
  }))
  const client = githubClient({ apiUrl: github.origin, token: GITHUB_TOKEN }, testOutside())
  const file = () =>
    fileOnGithub(
      client,
      { owner: "own", repo: "repo" },
      issueOf(RETRY, undefined, {}),
      RETRY.fingerprint,
    )
  expect(await file()).toEqual({ url: "https://example.test/i/3", isNew: true })
  expect(await file()).toEqual({ url: "https://example.test/i/3", isNew: false })
  expect(github.faults).toEqual([])
})

test("GitLab gets an issue once", async () => {
  const gitlab = await new FakeGitlab().start()
  await using _gitlab = gitlab
  const target = {
    project: "group/name",
    apiUrl: `${gitlab.origin}/sub/api/v4`,
    token: GITLAB_TOKEN,
    isJobToken: false,
  }
  const client = gitlabClient(target, testOutside())
  const file = () =>
    fileOnGitlab(client, "group/name", issueOf(RETRY, undefined, {}), RETRY.fingerprint)
  expect(await file()).toEqual({ url: "https://example.test/i/0", isNew: true })
  expect(await file()).toEqual({ url: "https://example.test/i/0", isNew: false })
  expect(gitlab.faults).toEqual([])
})
