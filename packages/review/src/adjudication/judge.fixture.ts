/** One finding, the code around it, and a run of adjudication against a fake model. */
import { findingWith, reportOf } from "../config/finding.fixture.ts"
import type { Finding, Report } from "../findings/finding.ts"
import { adjudicate, type AdjudicateOptions } from "./adjudicate.ts"
import { defaultLimits } from "./budget.ts"
import { noCache } from "./cache.ts"
import {
  startFakeModel,
  testWorld,
  type FakeModel,
  type Script,
  type Seen,
} from "./fakeModel.fixture.ts"

export const CODE = `export async function save(db) {
  const row = await db.find(1)
  row.count += 1
  await db.write(row)
}
`
export const QUOTE = "await db.write(row)"
export const finding = findingWith({ line: 4, endLine: 4, column: 3, path: "src/save.ts" })

export const answer = (verdict: string, quotes: readonly string[] = [QUOTE]): string =>
  JSON.stringify({ verdict, reasons: ["it writes what it read"], quotes })
export const says =
  (text: string): Script =>
  (reply) =>
    reply(text)
export const status =
  (code: number, headers: Record<string, string> = {}): Script =>
  (_, response) => {
    response.writeHead(code, headers).end("{}")
  }

export const optionsFor = (
  model: FakeModel,
  parts: Partial<AdjudicateOptions> = {},
): AdjudicateOptions => ({
  settings: { provider: "openai", model: "m-1", baseUrl: model.url, key: "k-secret" },
  limits: defaultLimits,
  cache: noCache,
  world: testWorld(),
  rules: [],
  textOf: (path) => (path === "src/save.ts" ? CODE : null),
  severity: "info",
  ...parts,
})

export const judge = async (
  scripts: readonly Script[],
  parts: Partial<AdjudicateOptions> = {},
  findings: readonly Finding[] = [finding],
): Promise<{
  readonly report: Report
  readonly seen: readonly Seen[]
  readonly first: Finding
}> => {
  await using model = await startFakeModel(...scripts)
  const report = await adjudicate(reportOf(...findings), optionsFor(model, parts))
  return { report, seen: model.seen, first: report.findings[0]! }
}
