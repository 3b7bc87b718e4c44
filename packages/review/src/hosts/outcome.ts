/** What became of a review on a host. It never changes the exit status: that is about the code. */
export type ReviewOutcome =
  | {
      readonly kind: "posted"
      /** Comments that this run added. */
      readonly added: number
      /** Threads that it closed, because what they say is fixed. */
      readonly resolved: number
      /** Threads that it opened again, because what it had closed is back. */
      readonly reopened: number
      readonly summary: "posted" | "updated" | "unchanged" | "none"
      /** What did not work and does not matter much. */
      readonly notices: readonly string[]
    }
  | {
      readonly kind: "printed"
      /** Why nothing could be posted. */
      readonly reason: string
      /** The findings, for the log of the build. */
      readonly output: string
    }
