import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, expect, test } from "vitest"
import { FakeGithub, GITHUB_TOKEN, HEAD } from "../../hosts/fixtures/fakeGithub.ts"
import { FakeGitlab, GITLAB_TOKEN } from "../../hosts/fixtures/fakeGitlab.ts"
import { run } from "../run.ts"
import type { Terminal } from "../terminal.ts"

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const BAD = `import time
import requests

def fetch(url):
    for attempt in range(5):
        try:
            return requests.get(url, timeout=3)
        except requests.ConnectionError:
            time.sleep(5)
`
const PATCH = `@@ -0,0 +1,${BAD.split("\n").length - 1} @@\n${BAD.trimEnd().replace(/^/gm, "+")}`
const FILE = "jobs/fetch.py"

/** A repository in which the second commit brings a retry that every process makes at the same time. */
function repository(): { root: string; base: string; head: string } {
  const root = mkdtempSync(join(tmpdir(), "drover-review-hosts-"))
  folders.push(root)
  const git = (...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.test", ...args], {
      cwd: root,
      encoding: "utf8",
    }).trim()
  git("init", "-q")
  writeFileSync(join(root, "README.md"), "a worker with three replicas\n")
  git("add", ".")
  git("commit", "-qm", "first")
  mkdirSync(join(root, "jobs"))
  writeFileSync(join(root, FILE), BAD)
  git("add", ".")
  git("commit", "-qm", "second")
  return { root, base: git("rev-parse", "HEAD~1"), head: git("rev-parse", "HEAD") }
}

async function call(words: readonly string[], cwd: string, env: Terminal["env"]) {
  let out = ""
  let err = ""
  const terminal: Terminal = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readInput: async () => "",
    cwd,
    env,
    outIsTerminal: false,
    errIsTerminal: false,
    columns: 100,
    today: "2026-11-30",
    nowMono: () => 0,
    after: () => () => {},
    random: () => 0.5,
    onStop: () => () => {},
  }
  const status = await run([...words, "--no-cache", "--threads", "1"], terminal)
  return { status, out, err }
}

async function actions() {
  const { root, base, head } = repository()
  const github = await new FakeGithub().start()
  github.files = [{ filename: FILE, patch: PATCH }]
  const event = join(root, ".git/event.json")
  writeFileSync(
    event,
    JSON.stringify({ pull_request: { number: 7, head: { sha: head }, base: { sha: base } } }),
  )
  const env = {
    GITHUB_API_URL: github.origin,
    GITHUB_REPOSITORY: "own/repo",
    GITHUB_EVENT_PATH: event,
    GITHUB_TOKEN,
  }
  return { github, root, env, head }
}

test("a step of GitHub Actions reviews what the pull request changes and posts it", async () => {
  const { github, root, env } = await actions()
  await using _github = github
  // The pull request of the fake has another head than this repository.
  const { status, out, err } = await call(["github", "--head", HEAD], root, env)
  expect(err).toContain("posted: 1 new, 0 resolved")
  expect({ status, faults: github.faults }).toEqual({ status: 1, faults: [] })
  expect(out).toContain("retry-without-jitter")
  expect(github.threads[0]!.body).toContain("`retry-without-jitter`")
  const again = await call(["github", "--head", HEAD], root, env)
  expect(again.err).toContain("posted: 0 new, 0 resolved, 0 reopened; summary unchanged")
})

test("a fork's token prints annotations and the status stays", async () => {
  const { github, root, env } = await actions()
  await using _github = github
  github.instead.push({ status: 403, body: { message: "Resource not accessible by integration" } })
  const { status, out, err } = await call(["github"], root, env)
  expect(status).toBe(1)
  expect(out).toMatch(/^::\w+ file=jobs\/fetch\.py,line=\d+,/)
  expect(err).toContain("not posted")
  expect(out + err).not.toContain(GITHUB_TOKEN)
})

test("a wrong token is told, and is not shown", async () => {
  const { github, root, env } = await actions()
  await using _github = github
  github.instead.push({ status: 401, body: { message: `Bad credentials ${GITHUB_TOKEN}` } })
  const { status, err } = await call(["github"], root, env)
  expect(status).toBe(3)
  expect(err).toContain("Bad credentials ***")
})

test("a job of GitLab CI reviews what the merge request changes", async () => {
  const { root, base, head } = repository()
  const gitlab = await new FakeGitlab().start()
  await using _gitlab = gitlab
  gitlab.diffs = [{ old_path: FILE, new_path: FILE, diff: PATCH, renamed_file: false }]
  const env = {
    CI_API_V4_URL: `${gitlab.origin}/sub/api/v4`,
    CI_PROJECT_ID: "group/name",
    CI_MERGE_REQUEST_IID: "5",
    CI_MERGE_REQUEST_DIFF_BASE_SHA: base,
    CI_COMMIT_SHA: head,
    GITLAB_TOKEN,
  }
  const { status, err } = await call(["gitlab"], root, env)
  expect(err).toContain("posted: 1 new, 0 resolved")
  expect({ status, faults: gitlab.faults }).toEqual({ status: 1, faults: [] })
})

test("an issue is printed, or filed when asked", async () => {
  const { github, root, env } = await actions()
  await using _github = github
  const printed = await call(["issue", `${FILE}:9`], root, {})
  expect(printed.out).toContain("## Where it happens")
  expect(github.requests).toEqual([])
  const filed = await call(["issue", `${FILE}:9`, "--file", "github"], root, env)
  expect(filed).toMatchObject({ status: 0, out: "filed: https://example.test/i/0\n" })
  expect(github.faults).toEqual([])
})

test("what is missing is a mistake of the command line", async () => {
  const { root } = repository()
  expect(await call(["github"], root, {})).toMatchObject({
    status: 2,
    err: expect.stringContaining("--number"),
  })
  const noRange = ["github", "--number", "7", "--repository", "own/repo"]
  expect(await call(noRange, root, { GITHUB_TOKEN: "t" })).toMatchObject({
    status: 2,
    err: expect.stringContaining("--diff"),
  })
  expect(await call(noRange, root, {})).toMatchObject({
    status: 2,
    err: expect.stringContaining("GITHUB_TOKEN"),
  })
  expect(await call(["issue", `${FILE}:1`], root, {})).toMatchObject({
    status: 2,
    err: expect.stringContaining("nothing is found"),
  })
})
