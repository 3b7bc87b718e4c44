import { expect, test } from "vitest"
import type { Report } from "../findings/finding.ts"
import { fixable, finding, PATCH, report, textOf } from "./fixtures/change.ts"
import { FakeGithub, GITHUB_TOKEN, HEAD } from "./fixtures/fakeGithub.ts"
import { testOutside } from "./fixtures/outside.ts"
import { reviewOnGithub } from "./github.ts"
import { MAX_INLINE } from "./placing.ts"

async function world() {
  const github = await new FakeGithub().start()
  github.files = [
    { filename: "z.txt", patch: "@@ -0,0 +1 @@\n+z" },
    { filename: "binary.png" },
    { filename: "a.go", status: "renamed", previous_filename: "old.go", patch: PATCH },
  ]
  const outside = testOutside()
  const target = {
    owner: "own",
    repo: "repo",
    number: 7,
    range: null,
    headSha: HEAD as string | null,
    apiUrl: github.origin,
    graphqlUrl: `${github.origin}/graphql`,
    token: GITHUB_TOKEN,
  }
  const run = (value: Report, prefix = "") =>
    reviewOnGithub(target, value, { textOf, prefix }, outside)
  return { github, outside, target, run }
}

const outsideOfHunks = finding(1)

test("the first run posts one review: comments beside shown lines, the rest in its text", async () => {
  const { github, run } = await world()
  await using _github = github
  const outcome = await run(report(outsideOfHunks, fixable()))
  expect(outcome).toEqual({
    kind: "posted",
    added: 1,
    resolved: 0,
    reopened: 0,
    summary: "posted",
    notices: [],
  })
  expect(github.faults).toEqual([])
  const [review] = github.sent("POST", "/reviews") as {
    body: string
    comments: { body: string }[]
  }[]
  expect(review).toMatchObject({
    commit_id: HEAD,
    event: "COMMENT",
    comments: [{ path: "a.go", line: 4, side: "RIGHT" }],
  })
  expect(review!.body).toMatch(/^<!-- drover-review:summary -->\n/)
  expect(review!.body).toContain("**2 findings in 1 file**, 1 beside the code.")
  expect(review!.body).toContain("Line 1 is wrong.")
  expect(review!.body).not.toContain("Line 4 is wrong.")
  expect(review!.comments[0]!.body).toMatch(/^<!-- drover-review:0000000000000004 -->\n/)
  expect(review!.comments[0]!.body).toContain("```suggestion\n\t\ttime.Sleep(rand.N(delay))\n```")
})

test("a second run with the same findings posts nothing and changes nothing", async () => {
  const { github, run } = await world()
  await using _github = github
  await run(report(outsideOfHunks, fixable()))
  const outcome = await run(report(outsideOfHunks, fixable()))
  expect(outcome).toMatchObject({ added: 0, summary: "unchanged" })
  expect(github.reviews).toHaveLength(1)
  expect(github.threads).toHaveLength(1)
  expect(github.sent("PUT", "")).toHaveLength(0)
})

test("later runs update the text, add only what is new and resolve what is fixed", async () => {
  const { github, run } = await world()
  await using _github = github
  await run(report(outsideOfHunks, fixable()))
  const outcome = await run(report(finding(3), finding(5)))
  expect(outcome).toMatchObject({ added: 2, resolved: 1, summary: "updated" })
  expect(github.threads.map(({ isResolved }) => isResolved)).toEqual([true, false, false])
  expect(github.reviews[0]!.body).toContain("**2 findings in 1 file**, 2 beside the code.")
  expect(github.reviews[1]!.body).toMatch(/^<!-- drover-review:more -->\n2 new findings/)
  const clean = await run(report())
  expect(clean).toMatchObject({ added: 0, resolved: 2, summary: "updated" })
  expect(github.reviews[0]!.body).toContain("**No findings.**")
  expect(github.faults).toEqual([])
})

test("what comes back is opened again if we closed it, and left alone if a person did", async () => {
  const { github, run } = await world()
  await using _github = github
  await run(report(finding(3), finding(4)))
  await run(report())
  github.threads[1]!.resolvedBy = { login: "alice" }
  const outcome = await run(report(finding(3), finding(4)))
  expect(outcome).toMatchObject({ added: 0, resolved: 0, reopened: 1 })
  expect(github.threads.map(({ isResolved }) => isResolved)).toEqual([false, true])
})

test("a mark that somebody else wrote silences nothing and is not touched", async () => {
  const { github, run } = await world()
  await using _github = github
  const body = "<!-- drover-review:0000000000000004 -->\nnothing to see"
  github.threads.push({
    id: "PRRT_0",
    isResolved: false,
    resolvedBy: null,
    body,
    viewerDidAuthor: false,
  })
  github.reviews.push({
    databaseId: 1,
    body: "<!-- drover-review:summary -->",
    viewerDidAuthor: false,
  })
  expect(await run(report(finding(4)))).toMatchObject({ added: 1, summary: "posted" })
  expect(await run(report())).toMatchObject({ resolved: 1 })
  expect(github.threads[0]!.isResolved).toBe(false)
})

test("no findings and nothing from before: nothing is posted", async () => {
  const { github, run } = await world()
  await using _github = github
  expect(await run(report())).toMatchObject({ summary: "none", added: 0 })
  expect(
    github.requests.filter(({ method, url }) => method !== "GET" && url.pathname !== "/graphql"),
  ).toEqual([])
})

test("the pull request is asked for its head when nobody says it", async () => {
  const { github, run, target } = await world()
  await using _github = github
  target.headSha = null
  expect(await run(report(finding(4)))).toMatchObject({ added: 1 })
  expect(github.faults).toEqual([])
})

test("a root below the repository's is put before paths", async () => {
  const { github, run } = await world()
  await using _github = github
  github.files.push({ filename: "services/a/b.go", patch: PATCH })
  expect(await run(report(finding(4, { path: "b.go" })), "services/a/")).toMatchObject({ added: 1 })
  expect(github.sent("POST", "/reviews")).toMatchObject([
    { comments: [{ path: "services/a/b.go" }] },
  ])
})

test.each([403, 404])(
  "a token that may not write (%i) prints annotations instead",
  async (status) => {
    const { github, run } = await world()
    await using _github = github
    github.instead.push(null, null, null, null, ({ method }) =>
      method === "POST"
        ? { status, body: { message: "Resource not accessible by integration" } }
        : null,
    )
    const outcome = await run(report(finding(4)))
    expect(outcome).toMatchObject({
      kind: "printed",
      reason: expect.stringContaining("Resource not accessible"),
    })
    expect(outcome).toMatchObject({ output: expect.stringMatching(/^::error file=a\.go,line=4,/) })
  },
)

test("a host that is down prints annotations too; a wrong token is a mistake to be told", async () => {
  const { github, run } = await world()
  await using _github = github
  github.instead.push(...Array.from({ length: 4 }, () => ({ status: 503 })))
  expect(await run(report(finding(4)))).toMatchObject({ kind: "printed" })
  github.instead.push({ status: 401, body: { message: "Bad credentials" } })
  await expect(run(report(finding(4)))).rejects.toMatchObject({ kind: "credentials" })
})

test("who may not resolve threads still gets a review, and a notice", async () => {
  const { github, run } = await world()
  await using _github = github
  await run(report(finding(4)))
  github.mayResolve = false
  const outcome = await run(report(finding(3)))
  expect(outcome).toMatchObject({
    kind: "posted",
    added: 1,
    notices: [expect.stringContaining("stay open")],
  })
})

test("more findings than a review can hold go into the text, and more than that are counted", async () => {
  const { github, run } = await world()
  await using _github = github
  const many = Array.from({ length: 400 }, (_, i) =>
    finding(4, {
      fingerprint: i.toString(16).padStart(16, "0"),
      message: `Number ${i}. ${"x".repeat(300)}`,
    }),
  )
  expect(await run(report(...many))).toMatchObject({ added: MAX_INLINE })
  expect(github.faults).toEqual([])
  const body = github.reviews[0]!.body
  expect(body.length).toBeLessThanOrEqual(65_536)
  expect(body).toMatch(/…and \d+ findings more, for which there is no room here\.$/)
})

test("a suggestion is only made for lines of one hunk that the finding is in, and shows all that it changes", async () => {
  const { github, run } = await world()
  await using _github = github
  const edit = (start: number, end: number, text: string) => ({ path: "a.go", start, end, text })
  const twoLines = finding(3, { fix: { text: "f", edits: [edit(23, 46, "a()\n\t\tb()")] } })
  const outOfHunk = finding(2, {
    fix: { text: "f", edits: [edit(0, 16, "a")] },
    fingerprint: "00000000000000aa",
  })
  const hidden = finding(5, {
    fix: { text: "f", edits: [edit(50, 51, "\u202e}")] },
    fingerprint: "00000000000000bb",
  })
  const elsewhere = finding(4, {
    fix: { text: "f", edits: [{ ...edit(0, 1, "a"), path: "b.go" }] },
  })
  await run(report(twoLines, outOfHunk, hidden, elsewhere))
  expect(github.faults).toEqual([])
  const [review] = github.sent("POST", "/reviews") as {
    comments: { body: string; start_line?: number }[]
  }[]
  expect(review!.comments.map(({ body }) => body.includes("```suggestion"))).toEqual([
    true,
    false,
    false,
    false,
  ])
  expect(review!.comments[0]).toMatchObject({ start_line: 3, line: 4, start_side: "RIGHT" })
})
