import fc from "fast-check"
import { expect } from "vitest"
import type { Rules } from "../rules.ts"
import { Player } from "./player.ts"
import { histories } from "./steps.ts"

/** What the histories must have reached: a run that never saw one of these proves nothing about it. */
const mustBeSeen: readonly string[] = `
enqueue enqueued, enqueue repeated, enqueue duplicate
claim, claim alone, claim of a lost worker
settle settled, settle repeated, settle cancelled, settle discarded, settle fenced
settle as completed, settle as retryable, settle as discarded, settle as cancelled
settle as snoozed, settle as interrupted, settle as crashed
progress stored, progress fenced, log stored, log fenced
beat held, beat lost, retire with jobs
rescue to available, rescue to discarded, rescue to cancelled
cancel changed, cancel requested, cancel refused, retry changed, retry refused
discard changed, discard refused, delete changed, delete refused
edit edited, edit wrong_state, pause, resume, expire, prune`
  .trim()
  .split(/,\s|\n/)

/** Random histories, played on the store and on an oracle that knows nothing of databases. */
export const modelRules: Rules = {
  "the store and the oracle agree after every step of any history": async (world) => {
    const seen = new Set<string>()
    const agrees = fc.asyncProperty(histories, (history) => new Player(world, seen).play(history))
    await fc.assert(agrees, { numRuns: 120, seed: 36, endOnFailure: false })
    expect(
      mustBeSeen.filter((name) => !seen.has(name)),
      "never seen",
    ).toEqual([])
  },
}
