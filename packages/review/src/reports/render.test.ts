import { readFileSync } from "node:fs"
import { stripVTControlCharacters } from "node:util"
import { Ajv } from "ajv"
import { SaxesParser } from "saxes"
import { expect, test } from "vitest"
import type { Finding, Report } from "../findings/finding.ts"
import { HOSTILE } from "./fixtures/hostile.ts"
import { CARDS, CLEAN, MISSING_DEADLINE, REPORT, RETRY, textOf } from "./fixtures/report.ts"
import { FORMATS, isFormat, render, type Format } from "./render.ts"
import type { RenderOptions } from "./report.ts"

const OPTIONS: RenderOptions = { textOf, rules: CARDS, version: "1.2.3" }
const validSarif = sarifSchema()

test.each(FORMATS)("%s says what the golden file says", async (format) => {
  await expect(render(format, REPORT, OPTIONS)).toMatchFileSnapshot(`fixtures/golden/${format}.txt`)
})

test.each(FORMATS)("%s of a run without findings is whole", async (format) => {
  await expect(render(format, CLEAN)).toMatchFileSnapshot(`fixtures/golden/${format}.clean.txt`)
})

test("pretty colours when asked, and only then", async () => {
  const coloured = render("pretty", REPORT, { ...OPTIONS, colour: true })
  await expect(coloured).toMatchFileSnapshot("fixtures/golden/pretty.colour.txt")
  expect(stripVTControlCharacters(coloured)).toBe(render("pretty", REPORT, OPTIONS))
})

test("without the texts, pretty still says every place", () => {
  const text = render("pretty", REPORT)
  expect(text).toContain("--> pkg/shim/wait.go:9:3")
  expect(text).toContain("5:13 operation retried here")
  expect(text).toContain("::: pkg/shim/options.go:3:7")
})

test("facts about one place stand beside one marker", () => {
  const { path, line, column, endLine, endColumn } = RETRY
  const place = { path, line, column, endLine, endColumn }
  const because = [
    { text: "waits here", place },
    { text: "after this failed", place },
  ]
  const text = render("pretty", reportOf([{ ...RETRY, because }]), OPTIONS)
  expect(text).toContain("^^^^^^^^^^^^^^^^^ waits here; after this failed\n")
  expect(text).not.toMatch(/\| +-/)
})

test("no format tells how long the run took unless it is asked to", () => {
  const slow = { ...REPORT, ms: 98_700 }
  for (const format of FORMATS) expect(render(format, slow)).toBe(render(format, REPORT))
  const timed = (format: Format): string => render(format, slow, { timing: true })
  expect(JSON.parse(timed("json"))).toMatchObject({ ms: 98_700 })
  for (const format of ["pretty", "concise", "statistics", "markdown"] as const)
    expect(timed(format)).toContain("98.7 s")
})

test("json has the fields of version 1 in their order, and ms last", () => {
  const value = JSON.parse(render("json", REPORT)) as { findings: object[] }
  expect(Object.keys(value)).toEqual(["version", "findings", "files", "ms"])
  expect(Object.keys(value.findings[0]!)).toEqual(
    "rule tier severity path line column endLine message because checked fix fingerprint".split(
      " ",
    ),
  )
})

test("jsonl holds the same findings as json, one a line", () => {
  const lines = render("jsonl", REPORT).trimEnd().split("\n")
  const { findings } = JSON.parse(render("json", REPORT)) as { findings: unknown[] }
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual(findings)
})

test("SARIF is valid, and its rules, places and suppressions refer to each other", () => {
  const log = JSON.parse(render("sarif", REPORT, OPTIONS)) as SarifLog
  expect(validSarif(log), JSON.stringify(validSarif.errors)).toBe(true)
  expect(validSarif(JSON.parse(render("sarif", CLEAN)))).toBe(true)
  const { tool, results } = log.runs[0]!
  expect(
    results.map(({ ruleId, ruleIndex }) => tool.driver.rules[ruleIndex]!.id === ruleId),
  ).not.toContain(false)
  expect(tool.driver.rules.map(({ id }) => id)).toContain("hot-loop")
  expect(results.map(({ suppressions }) => suppressions.map(({ kind }) => kind))).toEqual([
    [],
    [],
    ["inSource"],
    ["external"],
  ])
  expect(results[1]!.partialFingerprints).toEqual({ "droverReview/v1": RETRY.fingerprint })
})

test("the schema that SARIF is held to notices a wrong log", () => {
  const log = JSON.parse(render("sarif", REPORT, OPTIONS)) as {
    runs: { results: { level: string }[] }[]
  }
  log.runs[0]!.results[0]!.level = "fatal"
  expect(validSarif(log)).toBe(false)
})

test("an address in SARIF is a URI whatever the path is", () => {
  const path = "a b/ü%#?[x]/\ud800.go"
  const report = reportOf([{ ...MISSING_DEADLINE, path, fix: { text: "" } }])
  const log = JSON.parse(render("sarif", report)) as SarifLog
  expect(validSarif(log), JSON.stringify(validSarif.errors)).toBe(true)
  expect(JSON.stringify(log)).toContain("a%20b/%C3%BC%25%23%3F%5Bx%5D/%EF%BF%BD.go")
})

test("fingerprints of a Code Quality report are never the same", () => {
  const report = reportOf([RETRY, RETRY, MISSING_DEADLINE, RETRY])
  const entries = JSON.parse(render("gitlab", report)) as { fingerprint: string }[]
  expect(new Set(entries.map(({ fingerprint }) => fingerprint)).size).toBe(4)
})

test("JUnit is well-formed and counts its failures", () => {
  const { errors, names } = parseXml(render("junit", REPORT))
  expect(errors).toEqual([])
  expect(names.filter((name) => name === "failure")).toHaveLength(2)
  expect(parseXml(render("junit", CLEAN)).errors).toEqual([])
})

test("nothing in a repository acts on who reads a report", () => {
  const report = reportOf(HOSTILE.map(hostileFinding))
  const texts = (path: string): string => `${path}\n${HOSTILE.join("\n")}\n`
  for (const format of FORMATS) {
    const text = render(format, report, { textOf: texts, rules: CARDS })
    const acting = /[^\P{C}\n\t]|[\u2028\u2029]/u.exec(text.replace(/\p{Co}|\p{Cn}/gu, ""))?.[0]
    expect(acting, `${format} lets ${JSON.stringify(acting)} through`).toBeUndefined()
    if (format === "github") continue
    expect(
      text.split("\n").filter((line) => /^\s*::/.test(line) && !/^ +::: /.test(line)),
      format,
    ).toEqual([])
    if (["pretty", "concise", "markdown", "statistics"].includes(format)) {
      expect(text).not.toMatch(/##(?:\[|vso\[|teamcity\[)/)
    }
  }
  expect(validSarif(JSON.parse(render("sarif", report, { textOf: texts })))).toBe(true)
  expect(parseXml(render("junit", report)).errors).toEqual([])
})

test("a finding is one annotation, whatever its text", () => {
  const lines = render("github", reportOf(HOSTILE.map(hostileFinding)))
    .trimEnd()
    .split("\n")
  expect(lines).toHaveLength(HOSTILE.length)
  for (const line of lines) {
    const parsed = /^::(\w+) ([^:]*)::/.exec(line)
    expect(parsed?.[1]).toBe("error")
    expect(parsed?.[2]?.split(",").map((pair) => pair.split("=")[0])).toEqual(
      "file line endLine col endColumn title".split(" "),
    )
  }
})

test("JSON gives hostile text back as it was", () => {
  const report = reportOf(HOSTILE.map(hostileFinding))
  const { findings } = JSON.parse(render("json", report)) as { findings: { message: string }[] }
  expect(findings.map(({ message }) => message)).toEqual(HOSTILE)
})

test("Markdown of hostile text makes no link, image, mention, HTML or hidden mark", () => {
  const text = render("markdown", reportOf(HOSTILE.map(hostileFinding)), {
    textOf: () => HOSTILE.join("\n"),
  })
  const outside = withoutFences(text).map(withoutCode).join("\n").replaceAll("<!-- -->", "•")
  expect(outside).not.toMatch(/<(?!https:\/\/aws)|@\w|!\[|\]\(|(?<!<)https:\/\//)
  expect(outside).not.toContain("<!--")
})

test("a word that is no format is told apart", () => {
  expect(isFormat("sarif")).toBe(true)
  expect(isFormat("toString")).toBe(false)
  expect(isFormat("xml")).toBe(false)
})

test("two renderings are the same bytes", () => {
  const once = (format: Format): string => render(format, structuredClone(REPORT), OPTIONS)
  for (const format of FORMATS) expect(once(format)).toBe(once(format))
})

/** The lines of a Markdown text that stand in no fenced block. */
function withoutFences(text: string): string[] {
  let fence: string | null = null
  return text.split("\n").filter((line) => {
    const run = /^`{3,}/.exec(line)?.[0]
    if (fence !== null) {
      if (run !== undefined && run.length >= fence.length && line === run) fence = null
      return false
    }
    fence = run ?? null
    return fence === null
  })
}

/** A line without its spans of code and its escaped characters, by CommonMark's rule: a run ends at an equal run. */
function withoutCode(line: string): string {
  let out = ""
  for (let at = 0; at < line.length;) {
    const run = /^`+/.exec(line.slice(at))?.[0].length ?? 0
    const end = [...line.matchAll(/`+/g)].find(
      ({ index, 0: found }) => index >= at + run && found.length === run,
    )
    if (line[at] === "\\") at += 2
    else if (run > 0 && end !== undefined) at = end.index + run
    else out += line.slice(at, (at += Math.max(run, 1)))
  }
  return out
}

interface SarifLog {
  runs: {
    tool: { driver: { rules: { id: string }[] } }
    results: {
      ruleId: string
      ruleIndex: number
      suppressions: { kind: string }[]
      partialFingerprints: object
    }[]
  }[]
}

function hostileFinding(text: string): Finding {
  const place = { path: `b/${text}`, line: 1, column: 1, endLine: 1, endColumn: 3 }
  const because = [{ text, place }, { text }]
  const fix = { text, edits: [{ path: text, start: 0, end: 1, text }] }
  return {
    ...RETRY,
    path: text,
    line: 2,
    column: 1,
    endLine: 2,
    endColumn: 3,
    message: text,
    because,
    checked: [text],
    fix,
    symbol: text,
    rule: text,
  }
}

function reportOf(findings: readonly Finding[]): Report {
  return { ...CLEAN, findings }
}

function sarifSchema() {
  const path = new URL("fixtures/sarif-2.1.0-rtm.5.json", import.meta.url)
  const {
    $schema: _draft,
    id: _id,
    ...schema
  } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>
  const uri = (text: string): boolean => URL.canParse(text) && /^[\x21-\x7e]+$/.test(text)
  const reference = (text: string): boolean =>
    URL.canParse(text, "file:///") && /^[\x21-\x7e]*$/.test(text)
  const formats = { uri, "uri-reference": reference, "date-time": true as const }
  return new Ajv({ strict: false, allErrors: true, unicodeRegExp: false, formats }).compile(schema)
}

function parseXml(text: string): { errors: string[]; names: string[] } {
  const errors: string[] = []
  const names: string[] = []
  const parser = new SaxesParser()
  parser.on("error", (error) => errors.push(error.message))
  parser.on("opentag", (tag) => names.push(tag.name))
  parser.write(text).close()
  return { errors, names }
}
