import { describe, expect, test } from "vitest"
import type { Report } from "../findings/finding.ts"
import { applyConfig, hideBelow, type ApplyOptions } from "./applyConfig.ts"
import { defaultConfig, type Config } from "./config.ts"
import { findingWith, reportOf } from "./finding.fixture.ts"
import { readIgnores } from "./ignores.ts"
import { settingsOf } from "./settings.ts"

const apply = (
  report: Report,
  options: Partial<ApplyOptions> & { config?: Partial<Config>; text?: string } = {},
): Report =>
  applyConfig(report, {
    settings: settingsOf({ ...defaultConfig, ...options.config }),
    ignores: new Map([["a.ts", readIgnores(options.text ?? "", null)]]),
    baseline: null,
    today: "2026-06-15",
    knownRules: ["lost-update", "hot-loop"],
    isComplete: true,
    ...options,
  })

const baselineWith = (expires?: string) => ({
  file: ".drover-baseline.json",
  entries: [
    {
      fingerprint: "0123456789abcdef",
      rule: "lost-update",
      path: "a.ts",
      reason: "next quarter",
      line: 4,
      ...(expires !== undefined && { expires }),
    },
  ],
})

describe("levels", () => {
  test("a rule that is off says nothing", () => {
    const config = { rules: { "lost-update": { level: "off" } } } as const
    expect(apply(reportOf(findingWith()), { config }).findings).toEqual([])
  })

  test("a level is the severity of all that the rule says", () => {
    const config = { rules: { "lost-update": { level: "high" } } } as const
    expect(apply(reportOf(findingWith()), { config }).findings[0]?.severity).toBe("high")
  })

  test("the last override of a path wins", () => {
    const config: Partial<Config> = {
      rules: { "lost-update": { level: "high" } },
      overrides: [
        { paths: ["*.ts"], rules: { "lost-update": { level: "low" } } },
        { paths: ["b/**"], rules: { "lost-update": { level: "off" } } },
        { paths: ["a.ts"], rules: { "lost-update": { level: "info" } } },
      ],
    }
    const { findings } = apply(
      reportOf(findingWith(), findingWith({ path: "b/x.ts" }), findingWith({ path: "c.go" })),
      { config },
    )
    expect(findings.map(({ path, severity }) => [path, severity])).toEqual([
      ["a.ts", "info"],
      ["c.go", "high"],
    ])
  })
})

describe("ignore comments", () => {
  test("hold back what begins on the line that they mean, with the reason", () => {
    const report = reportOf(
      findingWith({ line: 2, endLine: 2 }),
      findingWith({ line: 3, endLine: 3 }),
    )
    const done = apply(report, {
      text: "// drover-ignore[lost-update]: one writer\nsave()\nsave()",
    })
    expect(done.findings.map(({ line }) => line)).toEqual([3])
    expect(done.suppressed).toEqual([
      { finding: report.findings[0], by: "comment", reason: "one writer" },
    ])
    expect(done.notices).toEqual([])
  })

  test("behind the last line of a statement they mean it too", () => {
    const report = reportOf(findingWith({ line: 1, endLine: 3 }))
    const text = "save(\n  a,\n) // drover-ignore[lost-update]: r"
    expect(apply(report, { text }).findings).toEqual([])
    // Above something else that ends there, they do not.
    const above = "save(\n// drover-ignore[lost-update]: r\n  a)"
    expect(apply(report, { text: above }).findings).toHaveLength(1)
  })

  test("for a file they mean all of it, and only their rule", () => {
    const report = reportOf(findingWith({ line: 9 }), findingWith({ line: 9, rule: "hot-loop" }))
    const { findings } = apply(report, { text: "# drover-ignore-file[lost-update]: r" })
    expect(findings.map(({ rule }) => rule)).toEqual(["hot-loop"])
  })

  test.each([
    ["// drover-ignore[lost-update]", "ignore-without-reason"],
    ["// drover-ignore: all", "ignore-without-rule"],
    ["// drover-ignore[lost-updat]: r", "ignore-unknown-rule"],
    ["// drover-ignore[hot-loop]: r", "ignore-unused"],
  ])("%s holds nothing back and is told", (comment, code) => {
    const done = apply(reportOf(findingWith()), { text: `save() ${comment}` })
    expect(done.findings).toHaveLength(1)
    expect(done.notices).toEqual([expect.objectContaining({ code, path: "a.ts", line: 1 })])
  })

  test("whether one is unused is not said where its rule was not asked", () => {
    const text = "save() // drover-ignore[hot-loop]: r"
    expect(apply(reportOf(), { text, isComplete: false }).notices).toEqual([])
    expect(apply(reportOf(), { text, ranRules: new Set(["lost-update"]) }).notices).toEqual([])
    const config = { rules: { "hot-loop": { level: "off" } } } as const
    expect(apply(reportOf(), { text, config }).notices).toEqual([])
  })
})

describe("the baseline", () => {
  test("holds back what it has, until the day it expires", () => {
    const report = reportOf(findingWith())
    expect(apply(report, { baseline: baselineWith() })).toMatchObject({
      findings: [],
      suppressed: [{ by: "baseline", reason: "next quarter" }],
      notices: [],
    })
    expect(apply(report, { baseline: baselineWith("2026-06-15") }).findings).toEqual([])
    const late = apply(report, { baseline: baselineWith("2026-06-14") })
    expect(late.findings).toHaveLength(1)
    expect(late.notices).toEqual([
      expect.objectContaining({ code: "baseline-expired", path: ".drover-baseline.json", line: 4 }),
    ])
  })

  test("an entry without a finding is told, but not after a look at a part", () => {
    expect(apply(reportOf(), { baseline: baselineWith() }).notices).toEqual([
      expect.objectContaining({ code: "baseline-stale" }),
    ])
    expect(apply(reportOf(), { baseline: baselineWith(), isComplete: false }).notices).toEqual([])
  })
})

describe("what is shown", () => {
  test("is at least as certain and as grave as asked, or confirmed by a model", () => {
    const report = reportOf(
      findingWith({ tier: "certain" }),
      findingWith({ tier: "context" }),
      findingWith({ tier: "context", adjudication: { verdict: "confirm", reasons: [] } }),
      findingWith({ severity: "info" }),
    )
    expect(hideBelow(report, "likely", "low").findings).toEqual([
      report.findings[0],
      report.findings[2],
    ])
    expect(hideBelow(report, "context", "info").findings).toHaveLength(4)
    expect(hideBelow(report, "certain", "high").findings).toEqual([])
  })
})
