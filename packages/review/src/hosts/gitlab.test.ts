import { expect, test } from "vitest"
import type { Report } from "../findings/finding.ts"
import { fixable, finding, PATCH, report, textOf } from "./fixtures/change.ts"
import { FakeGitlab, GITLAB_TOKEN } from "./fixtures/fakeGitlab.ts"
import { testOutside } from "./fixtures/outside.ts"
import { reviewOnGitlab } from "./gitlab.ts"

async function world(isJobToken = false) {
  const gitlab = await new FakeGitlab().start()
  if (isJobToken) gitlab.tokenHeader = "job-token"
  gitlab.diffs = [
    { old_path: "z.txt", new_path: "z.txt", diff: "@@ -0,0 +1 @@\n+z\n", renamed_file: false },
    { old_path: "big.go", new_path: "big.go", diff: "", renamed_file: false },
    { old_path: "old.go", new_path: "a.go", diff: PATCH, renamed_file: true },
  ]
  const target = {
    project: "group/name",
    iid: 5,
    range: null,
    apiUrl: `${gitlab.origin}/sub/api/v4`,
    token: GITLAB_TOKEN,
    isJobToken,
  }
  const run = (value: Report) =>
    reviewOnGitlab(target, value, { textOf, prefix: "" }, testOutside())
  return { gitlab, run }
}

test("the first run opens a thread beside each shown line and writes one note", async () => {
  const { gitlab, run } = await world()
  await using _gitlab = gitlab
  const outcome = await run(report(finding(1), finding(3), fixable()))
  expect(outcome).toEqual({
    kind: "posted",
    added: 2,
    resolved: 0,
    reopened: 0,
    summary: "posted",
    notices: [],
  })
  expect(gitlab.faults).toEqual([])
  const [old, fresh] = gitlab.sent("POST", "/discussions") as { body: string; position: object }[]
  expect(old!.position).toMatchObject({
    new_line: 3,
    old_line: 3,
    old_path: "old.go",
    new_path: "a.go",
  })
  expect(fresh!.position).toMatchObject({ new_line: 4 })
  expect(fresh!.position).not.toHaveProperty("old_line")
  expect(fresh!.body).toContain("```suggestion:-0+0\n\t\ttime.Sleep(rand.N(delay))\n```")
  expect(gitlab.sent("POST", "/notes")).toMatchObject([
    { body: expect.stringContaining("Line 1 is wrong.") },
  ])
})

test("later runs repeat nothing, update the note, resolve what is fixed and open again what is back", async () => {
  const { gitlab, run } = await world()
  await using _gitlab = gitlab
  await run(report(finding(3), finding(4)))
  expect(await run(report(finding(3), finding(4)))).toMatchObject({
    added: 0,
    summary: "unchanged",
  })
  expect(await run(report(finding(4), finding(5)))).toMatchObject({
    added: 1,
    resolved: 1,
    summary: "unchanged",
  })
  expect(await run(report())).toMatchObject({ resolved: 2, summary: "updated" })
  gitlab.discussions.find(({ notes }) => notes[0]!.body.includes("0004"))!.notes[0]!.resolved_by = {
    id: 9,
  }
  expect(await run(report(finding(3), finding(4)))).toMatchObject({ added: 0, reopened: 1 })
  expect(gitlab.faults).toEqual([])
})

test("a mark that somebody else wrote silences nothing", async () => {
  const { gitlab, run } = await world()
  await using _gitlab = gitlab
  const body = "<!-- drover-review:0000000000000004 -->"
  gitlab.discussions.push({
    id: "dx",
    notes: [{ id: 1, body, author: { id: 7 }, resolved: false }],
  })
  expect(await run(report(finding(4)))).toMatchObject({ added: 1 })
})

test("a line that GitLab does not take goes into the note", async () => {
  const { gitlab, run } = await world()
  await using _gitlab = gitlab
  const refuse = { status: 400, body: { message: "line_code can't be blank" } }
  gitlab.instead.push(null, null, null, null, null, ({ method }) =>
    method === "POST" ? refuse : null,
  )
  expect(await run(report(finding(4)))).toMatchObject({
    kind: "posted",
    added: 0,
    summary: "posted",
  })
  expect(gitlab.sent("POST", "/notes")).toMatchObject([
    { body: expect.stringContaining("Line 4 is wrong.") },
  ])
})

test("a token that may not write prints the findings; a job's token is no mistake, a wrong one is", async () => {
  const denied = { status: 403, body: { message: "403 Forbidden" } }
  const unknown = { status: 401, body: { message: "401 Unauthorized" } }
  const { gitlab, run } = await world()
  await using _gitlab = gitlab
  gitlab.instead.push(denied)
  expect(await run(report(finding(4)))).toMatchObject({
    kind: "printed",
    output: expect.stringContaining("a.go:4:3: high"),
  })
  gitlab.instead.push(unknown)
  await expect(run(report(finding(4)))).rejects.toMatchObject({ kind: "credentials" })
  const job = await world(true)
  await using _job = job.gitlab
  job.gitlab.instead.push(unknown)
  expect(await job.run(report(finding(4)))).toMatchObject({ kind: "printed" })
  expect(job.gitlab.faults).toEqual([])
})

test("no findings and nothing from before: nothing is written", async () => {
  const { gitlab, run } = await world()
  await using _gitlab = gitlab
  expect(await run(report())).toMatchObject({ summary: "none" })
  expect(gitlab.requests.every(({ method }) => method === "GET")).toBe(true)
})
