/**
 * SARIF 2.1.0, for code scanning. Rules come in the order of their names, so that `ruleIndex` is the same in every run;
 * what an ignore or the baseline holds back is a suppressed result, which hosts close instead of forgetting.
 * Source: OASIS, SARIF 2.1.0; GitHub, SARIF support for code scanning.
 */
import type { Edit, Fact, Finding, Place, Report, Severity } from "../findings/finding.ts"
import { Lines } from "../findings/place.ts"
import { SEVERITIES, type RenderOptions } from "./report.ts"
import { sarifRule } from "./sarifRule.ts"
import { safeJson } from "./visible.ts"

/** The name under which hosts keep our fingerprint; the number changes only if its form does. */
const FINGERPRINT_KEY = "droverReview/v1"

const LEVELS: Readonly<Record<Severity, "error" | "warning" | "note">> = {
  high: "error",
  medium: "warning",
  low: "note",
  info: "note",
}

export function sarif(report: Report, options: RenderOptions): string {
  const held = new Map(report.suppressed.map((entry) => [entry.finding, entry]))
  const all = [...report.findings, ...held.keys()]
  const ids = [
    ...new Set([...(options.rules ?? []).map(({ id }) => id), ...all.map(({ rule }) => rule)]),
  ].sort()
  const cards = new Map((options.rules ?? []).map((card) => [card.id, card]))
  const rules = ids.map((id) => sarifRule(id, cards.get(id), worstLevel(all, id)))
  const results = all.map((finding) => {
    const entry = held.get(finding)
    const suppressions =
      entry === undefined
        ? []
        : [{ kind: entry.by === "comment" ? "inSource" : "external", justification: entry.reason }]
    return { ...result(finding, ids.indexOf(finding.rule), options), suppressions }
  })
  const driver = {
    name: "drover-review",
    ...(options.version === undefined
      ? {}
      : { version: options.version, semanticVersion: options.version }),
    rules,
  }
  const log = {
    $schema:
      "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver },
        invocations: [invocation(report)],
        columnKind: "utf16CodeUnits",
        results,
      },
    ],
  }
  return `${safeJson(log, 2)}\n`
}

function worstLevel(findings: readonly Finding[], rule: string): "error" | "warning" | "note" {
  const severities = new Set(
    findings.filter((finding) => finding.rule === rule).map(({ severity }) => severity),
  )
  return LEVELS[SEVERITIES.find((severity) => severities.has(severity)) ?? "medium"]
}

function result(finding: Finding, ruleIndex: number, options: RenderOptions): object {
  const placed = finding.because.filter((fact) => fact.place !== undefined)
  const related = placed.map((fact, id) => location(fact.place!, { id: id + 1, text: fact.text }))
  return {
    ruleId: finding.rule,
    ruleIndex,
    level: LEVELS[finding.severity],
    message: { text: messageOf(finding) },
    locations: [{ ...location(finding), ...logical(finding) }],
    relatedLocations: related,
    ...(placed.length === 0 ? {} : { codeFlows: [codeFlow(finding, placed)] }),
    partialFingerprints: { [FINGERPRINT_KEY]: finding.fingerprint },
    ...fixes(finding, options),
    properties: { tier: finding.tier, severity: finding.severity, checked: finding.checked },
  }
}

/** Links of a SARIF message are written `[text](id)`, so brackets of ours are escaped. */
function messageOf(finding: Finding): string {
  const unplaced = finding.because
    .filter((fact) => fact.place === undefined)
    .map((fact) => fact.text)
  const looked = finding.checked.length === 0 ? [] : [`Looked for: ${finding.checked.join("; ")}.`]
  const text = [finding.message, ...unplaced, ...looked, `Fix: ${finding.fix.text}`].join("\n")
  return text.replace(/[\\[\]]/g, "\\$&")
}

function location(place: Place, said?: { readonly id: number; readonly text: string }): object {
  return {
    ...(said === undefined ? {} : { id: said.id }),
    physicalLocation: { artifactLocation: artifact(place.path), region: region(place) },
    ...(said === undefined ? {} : { message: { text: said.text.replace(/[\\[\]]/g, "\\$&") } }),
  }
}

function logical(finding: Finding): object {
  return finding.symbol === ""
    ? {}
    : { logicalLocations: [{ name: finding.symbol, kind: "function" }] }
}

function codeFlow(finding: Finding, placed: readonly Fact[]): object {
  const steps = placed.map((fact, i) => location(fact.place!, { id: i + 1, text: fact.text }))
  const end = location(finding, { id: placed.length + 1, text: finding.message })
  return { threadFlows: [{ locations: [...steps, end].map((step) => ({ location: step })) }] }
}

/** A path as the reference of a URI: each part encoded, relative to the root of the repository. */
function artifact(path: string): object {
  return {
    uri: path.toWellFormed().split("/").map(encodeURIComponent).join("/"),
    uriBaseId: "%SRCROOT%",
  }
}

function region({ line, column, endLine, endColumn }: Place): object {
  return { startLine: line, startColumn: column, endLine, endColumn }
}

function fixes(finding: Finding, options: RenderOptions): object {
  const { edits, text } = finding.fix
  if (edits === undefined || edits.length === 0) return {}
  const byPath = new Map<string, Edit[]>()
  for (const edit of edits) byPath.set(edit.path, [...(byPath.get(edit.path) ?? []), edit])
  const changes: object[] = []
  for (const [path, list] of byPath) {
    const source = options.textOf?.(path) ?? null
    // A region without lines is not shown by every reader; half of a fix must not be offered either.
    if (source === null) return {}
    const lines = new Lines(source)
    changes.push({
      artifactLocation: artifact(path),
      replacements: list.map((edit) => replacement(edit, lines)),
    })
  }
  return { fixes: [{ description: { text }, artifactChanges: changes }] }
}

function replacement(edit: Edit, lines: Lines): object {
  const start = lines.positionOf(edit.start)
  const end = lines.positionOf(edit.end)
  const deleted = {
    startLine: start.line,
    startColumn: start.column,
    endLine: end.line,
    endColumn: end.column,
  }
  return { deletedRegion: deleted, insertedContent: { text: edit.text } }
}

function invocation(report: Report): object {
  const notices = report.notices.map((notice) => ({
    descriptor: { id: notice.code },
    level: "note",
    message: { text: notice.message.replace(/[\\[\]]/g, "\\$&") },
    ...(notice.path === undefined ? {} : { locations: [noticeLocation(notice.path, notice.line)] }),
  }))
  return { executionSuccessful: true, toolExecutionNotifications: notices }
}

function noticeLocation(path: string, line: number | undefined): object {
  const at = line === undefined ? {} : { region: { startLine: line } }
  return { physicalLocation: { artifactLocation: artifact(path), ...at } }
}
