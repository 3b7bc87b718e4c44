import { expect, test } from "vitest"
import { githubRepository, githubTarget } from "./githubTarget.ts"
import { gitlabTarget } from "./gitlabTarget.ts"
import { TargetError } from "./hostError.ts"

const EVENT = JSON.stringify({
  pull_request: { number: 12, head: { sha: "abc" }, base: { sha: "def" } },
})
const ACTIONS = {
  GITHUB_REPOSITORY: "own/re.po",
  GITHUB_EVENT_PATH: "/event.json",
  GITHUB_TOKEN: "t",
}
const CI = {
  CI_API_V4_URL: "https://git.example/api/v4",
  CI_PROJECT_ID: "9",
  CI_MERGE_REQUEST_IID: "3",
  CI_MERGE_REQUEST_DIFF_BASE_SHA: "b",
  CI_COMMIT_SHA: "h",
  GITLAB_TOKEN: "t",
}

test("a step of GitHub Actions needs no options", () => {
  expect(githubTarget({}, ACTIONS, () => EVENT)).toEqual({
    owner: "own",
    repo: "re.po",
    number: 12,
    headSha: "abc",
    range: "def...abc",
    apiUrl: "https://api.github.com",
    graphqlUrl: "https://api.github.com/graphql",
    token: "t",
  })
})

test("every value can be given by option, and no file is read then", () => {
  const options = {
    repository: "a/b",
    number: "4",
    head: "d",
    apiUrl: "https://ghe.example/api/v3",
    token: "o",
  }
  const read = () => {
    throw new Error("read")
  }
  expect(githubTarget(options, ACTIONS, read)).toEqual({
    owner: "a",
    repo: "b",
    number: 4,
    headSha: "d",
    range: null,
    apiUrl: "https://ghe.example/api/v3",
    graphqlUrl: "https://ghe.example/api/graphql",
    token: "o",
  })
})

test.each<[string, () => unknown, RegExp]>([
  ["a push", () => githubTarget({}, ACTIONS, () => "{}"), /--number.*pull_request/],
  [
    "an event that is no JSON",
    () => githubTarget({}, ACTIONS, () => "{"),
    /GITHUB_EVENT_PATH: \/event\.json/,
  ],
  ["no repository", () => githubTarget({ number: "1" }, {}, () => ""), /--repository/],
  [
    "a repository of one word",
    () => githubRepository({ repository: "x", token: "t" }, {}),
    /OWNER\/NAME/,
  ],
  [
    "a repository that climbs",
    () => githubRepository({ repository: "../..", token: "t" }, {}),
    /OWNER\/NAME/,
  ],
  ["no token", () => githubRepository({ repository: "a/b" }, {}), /GITHUB_TOKEN/],
  [
    "a number that is none",
    () => githubTarget({ ...base(), number: "0x1" }, {}, () => ""),
    /--number: 0x1/,
  ],
  [
    "an address that is none",
    () => githubTarget({ ...base(), apiUrl: "file:///x" }, {}, () => ""),
    /--api-url/,
  ],
  [
    "a pipeline of a branch",
    () => gitlabTarget({}, { ...CI, CI_MERGE_REQUEST_IID: undefined }),
    /merge_request_event/,
  ],
  ["no project", () => gitlabTarget({ number: "1" }, {}), /--project/],
  [
    "a project that climbs",
    () => gitlabTarget({ number: "1", project: "..", token: "t" }, {}),
    /GROUP\/NAME/,
  ],
  ["no token of GitLab", () => gitlabTarget({ number: "1", project: "1" }, {}), /GITLAB_TOKEN/],
])("%s is told with what to give", (_what, call, message) => {
  expect(call).toThrow(TargetError)
  expect(call).toThrow(message)
})

test("a job of GitLab CI needs no options; a fork's belongs to the project that it is merged into", () => {
  const target = {
    project: "9",
    iid: 3,
    range: "b...h",
    apiUrl: "https://git.example/api/v4",
    token: "t",
    isJobToken: false,
  }
  expect(gitlabTarget({}, CI)).toEqual(target)
  expect(gitlabTarget({}, { ...CI, CI_MERGE_REQUEST_PROJECT_ID: "8" })).toMatchObject({
    project: "8",
  })
  expect(gitlabTarget({}, { ...CI, GITLAB_TOKEN: undefined, CI_JOB_TOKEN: "j" })).toMatchObject({
    token: "j",
    isJobToken: true,
  })
})

function base() {
  return { repository: "a/b", number: "1", token: "t" }
}
