/** The tools that review: a change of the repository, or a piece of code that is not in it yet. */
import { SEVERITIES, TIERS } from "../config/config.ts"
import { hint } from "../config/nearest.ts"
import { changesBetween, diffChanges, stagedChanges, type Changes } from "../files/changes.ts"
import type { Severity, Tier } from "../findings/finding.ts"
import { workTree } from "../files/workTree.ts"
import { kindOf } from "../frontends/parse.ts"
import { alone, overlaid } from "../session/overlay.ts"
import { knownRules, runSession, type Session } from "../session/session.ts"
import type { ArgumentSchema, Arguments } from "./arguments.ts"
import { findingJson, findingsSchema, noticeText } from "./findingJson.ts"
import { ToolError, type Tool, type ToolCall } from "./tool.ts"

const DEFAULT_MAX_FINDINGS = 50

const shared: Readonly<Record<string, ArgumentSchema>> = {
  tier: {
    type: "string",
    enum: TIERS,
    description: "The least certain tier that is told; default likely",
  },
  severity: { type: "string", enum: SEVERITIES, description: "The least severity that is told" },
  rules: {
    type: "array",
    items: { type: "string" },
    maxItems: 100,
    description: "Only these rules",
  },
  maxFindings: {
    type: "integer",
    minimum: 1,
    maximum: 500,
    description: "Most findings that are told; default 50",
  },
}

export const reviewDiff: Tool = {
  name: "review_diff",
  title: "Review a change",
  description:
    "Finds distributed-coordination mistakes (locks, retries, timeouts, idempotency, races) that a change brings in. Without arguments it reviews the uncommitted work; evidence comes from the whole repository.",
  inputSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      range: {
        type: "string",
        maxLength: 500,
        description: "Commits, as BASE..HEAD or BASE...HEAD, or BASE alone for the files on disk",
      },
      staged: { type: "boolean", description: "Only what git add has taken" },
      diff: {
        type: "string",
        maxLength: 20_000_000,
        description: "A unified diff whose result is what lies on disk",
      },
      ...shared,
    },
  },
  outputSchema: findingsSchema,
  async run(call) {
    const session = await sessionOf(call, await changesOf(call), undefined)
    return resultOf(session, call.arguments)
  },
}

async function changesOf({ arguments: given, world, signal }: ToolCall): Promise<Changes> {
  const { range, staged, diff } = given
  const ways = [range !== undefined, staged === true, diff !== undefined].filter(Boolean)
  if (ways.length > 1) throw new ToolError('give one of "range", "staged" and "diff"')
  if (typeof diff === "string") return diffChanges(world.root, diff)
  if (staged === true) return stagedChanges(world.root, undefined, signal)
  return changesBetween(world.root, typeof range === "string" ? range : "HEAD", signal)
}

export const checkSnippet: Tool = {
  name: "check_snippet",
  title: "Check a piece of code",
  description:
    "Finds distributed-coordination mistakes in code that is not written to disk yet. The path says the language and where the code will stand, so that helpers of the repository count as evidence.",
  inputSchema: {
    type: "object",
    additionalProperties: false,
    required: ["code", "path"],
    properties: {
      code: { type: "string", maxLength: 1_000_000, description: "The whole text of the file" },
      path: {
        type: "string",
        maxLength: 1_000,
        description: "Where it will stand, relative to the repository, such as src/queue.ts",
      },
      alone: { type: "boolean", description: "Without the repository around it" },
      ...shared,
    },
  },
  outputSchema: findingsSchema,
  async run(call) {
    const { code, path: given, alone: isAlone } = call.arguments
    const path = snippetPath(given as string)
    const texts = new Map([[path, code as string]])
    const changes = isAlone === true ? alone(texts) : overlaid(workTree(call.world.root), texts)
    return resultOf(await sessionOf(call, changes, [path]), call.arguments)
  },
}

function snippetPath(given: string): string {
  const path = given.replaceAll("\\", "/").replace(/^\.\//, "")
  const parts = path.split("/")
  if (parts.some((part) => part === "" || part === "." || part === "..") || path.includes("\0")) {
    throw new ToolError(`"path" ${JSON.stringify(given)} is not a path below the repository's root`)
  }
  if (!kindOf(path)) {
    throw new ToolError(
      `"path" ${JSON.stringify(given)} has no known extension: .go, .py, .ts, .tsx, .js, .java, .kt`,
    )
  }
  return path
}

function sessionOf(
  call: ToolCall,
  changes: Changes,
  paths: readonly string[] | undefined,
): Promise<Session> {
  const { arguments: given, world, signal } = call
  const only = (given["rules"] as string[] | undefined) ?? null
  const unknown = only?.find((name) => !knownRules.has(name))
  if (unknown !== undefined) {
    throw new ToolError(`"rules": there is no rule "${unknown}"; ${hint(unknown, [...knownRules])}`)
  }
  return runSession({
    root: world.root,
    changes,
    paths,
    only,
    today: world.today(),
    tier: given["tier"] as Tier | undefined,
    severity: given["severity"] as Severity | undefined,
    threads: world.threads,
    cacheDir: world.cacheDir,
    signal,
    onProgress: ({ step, done, total }) => call.progress(done, total, step),
  })
}

function resultOf({ report }: Session, given: Arguments): object {
  const most = (given["maxFindings"] as number | undefined) ?? DEFAULT_MAX_FINDINGS
  return {
    findings: report.findings.slice(0, most).map(findingJson),
    total: report.findings.length,
    files: report.files,
    notices: report.notices.map(noticeText),
  }
}
