/** Explains a place of a reviewed file: its findings with what became of them, and the silence of the other rules. */
import type { File } from "../analysis/program/file.ts"
import { isTierAtLeast } from "../config/config.ts"
import { settingOf } from "../config/settings.ts"
import { InputError } from "../files/inputError.ts"
import type { Finding } from "../findings/finding.ts"
import { Lines } from "../findings/place.ts"
import { prettyFinding } from "../reports/pretty.ts"
import { visible } from "../reports/visible.ts"
import { rules } from "../rules/rules.ts"
import type { Rule } from "../rules/rule.ts"
import type { Session } from "./session.ts"

export interface WhyOptions {
  readonly colour: boolean
  /** The only rules that are told of; null for all. */
  readonly only: readonly string[] | null
}

/**
 * What is found at a line, and why the other rules are silent in its function.
 * @throws InputError when the line is not there
 */
export function whyText(session: Session, path: string, line: number, options: WhyOptions): string {
  const { colour, only } = options
  const { found } = session
  const file = found.program.file(path)
  if (!file)
    throw new InputError(`${path} is not a source file that is reviewed, so no rule looks at it`)
  const lines = new Lines(file.text)
  if (line < 1 || line > lines.count)
    throw new InputError(`${path} has ${lines.count} lines, not ${line}`)
  const here = { file, line, ...rangeAround(file, lines, line) }
  const parts: string[] = []
  const spoke = new Set<string>()
  for (const finding of found.findings) {
    if (!touches(finding, path, here)) continue
    spoke.add(finding.rule)
    const textOf = (of: string): string | null => found.textOf(of)
    parts.push(`${prettyFinding(finding, { textOf, colour })}${fateOf(finding, session)}\n`)
  }
  const asked = rules.filter(({ id }) => only === null || only.includes(id))
  const silent = asked.filter(({ id }) => !spoke.has(id))
  parts.push(silenceText(silent, session, path, here))
  return parts.join("\n")
}

interface Here {
  readonly file: File
  readonly line: number
  /** The function around it, or all of the file. */
  readonly first: number
  readonly last: number
  readonly name: string
}

function rangeAround(
  file: File,
  lines: Lines,
  line: number,
): Pick<Here, "first" | "last" | "name"> {
  const start = lines.offsetOf(line, 1)
  const end = start + lines.textOf(line).length
  const around = file.functions.filter((fn) => !fn.isLambda && fn.start <= end && start < fn.end)
  const fn = around.at(-1)
  if (!fn) return { first: 1, last: lines.count, name: "" }
  return {
    first: lines.positionOf(fn.start).line,
    last: lines.positionOf(fn.end).line,
    name: fn.name,
  }
}

/** A finding is about a line that it marks, that one of its facts marks, or whose function it is in. */
function touches(finding: Finding, path: string, here: Here): boolean {
  const places = [finding, ...finding.because.flatMap(({ place }) => place ?? [])]
  return places.some(
    (place) => place.path === path && here.first <= place.line && place.line <= here.last,
  )
}

function fateOf(finding: Finding, session: Session): string {
  const { rule, fingerprint, tier, severity } = finding
  if (settingOf(session.settings, rule, finding.path).level === "off") {
    return "It is not shown: the configuration turns the rule off here."
  }
  const held = session.all.suppressed.find((one) => one.finding.fingerprint === fingerprint)
  if (held) {
    const by = held.by === "comment" ? "an ignore comment" : "the baseline"
    return `It is not shown: ${by} holds it back, because: ${visible(held.reason)}`
  }
  if (session.report.findings.some((one) => one.fingerprint === fingerprint)) return "It is shown."
  return isTierAtLeast(tier, session.config.tier)
    ? `It is not shown: its severity, ${severity}, is below ${session.config.severity}.`
    : `It is not shown: its tier, ${tier}, is below ${session.config.tier}; --tier ${tier} shows it.`
}

function silenceText(silent: readonly Rule[], session: Session, path: string, here: Here): string {
  const { file } = here
  const lines = new Lines(file.text)
  const text = file.text.slice(lines.offsetOf(here.first, 1), lines.offsetOf(here.last + 1, 1))
  const where = here.name === "" ? path : `${here.name} (${path}:${here.first}-${here.last})`
  const looked: string[] = []
  const passed: string[] = []
  for (const rule of silent) {
    const reason = reasonToPass(rule, session, here)
    if (reason !== null) passed.push(`  ${rule.id}: ${reason}`)
    else if (mentions(rule, text)) {
      looked.push(`  ${rule.id} looked and has nothing to say. It is silent when:`)
      looked.push(...rule.docs.silent.map((sentence) => `    - ${sentence}`))
    } else passed.push(`  ${rule.id}: nothing that it looks for is here`)
  }
  const broken =
    file.unit.errors > 0
      ? [
          "",
          "The file has parts that could not be parsed; functions with such parts are passed over.",
        ]
      : []
  return [
    `Silent in ${visible(where)}:`,
    ...(looked.length > 0 ? looked : ["  no rule that looks at this function stays silent"]),
    ...(passed.length > 0 ? ["", "Not asked:", ...passed] : []),
    ...broken,
    "",
  ].join("\n")
}

function reasonToPass(rule: Rule, session: Session, { file }: Here): string | null {
  if (settingOf(session.settings, rule.id, file.path).level === "off")
    return "turned off by the configuration"
  if (!rule.languages.includes(file.language)) return `does not speak ${file.language}`
  if (rule.scope === "code" && file.isTest) return "does not look at tests"
  if (rule.scope === "tests" && !file.isTest) return "looks at tests only"
  return null
}

function mentions(rule: Rule, text: string): boolean {
  return new RegExp(rule.mentions.source, rule.mentions.flags.replace(/[gy]/g, "")).test(text)
}
