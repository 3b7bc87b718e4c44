/**
 * A review on a merge request of GitLab: a thread for each finding beside a changed line, and one note with the rest.
 * Later runs bring the note up to date, add threads for what is new and resolve those of what is fixed.
 */
import type { Report } from "../findings/finding.ts"
import { render } from "../reports/render.ts"
import { fingerprintIn, inlineBody, isSummary, summaryBody } from "./body.ts"
import { HostClient } from "./client.ts"
import type { GitlabProject, GitlabTarget } from "./gitlabTarget.ts"
import { HostError } from "./hostError.ts"
import { shownLines } from "./hunks.ts"
import type { ReviewOutcome } from "./outcome.ts"
import type { Outside } from "./outside.ts"
import { place, type ChangedFile, type Inline, type PlacingOptions } from "./placing.ts"
import { gitlabSuggestion } from "./suggestion.ts"

/**
 * Posts a review, or hands back the findings for the log when the token may not.
 * @throws HostError when the token itself is refused
 */
export async function reviewOnGitlab(
  target: GitlabTarget,
  report: Report,
  options: PlacingOptions,
  outside: Outside,
): Promise<ReviewOutcome> {
  try {
    return await new GitlabReview(target, report, options, outside).run()
  } catch (error) {
    // A job's token is right for other things, so that it is refused here is no mistake of anybody.
    const isMistake =
      error instanceof HostError && error.kind === "credentials" && !target.isJobToken
    if (!(error instanceof HostError) || isMistake) throw error
    return { kind: "printed", reason: error.message, output: render("concise", report, options) }
  }
}

/** A client with the header that the kind of token needs. */
export function gitlabClient(target: GitlabProject, outside: Outside): HostClient {
  const header = target.isJobToken ? "job-token" : "private-token"
  return new HostClient({
    name: "GitLab",
    baseUrl: target.apiUrl,
    headers: { accept: "application/json", "user-agent": "drover-review", [header]: target.token },
    secret: target.token,
    outside,
  })
}

interface Thread {
  readonly id: string
  readonly fingerprint: string
  readonly isResolved: boolean
  readonly resolvedByUs: boolean
}

interface Left {
  readonly threads: readonly Thread[]
  readonly summary: { readonly id: number; readonly body: string } | null
}

interface Discussion {
  readonly id: string
  readonly notes: readonly {
    readonly id: number
    readonly body: string
    readonly author: { readonly id: number }
    readonly resolved?: boolean
    readonly resolved_by?: { readonly id: number } | null
  }[]
}

interface Version {
  readonly base_commit_sha: string
  readonly start_commit_sha: string
  readonly head_commit_sha: string
}

class GitlabReview {
  readonly #client: HostClient
  readonly #path: string
  readonly #report: Report
  readonly #options: PlacingOptions

  constructor(target: GitlabTarget, report: Report, options: PlacingOptions, outside: Outside) {
    this.#client = gitlabClient(target, outside)
    this.#path = `/projects/${encodeURIComponent(target.project)}/merge_requests/${target.iid}`
    this.#report = report
    this.#options = options
  }

  async run(): Promise<ReviewOutcome> {
    const user = await this.#client.send({ method: "GET", path: "/user" })
    const left = await this.#left((user.body as { id: number }).id)
    const version = await this.#version()
    const known = new Set(left.threads.map((thread) => thread.fingerprint))
    const { inline, rest } = place(this.#report, await this.#files(), known, this.#options)
    const refused = await this.#postThreads(inline, version)
    const body = summaryBody(
      this.#report,
      [...rest, ...refused.map(({ finding }) => finding)],
      this.#options,
    )
    const summary = await this.#postSummary(left, body)
    const threads = await this.#settleThreads(left)
    return {
      kind: "posted",
      added: inline.length - refused.length,
      summary,
      ...threads,
      notices: [],
    }
  }

  async #left(us: number): Promise<Left> {
    const all = (await this.#client.pages(`${this.#path}/discussions?per_page=100`)) as Discussion[]
    const threads: Thread[] = []
    let summary: Left["summary"] = null
    for (const { id, notes } of all) {
      const first = notes[0]
      if (first === undefined || first.author.id !== us) continue
      const fingerprint = fingerprintIn(first.body)
      if (fingerprint !== null) {
        const resolvedByUs = first.resolved_by?.id === us
        threads.push({ id, fingerprint, isResolved: first.resolved === true, resolvedByUs })
      } else if (isSummary(first.body)) summary ??= { id: first.id, body: first.body }
    }
    return { threads, summary }
  }

  /** The newest version is the first. */
  async #version(): Promise<Version> {
    const { body } = await this.#client.send({ method: "GET", path: `${this.#path}/versions` })
    const [newest] = body as Version[]
    if (newest === undefined)
      throw new HostError("failed", "GitLab: the merge request has no diff yet")
    return newest
  }

  async #files(): Promise<ChangedFile[]> {
    const files = (await this.#client.pages(`${this.#path}/diffs?per_page=100`)) as {
      new_path: string
      old_path: string
      diff: string
    }[]
    return files.map((file) => ({
      path: file.new_path,
      oldPath: file.old_path,
      shown: shownLines(file.diff),
    }))
  }

  /** @returns those that GitLab did not take: its own idea of the diff can be newer than ours */
  async #postThreads(inline: readonly Inline[], version: Version): Promise<Inline[]> {
    const refused: Inline[] = []
    for (const entry of inline) {
      const body = { body: threadBody(entry), position: position(entry, version) }
      try {
        await this.#client.send({ method: "POST", path: `${this.#path}/discussions`, body })
      } catch (error) {
        if (!(error instanceof HostError) || error.kind !== "invalid") throw error
        refused.push(entry)
      }
    }
    return refused
  }

  async #postSummary(
    left: Left,
    body: string,
  ): Promise<"posted" | "updated" | "unchanged" | "none"> {
    const path = `${this.#path}/notes`
    if (left.summary === null) {
      if (this.#report.findings.length === 0 && left.threads.length === 0) return "none"
      await this.#client.send({ method: "POST", path, body: { body } })
      return "posted"
    }
    if (left.summary.body.trim() === body.trim()) return "unchanged"
    await this.#client.send({ method: "PUT", path: `${path}/${left.summary.id}`, body: { body } })
    return "updated"
  }

  async #settleThreads(left: Left): Promise<{ resolved: number; reopened: number }> {
    const present = new Set(this.#report.findings.map((finding) => finding.fingerprint))
    const fixed = left.threads.filter(
      (thread) => !thread.isResolved && !present.has(thread.fingerprint),
    )
    const back = left.threads.filter(
      (thread) => thread.resolvedByUs && thread.isResolved && present.has(thread.fingerprint),
    )
    for (const { id } of fixed) await this.#resolve(id, true)
    for (const { id } of back) await this.#resolve(id, false)
    return { resolved: fixed.length, reopened: back.length }
  }

  async #resolve(id: string, resolved: boolean): Promise<void> {
    const path = `${this.#path}/discussions/${encodeURIComponent(id)}`
    await this.#client.send({ method: "PUT", path, body: { resolved } })
  }
}

function threadBody({ finding, suggestion }: Inline): string {
  return inlineBody(finding, suggestion === null ? null : gitlabSuggestion(suggestion))
}

/** A line that is not new is named by both of its numbers; a new one has no old number. */
function position({ finding, file, line, suggestion }: Inline, version: Version): object {
  const at = suggestion?.from ?? finding.line
  const oldLine = file.shown.get(at)?.oldLine ?? (at === finding.line ? line.oldLine : null)
  return {
    position_type: "text",
    base_sha: version.base_commit_sha,
    start_sha: version.start_commit_sha,
    head_sha: version.head_commit_sha,
    old_path: file.oldPath,
    new_path: file.path,
    new_line: at,
    ...(oldLine === null ? {} : { old_line: oldLine }),
  }
}
