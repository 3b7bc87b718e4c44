/** `drover-review issue FINGERPRINT`: a finding as an issue, printed or filed. */
import { fileOnGithub, fileOnGitlab, type Filed } from "../../hosts/fileIssue.ts"
import { githubClient } from "../../hosts/github.ts"
import { githubRepository } from "../../hosts/githubTarget.ts"
import { gitlabClient } from "../../hosts/gitlab.ts"
import { gitlabProject } from "../../hosts/gitlabTarget.ts"
import { HostError } from "../../hosts/hostError.ts"
import { issueOf, type Issue } from "../../hosts/issue.ts"
import type { Finding } from "../../findings/finding.ts"
import { visible, visibleLines } from "../../reports/visible.ts"
import { rules } from "../../rules/rules.ts"
import { runSession, type Session } from "../../session/session.ts"
import type { Call, Command } from "../command.ts"
import { asUsage, outsideOf } from "../hostRun.ts"
import { cacheOptions, everywhere, type OptionSpecs } from "../options.ts"
import { textOf } from "../parse.ts"
import { cacheDirOf, threadsOf } from "../reviewSettings.ts"
import { rootOf } from "../root.ts"
import { exitCodes } from "../terminal.ts"
import { UsageError } from "../usage.ts"

const options: OptionSpecs = {
  ...everywhere,
  file: {
    type: "string",
    group: "run",
    value: "HOST",
    choices: ["github", "gitlab"],
    about: "file it there instead of printing it",
  },
  repository: { type: "string", group: "run", value: "OWNER/NAME", about: "with --file github" },
  project: { type: "string", group: "run", value: "ID", about: "with --file gitlab" },
  "api-url": { type: "string", group: "run", value: "URL", about: "where the host answers" },
  ...cacheOptions,
}

export const issueCommand: Command = {
  name: "issue",
  summary: "print or file a finding as an issue",
  usage: ["issue FINGERPRINT|FILE:LINE [--file github|gitlab]"],
  options,
  async run(call) {
    const { parsed, terminal } = call
    const [word, extra] = parsed.positionals
    if (word === undefined)
      throw new UsageError("which finding? Give its fingerprint, or FILE:LINE")
    if (extra !== undefined) throw new UsageError(`one finding at a time; "${extra}" is too much`)
    const root = rootOf(parsed, terminal)
    const session = await runSession({
      root,
      threads: threadsOf(parsed),
      cacheDir: cacheDirOf(parsed),
      today: terminal.today,
    })
    const finding = findingNamed(word, session)
    const card = rules.find(({ id }) => id === finding.rule)
    const issue = issueOf(finding, card, { textOf: (path) => session.found.textOf(path) })
    const host = textOf(parsed, "file")
    if (host === undefined) {
      terminal.out(`# ${visible(issue.title)}\n\n${visibleLines(issue.body)}\n`)
      return exitCodes.clean
    }
    try {
      const { url, isNew } = await file(host, issue, finding, call)
      terminal.out(`${isNew ? "filed" : "filed before"}: ${visible(url)}\n`)
      return exitCodes.clean
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      terminal.err(`drover-review: ${visible(error.message)}\n`)
      return exitCodes.internal
    }
  },
}

/** @throws UsageError */
function findingNamed(word: string, { all }: Session): Finding {
  const place = /^(.+?):(\d{1,9})$/.exec(word)
  const found = all.findings.filter((finding) =>
    place
      ? finding.path === place[1]!.replace(/^\.\//, "") && finding.line === Number(place[2])
      : finding.fingerprint === word,
  )
  const [first, second] = found
  if (!first)
    throw new UsageError(`nothing is found at "${word}"; --format json prints fingerprints`)
  if (second) {
    const list = found.map(({ rule, fingerprint }) => `${fingerprint} (${rule})`).join(", ")
    throw new UsageError(`"${word}" has several findings; give one of ${list}`)
  }
  return first
}

async function file(
  host: string,
  issue: Issue,
  finding: Finding,
  { parsed, terminal }: Call,
): Promise<Filed> {
  const outside = outsideOf(terminal)
  const apiUrl = textOf(parsed, "api-url")
  if (host === "github") {
    const target = asUsage(() =>
      githubRepository({ repository: textOf(parsed, "repository"), apiUrl }, terminal.env),
    )
    return fileOnGithub(githubClient(target, outside), target, issue, finding.fingerprint)
  }
  const target = asUsage(() =>
    gitlabProject({ project: textOf(parsed, "project"), apiUrl }, terminal.env),
  )
  return fileOnGitlab(gitlabClient(target, outside), target.project, issue, finding.fingerprint)
}
