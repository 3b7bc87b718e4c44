/** The reviews of a workspace: one at a time, each of which a newer one calls off. */
import type { Finding, Notice } from "../findings/finding.ts"
import { overlaid, RememberedTree } from "../session/overlay.ts"
import { runSession } from "../session/session.ts"
import type { Document } from "./documents.ts"

export interface Reviewed {
  readonly findings: readonly Finding[]
  readonly notices: readonly Notice[]
  /** The text that findings and edits count in; null for what was not read. */
  textOf(path: string): string | null
  /** Why there is nothing: a configuration that is wrong, a folder that is gone. */
  readonly problem: string | null
}

const NOTHING = { findings: [], notices: [], textOf: () => null } as const

export interface WorkspaceOptions {
  readonly root: string
  readonly today: () => string
  readonly threads?: number | undefined
  readonly cacheDir?: string | null | undefined
}

export class WorkspaceReview {
  readonly #options: WorkspaceOptions
  readonly #tree: RememberedTree
  #running: AbortController | null = null

  constructor(options: WorkspaceOptions) {
    this.#options = options
    this.#tree = new RememberedTree(options.root)
  }

  /** The disk may have changed. */
  forget(): void {
    this.#tree.forget()
  }

  /** Calls off the review that is under way. */
  cancel(): void {
    this.#running?.abort(new Error("called off"))
  }

  /** Reviews documents of the workspace; null when it was called off. Never throws. */
  async run(documents: readonly Document[]): Promise<Reviewed | null> {
    const { root, today, threads, cacheDir } = this.#options
    const texts = new Map(
      documents.flatMap(({ path, text }) => (path === null ? [] : [[path, text] as const])),
    )
    if (texts.size === 0) return { ...NOTHING, problem: null }
    const abort = new AbortController()
    this.#running = abort
    try {
      const { report, found } = await runSession({
        root,
        paths: [...texts.keys()],
        changes: overlaid(this.#tree, texts),
        today: today(),
        threads,
        cacheDir,
        signal: abort.signal,
      })
      const { findings, notices } = report
      return { findings, notices, textOf: (path) => found.textOf(path), problem: null }
    } catch (error) {
      if (abort.signal.aborted) return null
      const problem = error instanceof Error ? error.message : String(error)
      return { ...NOTHING, problem }
    } finally {
      if (this.#running === abort) this.#running = null
    }
  }
}
