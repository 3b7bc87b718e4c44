/**
 * One review on a pull request of GitHub. The first run posts it, later runs bring its text up to date, add comments
 * for what is new, and close the threads of what is fixed.
 */
import type { Report } from "../findings/finding.ts"
import { render } from "../reports/render.ts"
import { inlineBody, moreBody, summaryBody } from "./body.ts"
import { HostClient } from "./client.ts"
import type { GithubTarget } from "./githubTarget.ts"
import { changeThread, readLeft, type Left, type PullRequest } from "./githubThreads.ts"
import { HostError } from "./hostError.ts"
import { shownLines } from "./hunks.ts"
import type { ReviewOutcome } from "./outcome.ts"
import type { Outside } from "./outside.ts"
import { place, type ChangedFile, type Inline, type PlacingOptions } from "./placing.ts"
import { githubSuggestion } from "./suggestion.ts"

/**
 * Posts a review, or hands back annotations when the token may not: builds of forks get tokens that only read.
 * @throws HostError when the token itself is refused
 */
export async function reviewOnGithub(
  target: GithubTarget,
  report: Report,
  options: PlacingOptions,
  outside: Outside,
): Promise<ReviewOutcome> {
  try {
    return await new GithubReview(target, report, options, outside).run()
  } catch (error) {
    if (!(error instanceof HostError) || error.kind === "credentials") throw error
    return { kind: "printed", reason: error.message, output: render("github", report, options) }
  }
}

/** A client with the headers that GitHub documents. */
export function githubClient(
  target: Pick<GithubTarget, "apiUrl" | "token">,
  outside: Outside,
): HostClient {
  return new HostClient({
    name: "GitHub",
    baseUrl: target.apiUrl,
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${target.token}`,
      "user-agent": "drover-review",
      "x-github-api-version": "2022-11-28",
    },
    secret: target.token,
    outside,
  })
}

class GithubReview {
  readonly #client: HostClient
  readonly #target: GithubTarget
  readonly #pull: PullRequest
  readonly #path: string
  readonly #report: Report
  readonly #options: PlacingOptions

  constructor(target: GithubTarget, report: Report, options: PlacingOptions, outside: Outside) {
    this.#client = githubClient(target, outside)
    this.#target = target
    this.#pull = { owner: target.owner, name: target.repo, number: target.number }
    this.#path = `/repos/${encodeURIComponent(target.owner)}/${encodeURIComponent(target.repo)}/pulls/${target.number}`
    this.#report = report
    this.#options = options
  }

  async run(): Promise<ReviewOutcome> {
    const head = this.#target.headSha ?? (await this.#headSha())
    const files = await this.#files()
    const left = await readLeft(this.#client, this.#target.graphqlUrl, this.#pull)
    const known = new Set(left.threads.map((thread) => thread.fingerprint))
    const { inline, rest } = place(this.#report, files, known, this.#options)
    const body = summaryBody(this.#report, rest, this.#options)
    const summary = await this.#post(left, body, inline, head)
    const threads = await this.#settleThreads(left)
    return { kind: "posted", added: inline.length, summary, ...threads }
  }

  async #headSha(): Promise<string> {
    const { body } = await this.#client.send({ method: "GET", path: this.#path })
    return (body as { head: { sha: string } }).head.sha
  }

  /** The list of files has no limit of 300, as the diff has, but it leaves out patches that are large. */
  async #files(): Promise<ChangedFile[]> {
    const files = (await this.#client.pages(`${this.#path}/files?per_page=100`)) as {
      filename: string
      previous_filename?: string
      patch?: string
    }[]
    return files.map(({ filename, previous_filename, patch }) => ({
      path: filename,
      oldPath: previous_filename ?? filename,
      shown: shownLines(patch),
    }))
  }

  async #post(
    left: Left,
    body: string,
    inline: readonly Inline[],
    head: string,
  ): Promise<"posted" | "updated" | "unchanged" | "none"> {
    if (left.summary === null) {
      if (this.#report.findings.length === 0 && left.threads.length === 0) return "none"
      await this.#postReview(body, inline, head)
      return "posted"
    }
    const isSame = left.summary.body.replaceAll("\r\n", "\n").trim() === body.trim()
    if (!isSame) {
      await this.#client.send({
        method: "PUT",
        path: `${this.#path}/reviews/${left.summary.id}`,
        body: { body },
      })
    }
    if (inline.length > 0) await this.#postReview(moreBody(inline.length), inline, head)
    return isSame ? "unchanged" : "updated"
  }

  async #postReview(body: string, inline: readonly Inline[], head: string): Promise<void> {
    const review = { commit_id: head, event: "COMMENT", body, comments: inline.map(comment) }
    await this.#client.send({ method: "POST", path: `${this.#path}/reviews`, body: review })
  }

  async #settleThreads(
    left: Left,
  ): Promise<{ resolved: number; reopened: number; notices: readonly string[] }> {
    const present = new Set(this.#report.findings.map((finding) => finding.fingerprint))
    const fixed = left.threads.filter(
      (thread) => !thread.isResolved && !present.has(thread.fingerprint),
    )
    const back = left.threads.filter(
      (thread) => thread.resolvedByUs && thread.isResolved && present.has(thread.fingerprint),
    )
    try {
      for (const { id } of fixed)
        await changeThread(this.#client, this.#target.graphqlUrl, id, "resolve")
      for (const { id } of back)
        await changeThread(this.#client, this.#target.graphqlUrl, id, "unresolve")
      return { resolved: fixed.length, reopened: back.length, notices: [] }
    } catch (error) {
      // The review is there; closing threads needs a right of its own (contents: write), which many builds lack.
      if (!(error instanceof HostError)) throw error
      return {
        resolved: 0,
        reopened: 0,
        notices: [`threads of fixed findings stay open: ${error.message}`],
      }
    }
  }
}

function comment({ finding, file, suggestion }: Inline): object {
  const text = suggestion === null ? null : githubSuggestion(suggestion)
  const body = inlineBody(finding, text)
  const line = suggestion?.to ?? finding.line
  const from = suggestion?.from ?? line
  const range = from < line ? { start_line: from, start_side: "RIGHT" } : {}
  return { path: file.path, line, side: "RIGHT", ...range, body }
}
