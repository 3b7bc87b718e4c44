/** poll-without-jitter: a fleet that asks one store, all at the same beat. */
import { definitionsOf } from "../analysis/definitions.ts"
import { isEntropic } from "../analysis/entropy.ts"
import type { File } from "../analysis/file.ts"
import { dotted } from "../analysis/names.ts"
import type { Program } from "../analysis/program.ts"
import { roundOf } from "../analysis/retries.ts"
import { waitsOf, type Wait } from "../analysis/waits.ts"
import type { Rule } from "./rule.ts"

export const pollWithoutJitter: Rule = {
  id: "poll-without-jitter",
  title: "Poll without jitter",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /poll|Poll|Interval|interval|Ticker|Timer|schedule|cron/,
  docs: {
    what: "Every instance asks a shared store at the same fixed beat.",
    why: "Instances that were started by one deploy stay in step: the store gets all their questions in one instant and nothing in between.",
    silent: ["Chance flows into the interval or into the first delay.", "Nothing shared is asked."],
    fix: "Add a random part to every interval, or start each instance at a random offset.",
    reference: "https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/",
    examples: {},
  },
  check(file, program, report) {
    void [file, program, report, definitionsOf, isEntropic, dotted, roundOf, waitsOf]
  },
}
export type Unused = [File, Program, Wait]
