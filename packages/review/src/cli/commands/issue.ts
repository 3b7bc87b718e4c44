/** `drover-review issue FILE:LINE`: writes an issue about one finding, and files it when asked. */
import { resolve } from "node:path"
import type { Finding } from "../../findings/finding.ts"
import { fileOnGithub, fileOnGitlab, type Filed } from "../../hosts/fileIssue.ts"
import { githubClient } from "../../hosts/github.ts"
import { githubRepository } from "../../hosts/githubTarget.ts"
import { gitlabClient } from "../../hosts/gitlab.ts"
import { gitlabProject } from "../../hosts/gitlabTarget.ts"
import { issueOf, type Issue } from "../../hosts/issue.ts"
import { visible } from "../../reports/visible.ts"
import { rules } from "../../rules/rules.ts"
import { runSession } from "../../session/session.ts"
import type { Call, Command } from "../command.ts"
import { githubOptions, gitlabOptions, namedToken, outsideOf, targetOf } from "../hostOptions.ts"
import { cacheOptions, everywhere } from "../options.ts"
import { textOf } from "../parse.ts"
import { rootOf, pathsInRoot } from "../root.ts"
import { exitCodes } from "../terminal.ts"
import { UsageError } from "../usage.ts"

export const issueCommand: Command = {
  name: "issue",
  summary: "write an issue about the finding at FILE:LINE, and file it when asked",
  usage: ["issue FILE:LINE [--rule NAME] [--file-on github|gitlab]"],
  options: {
    ...everywhere,
    ...cacheOptions,
    rule: {
      type: "string",
      group: "what",
      value: "NAME",
      about: "which, where several rules spoke",
    },
    "file-on": {
      type: "string",
      group: "show",
      value: "HOST",
      choices: ["github", "gitlab"],
      about: "file it there instead of printing it",
    },
    ...gitlabOptions,
    ...githubOptions,
  },
  async run(call) {
    const { terminal, parsed } = call
    const { finding, textOf: textOfFile } = await findingAt(call)
    const card = rules.find(({ id }) => id === finding.rule)
    const issue = issueOf(finding, card, { textOf: textOfFile })
    const host = textOf(parsed, "file-on")
    if (host === undefined) {
      terminal.out(`${issue.title}\n\n${issue.body}\n`)
      return exitCodes.clean
    }
    const { url, isNew } = await fileOn(host, issue, finding.fingerprint, call)
    terminal.out(`${visible(url)}\n`)
    if (!isNew) terminal.err("an issue about this finding is open already\n")
    return exitCodes.clean
  },
}

async function findingAt({ parsed, terminal }: Call): Promise<{
  finding: Finding
  textOf: (path: string) => string | null
}> {
  const [place, extra] = parsed.positionals
  const match = /^(.+):(\d+)$/.exec(place ?? "")
  if (match === null || extra !== undefined)
    throw new UsageError("which finding? Give one FILE:LINE")
  const root = rootOf(parsed, terminal)
  const [path] = pathsInRoot(root, terminal.cwd, [match[1]!])
  const cacheDir = textOf(parsed, "cache-dir")
  const session = await runSession({
    root,
    paths: [path!],
    tier: "context",
    severity: "info",
    today: terminal.today,
    cacheDir: parsed.flags.has("no-cache") ? null : cacheDir && resolve(terminal.cwd, cacheDir),
  })
  const line = Number(match[2])
  const rule = textOf(parsed, "rule")
  const found = session.report.findings.filter(
    (one) =>
      one.path === path &&
      one.line <= line &&
      line <= one.endLine &&
      (rule ?? one.rule) === one.rule,
  )
  if (found.length === 0)
    throw new UsageError(`there is no finding at ${place}; "drover-review why" says why`)
  const [finding, other] = found
  if (other !== undefined && rule === undefined) {
    const names = found.map((one) => one.rule).join(", ")
    throw new UsageError(`${place} has several findings; give --rule, one of ${names}`)
  }
  return { finding: finding!, textOf: (file) => session.found.textOf(file) }
}

async function fileOn(
  host: string,
  issue: Issue,
  fingerprint: string,
  { parsed, terminal }: Call,
): Promise<Filed> {
  const outside = outsideOf(terminal)
  const given = { apiUrl: textOf(parsed, "api-url"), token: namedToken(parsed, terminal) }
  if (host === "gitlab") {
    const target = targetOf(() =>
      gitlabProject({ ...given, project: textOf(parsed, "project") }, terminal.env),
    )
    return fileOnGitlab(gitlabClient(target, outside), target.project, issue, fingerprint)
  }
  const options = { ...given, repository: textOf(parsed, "repository") }
  const target = targetOf(() => githubRepository(options, terminal.env))
  return fileOnGithub(githubClient(target, outside), target, issue, fingerprint)
}
