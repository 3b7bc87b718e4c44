import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { parse } from "yaml"

const read = (name: string): string =>
  readFileSync(new URL(`../../${name}`, import.meta.url), "utf8")

test("no input of the action becomes a part of its script", () => {
  const action = parse(read("action.yml")) as {
    inputs: Record<string, { description: string }>
    runs: { using: string; steps: { run?: string; shell?: string; env?: Record<string, string> }[] }
  }
  const scripts = action.runs.steps.filter((step) => step.run !== undefined)
  expect(action.runs.using).toBe("composite")
  expect(scripts).toHaveLength(1)
  for (const { run, shell, env } of scripts) {
    expect(run).not.toContain("${{")
    expect(shell).toBe("bash")
    const given = Object.values(env ?? {}).map((value) => /inputs\.([\w-]+)/.exec(value)?.[1])
    expect(new Set(given)).toEqual(new Set(Object.keys(action.inputs)))
  }
})

test.each([
  ["1.2.3", true],
  ["1.2.3-beta.1", true],
  ["", false],
  ["latest", false],
  ["^1.2.3", false],
  ["1", false],
  ["1.2.3 --registry=http://evil.example", false],
  ["latest\n1.2.3", false],
])("version %j: the scripts go on %j", (version, goesOn) => {
  const action = parse(read("action.yml")) as { runs: { steps: { run?: string }[] } }
  const include = parse(read("gitlab-ci.yml")) as { "drover-review": { script: string[] } }
  const [whole] = action.runs.steps.flatMap(({ run }) => run ?? [])
  // What stands before anything is installed.
  const scripts = [whole!.slice(0, whole!.indexOf("args=")), include["drover-review"].script[0]!]
  for (const script of scripts) {
    const env = { ...process.env, REVIEW_VERSION: version, DROVER_REVIEW_VERSION: version }
    const { status } = spawnSync("bash", ["-c", script], { env })
    expect(status === 0).toBe(goesOn)
  }
})

test("the include runs for merge requests, with all commits, and keeps its report when it fails", () => {
  const file = parse(read("gitlab-ci.yml")) as {
    "drover-review": { rules: unknown; variables: object; script: string[]; artifacts: object }
  }
  const { rules, variables, script, artifacts } = file["drover-review"]
  expect(rules).toEqual([{ if: '$CI_PIPELINE_SOURCE == "merge_request_event"' }])
  expect(variables).toMatchObject({ GIT_DEPTH: 0 })
  expect(artifacts).toMatchObject({
    when: "always",
    reports: { codequality: "gl-code-quality-report.json" },
  })
  expect(script.at(-1)).toContain("--output gitlab=gl-code-quality-report.json")
})
