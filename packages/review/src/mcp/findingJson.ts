/** Findings as agents read them: small, with the evidence and the fix. */
import type { Finding, Notice, Place } from "../findings/finding.ts"

const place = {
  type: "object",
  properties: { path: { type: "string" }, line: { type: "integer" } },
} as const

const findingSchema = {
  type: "object",
  properties: {
    rule: { type: "string" },
    tier: { enum: ["certain", "likely", "context"] },
    severity: { enum: ["high", "medium", "low", "info"] },
    path: { type: "string" },
    line: { type: "integer" },
    endLine: { type: "integer" },
    symbol: { type: "string" },
    message: { type: "string" },
    because: {
      type: "array",
      items: { type: "object", properties: { text: { type: "string" }, at: place } },
    },
    checked: { type: "array", items: { type: "string" } },
    fix: {
      type: "object",
      properties: {
        text: { type: "string" },
        safety: { enum: ["safe", "unsafe"] },
        edits: { type: "array" },
      },
    },
    reference: { type: "string" },
    fingerprint: { type: "string" },
  },
  required: ["rule", "tier", "severity", "path", "line", "message", "fix", "fingerprint"],
} as const

/** The schema of what the tools that review give back. */
export const findingsSchema = {
  type: "object",
  properties: {
    findings: { type: "array", items: findingSchema },
    total: { type: "integer", description: "How many there are; findings may have fewer" },
    files: { type: "integer", description: "Source files that were reviewed" },
    notices: { type: "array", items: { type: "string" } },
  },
  required: ["findings", "total", "files", "notices"],
} as const

/** A finding without what an agent has no use for. */
export function findingJson(finding: Finding): object {
  const {
    rule,
    tier,
    severity,
    path,
    line,
    endLine,
    symbol,
    message,
    checked,
    fix,
    reference,
    fingerprint,
  } = finding
  const because = finding.because.map(({ text, place: at }) =>
    at ? { text, at: placeJson(at) } : { text },
  )
  return {
    rule,
    tier,
    severity,
    path,
    line,
    endLine,
    symbol,
    message,
    because,
    checked,
    fix,
    reference,
    fingerprint,
  }
}

function placeJson({ path, line }: Place): object {
  return { path, line }
}

/** A notice in a line. */
export function noticeText({ path, line, message, code }: Notice): string {
  const at = path === undefined ? "" : `${path}${line === undefined ? "" : `:${line}`}: `
  return `${at}${message} [${code}]`
}
