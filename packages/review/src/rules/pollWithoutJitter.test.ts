import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { pollWithoutJitter } from "./pollWithoutJitter.ts"

const POLLER = `export class Poller {
  start() { this.timer = setInterval(() => this.pollJobs(), this.pollIntervalMs) }
  async pollJobs() { return this.db.query("select 1") }
}`

test("replicas in a manifest make a poll a matter of the fleet", async () => {
  const severities = []
  for (const replicas of [1, 4]) {
    const program = await programOf([
      { path: "src/poller.ts", text: POLLER },
      { path: "k8s/deploy.yaml", text: `kind: Deployment\nspec:\n  replicas: ${replicas}\n` },
    ])
    const [draft] = applyRule(pollWithoutJitter, program.file("src/poller.ts")!, program)
    severities.push(draft?.severity)
  }
  expect(severities).toEqual(["low", "medium"])
})
