/**
 * Asks a language model about findings. It is off unless a person asks for it, and its answer can do two things only:
 * confirm a finding, or move one that is not certain down a tier. It never makes a finding and never removes one, so
 * nothing that is written in the code can do so through it.
 */
import { isSeverityAtLeast, SEVERITIES } from "../config/config.ts"
import type { Finding, Notice, Report, Severity, Tier } from "../findings/finding.ts"
import type { Rule } from "../rules/rule.ts"
import { Budget } from "./budget.ts"
import { cacheKey, type AnswerCache } from "./cache.ts"
import { tokensOf, type Limits, type ModelSettings } from "./model.ts"
import { questionOf, repairPrompt, type Question } from "./prompt.ts"
import { adapters } from "./providers/index.ts"
import { send, type World } from "./send.ts"
import { slicesOf } from "./slices.ts"
import { readAnswer, type Answer } from "./verdict.ts"

export interface AdjudicateOptions {
  readonly settings: ModelSettings
  readonly limits: Limits
  readonly cache: AnswerCache
  readonly world: World
  readonly rules: readonly Rule[]
  /** The text of a file as it was reviewed. */
  readonly textOf: (path: string) => string | null
  /** Less grave findings are not asked about. */
  readonly severity: Severity
  /** Called before each question with how many there are. */
  readonly onProgress?: (done: number, total: number) => void
}

const CONCURRENCY = 4

interface Case {
  readonly finding: Finding
  readonly question: Question
}

type Outcome = { readonly answer: Answer } | { readonly problem: string }

/** The report with what the model said; findings keep their places. */
export async function adjudicate(report: Report, options: AdjudicateOptions): Promise<Report> {
  const { cases, withheld } = await casesOf(report, options)
  const budget = new Budget(options.limits)
  const outcomes = new Map<Finding, Outcome>()
  let next = 0
  const work = async (): Promise<void> => {
    for (let at = next++; at < cases.length; at = next++) {
      options.onProgress?.(at, cases.length)
      outcomes.set(cases[at]!.finding, await ask(cases[at]!.question, budget, options))
    }
  }
  // With a budget that does not reach for all, each run must spend it on the same ones.
  const isTight = !canAffordAll(cases, options.limits)
  await Promise.all(Array.from({ length: isTight ? 1 : CONCURRENCY }, work))
  const findings = report.findings.map((finding) => judged(finding, outcomes.get(finding)))
  return {
    ...report,
    findings,
    notices: [...report.notices, ...noticesOf(cases, outcomes, withheld)],
  }
}

/** The requests that would be sent, exactly, with the name of the key's header instead of the key. */
export async function dryRun(report: Report, options: AdjudicateOptions): Promise<string> {
  const { cases } = await casesOf(report, options)
  const budget = new Budget(options.limits)
  const adapter = adapters[options.settings.provider]
  const parts = cases.flatMap(({ finding, question }) => {
    const request = adapter.request(options.settings, question.prompt, false)
    const where = `${finding.path}:${finding.line} ${finding.rule}`
    if (options.cache.get(cacheKey(options.settings, question.identity)) !== null) {
      return [`# ${where}: answered before, nothing is sent`]
    }
    if (!budget.take(request.body)) return [`# ${where}: over the budget, nothing is sent`]
    const key =
      options.settings.key === null
        ? []
        : [`${request.keyHeader.name}: ${request.keyHeader.prefix}***`]
    const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`)
    return [[`# ${where}`, `POST ${request.url}`, ...headers, ...key, "", request.body].join("\n")]
  })
  return parts.map((part) => `${part}\n\n`).join("")
}

/** What is asked about, the gravest first: always the same order, so that a budget always meets the same. */
async function casesOf(
  report: Report,
  options: AdjudicateOptions,
): Promise<{ cases: Case[]; withheld: number }> {
  const rules = new Map(options.rules.map((rule) => [rule.id, rule]))
  const asked = report.findings
    .filter(({ severity }) => isSeverityAtLeast(severity, options.severity))
    .sort((a, b) => gravity(a) - gravity(b) || (a.fingerprint < b.fingerprint ? -1 : 1))
  const cases: Case[] = []
  let withheld = 0
  for (const finding of asked) {
    const slices = await slicesOf(finding, options.textOf)
    if (slices.length === 0) withheld++
    else cases.push({ finding, question: questionOf(finding, rules.get(finding.rule), slices) })
  }
  return { cases, withheld }
}

function gravity({ severity }: Finding): number {
  return SEVERITIES.indexOf(severity)
}

function canAffordAll(cases: readonly Case[], limits: Limits): boolean {
  // Two attempts, and two more for a repair, each with some room for what is around the prompt.
  const requests = 4
  const tokens = cases.reduce(
    (sum, { question }) => sum + tokensOf(question.prompt.user) + 1_000,
    0,
  )
  return (
    limits.maxCostUsd === null &&
    limits.maxCalls >= cases.length * requests &&
    limits.maxInputTokens >= tokens * requests
  )
}

async function ask(
  question: Question,
  budget: Budget,
  options: AdjudicateOptions,
): Promise<Outcome> {
  const { settings, cache, world } = options
  const key = cacheKey(settings, question.identity)
  const kept = cache.get(key)
  if (kept !== null) {
    const reading = readAnswer(kept, question.code)
    if (reading.ok) return { answer: reading.answer }
  }
  const adapter = adapters[settings.provider]
  let { prompt } = question
  for (let attempt = 1; ; attempt++) {
    const sent = await send(adapter, settings, prompt, world, (body) => budget.take(body))
    if ("failure" in sent) return { problem: `${sent.failure}: ${sent.detail}` }
    const reading = readAnswer(sent.text, question.code)
    if (reading.ok) {
      cache.set(key, sent.text)
      return { answer: reading.answer }
    }
    if (reading.kind === "quote" || attempt === 2)
      return { problem: `answer: it ${reading.problem}` }
    prompt = repairPrompt(prompt, reading.problem)
  }
}

function judged(finding: Finding, outcome: Outcome | undefined): Finding {
  if (!outcome || "problem" in outcome) return finding
  const { verdict, reasons } = outcome.answer
  const tier = verdict === "refute" ? demoted(finding.tier) : finding.tier
  return { ...finding, tier, adjudication: { verdict, reasons } }
}

/** Certain is proven by the syntax, and no opinion moves it. */
function demoted(tier: Tier): Tier {
  return tier === "likely" ? "context" : tier
}

function noticesOf(
  cases: readonly Case[],
  outcomes: ReadonlyMap<Finding, Outcome>,
  withheld: number,
): Notice[] {
  const notices: Notice[] = []
  const problems = new Map<string, number>()
  for (const { finding } of cases) {
    const outcome = outcomes.get(finding)
    if (outcome && "problem" in outcome) {
      problems.set(outcome.problem, (problems.get(outcome.problem) ?? 0) + 1)
    }
  }
  if (problems.size > 0) {
    const total = [...problems.values()].reduce((sum, count) => sum + count, 0)
    const list = [...problems]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([problem, count]) => `${problem} (${count})`)
    const message = `${total} of ${cases.length} findings stay as they are, because the model gave no judgement: ${list.join("; ")}`
    notices.push({ code: "adjudication-failed", message })
  }
  if (withheld > 0) {
    const message = `${withheld} findings were not sent, because their files may hold secrets or are not at hand`
    notices.push({ code: "adjudication-withheld", message })
  }
  return notices
}
