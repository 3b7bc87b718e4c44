/** The tools that explain: the rules, and a place of the repository. */
import { hint } from "../config/nearest.ts"
import { pathInRoot } from "../files/workTree.ts"
import type { Language } from "../ir/nodes.ts"
import { rules } from "../rules/rules.ts"
import type { Rule } from "../rules/rule.ts"
import { runSession } from "../session/session.ts"
import { whyText } from "../session/why.ts"
import { findingJson, findingsSchema } from "./findingJson.ts"
import { ToolError, type Tool } from "./tool.ts"

const LANGUAGES: readonly Language[] = [
  "go",
  "python",
  "typescript",
  "javascript",
  "java",
  "kotlin",
  "sql",
]

const ruleSchema = {
  type: "object",
  properties: {
    id: { type: "string" },
    title: { type: "string" },
    languages: { type: "array", items: { type: "string" } },
    what: { type: "string" },
  },
  required: ["id", "title", "languages", "what"],
} as const

export const listRules: Tool = {
  name: "list_rules",
  title: "List the rules",
  description: "Lists what the reviewer looks for, one entry for each rule.",
  inputSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      language: {
        type: "string",
        enum: LANGUAGES,
        description: "Only rules that speak this language",
      },
    },
  },
  outputSchema: {
    type: "object",
    properties: { rules: { type: "array", items: ruleSchema } },
    required: ["rules"],
  },
  run({ arguments: { language } }) {
    const spoken = rules.filter(
      ({ languages }) => language === undefined || languages.includes(language as Language),
    )
    const list = spoken.map(({ id, title, languages, docs }) => ({
      id,
      title,
      languages,
      what: docs.what,
    }))
    return Promise.resolve({ rules: list })
  },
}

export const explainFinding: Tool = {
  name: "explain_finding",
  title: "Explain a finding or a rule",
  description:
    "With a rule: what it looks for, why, when it is silent, and examples. With a path and a line: what is found there and what became of it, and why the other rules are silent.",
  inputSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      rule: { type: "string", maxLength: 100, description: "The name of a rule" },
      path: { type: "string", maxLength: 1_000, description: "A file of the repository" },
      line: {
        type: "integer",
        minimum: 1,
        maximum: 10_000_000,
        description: "With path: a line, from 1",
      },
    },
  },
  outputSchema: {
    type: "object",
    properties: {
      rule: { type: "object" },
      findings: findingsSchema.properties.findings,
      explanation: { type: "string" },
    },
  },
  async run({ arguments: given, world, signal }) {
    const rule = given["rule"] === undefined ? undefined : ruleNamed(given["rule"] as string)
    const told = rule === undefined ? {} : { rule: ruleJson(rule) }
    const { path, line } = given as { path?: string; line?: number }
    if (path === undefined && line === undefined) {
      if (rule === undefined) throw new ToolError('give "rule", or "path" and "line"')
      return told
    }
    if (path === undefined || line === undefined)
      throw new ToolError('"path" and "line" belong together')
    const inside = pathInRoot(world.root, path)
    const { threads, cacheDir, root } = world
    const session = await runSession({
      root,
      paths: [inside],
      today: world.today(),
      threads,
      cacheDir,
      signal,
    })
    const only = rule === undefined ? null : [rule.id]
    const explanation = whyText(session, inside, line, { colour: false, only })
    const here = session.all.findings.filter(
      (finding) => finding.line <= line && line <= finding.endLine,
    )
    return { ...told, findings: here.map(findingJson), explanation }
  },
}

function ruleNamed(name: string): Rule {
  const rule = rules.find(({ id }) => id === name)
  const names = rules.map(({ id }) => id)
  if (!rule) throw new ToolError(`"rule": there is no rule "${name}"; ${hint(name, names)}`)
  return rule
}

function ruleJson({ id, title, languages, scope, docs }: Rule): object {
  return { id, title, languages, scope, ...docs }
}
