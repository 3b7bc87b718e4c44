import { join } from "node:path"
import { expect, test } from "vitest"
import { programOf } from "../../packages/review/src/analysis/program/programOf.ts"
import type { Language } from "../../packages/review/src/ir/nodes.ts"
import { applyRule } from "../../packages/review/src/rules/applyRule.ts"
import { rules } from "../../packages/review/src/rules/rules.ts"
import { pagesOf, rulePage } from "./pages.ts"
import { readSaid, saidIn } from "./said.ts"

const EXTENSIONS: Readonly<Record<Language, string>> = {
  go: "go",
  python: "py",
  javascript: "js",
  typescript: "ts",
  java: "java",
  kotlin: "kt",
  sql: "sql",
}

const SOURCES = join(import.meta.dirname, "../../packages/review/src/rules")
const said = { tiers: ["likely"], severities: ["high", "low"] }

test("a page has every part of what a rule says", () => {
  for (const rule of rules) {
    const page = rulePage(rule, said)
    expect(page).toContain(rule.id)
    expect(page).toContain(rule.docs.reference)
    const codes = page.split("\n```\n").length - 1
    const languages = new Set(
      rule.languages.map((one) => (one === "javascript" ? "typescript" : one)),
    )
    expect(codes, rule.id).toBe(2 * languages.size)
    const { silent, reach } = rule.docs
    const sentences = silent.length + reach.sees.length + reach.misses.length
    expect(page.split("\n## Examples\n")[0]!.match(/^- /gm)?.length, rule.id).toBe(sentences)
  }
})

test("there is a page for each rule, and an index that leads to it", () => {
  const pages = pagesOf(rules, () => said)
  expect(pages.size).toBe(rules.length + 1)
  for (const { id } of rules) expect(pages.get("README.md")).toContain(`(${id}.md)`)
})

test.each(rules.map(({ id }) => id))(
  "%s says in its source how sure and how grave it can be",
  (id) => {
    const name = id.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
    const { tiers, severities } = readSaid(join(SOURCES, `${name}.ts`))
    expect(tiers.length).toBeGreaterThan(0)
    expect(severities.length).toBeGreaterThan(0)
  },
)

test(
  "no rule speaks about the example that its page calls silent",
  { timeout: 60_000 },
  async () => {
    const spoken: string[] = []
    for (const rule of rules) {
      for (const [language, example] of Object.entries(rule.docs.examples)) {
        const path = `${rule.scope === "tests" ? "src/test/" : ""}Example.${EXTENSIONS[language as Language]}`
        const program = await programOf([{ path, text: example.good }], { isFleet: true })
        const file = program.file(path)!
        const drafts = applyRule(rule, file, program).filter(({ tier }) => tier !== "context")
        if (drafts.length > 0) spoken.push(`${rule.id} in ${language}`)
      }
    }
    expect(spoken).toEqual([])
  },
)

test("what a condition compares with is no tier", () => {
  const text = `
const draft = { tier: name === "context" ? "likely" : (isProven ? "certain" : fallback), severity: "high" }
function severityOf(x: number): Severity { if (x > 1) return "low"; return names.has("info") ? "medium" : "low" }
const level = "info"
function draftOf(tier: "certain" | "likely") {}
`
  expect(saidIn(text)).toEqual({
    tiers: ["certain", "likely"],
    severities: ["high", "medium", "low"],
  })
})

test("what a rule says is text, and no Markdown of its own", () => {
  const [rule] = rules
  const page = rulePage(
    { ...rule!, docs: { ...rule!.docs, what: "a <b> of `List<T>` and snake_case_name" } },
    said,
  )
  expect(page).toContain(String.raw`a \<b\> of ` + "`List<T>`" + String.raw` and snake\_case\_name`)
})
