import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { dlqMissing } from "./dlqMissing.ts"

const swallowing = (topic: string): string => `import { Kafka } from "kafkajs"
export async function start(kafka: Kafka, desk: Desk): Promise<void> {
  const consumer = kafka.consumer({ groupId: "desk" })
  await consumer.subscribe({ topic: "${topic}" })
  await consumer.run({
    eachMessage: async ({ message }) => {
      try { await desk.open(message) } catch (error) { console.error(error) }
    },
  })
}
`

async function found(path: string, texts: Record<string, string>) {
  const program = await programOf(Object.entries(texts).map(([path, text]) => ({ path, text })))
  return applyRule(dlqMissing, program.file(path)!, program)
}

test("dlq-missing is of high severity where money is lost", async () => {
  const [payment] = await found("a.ts", { "a.ts": swallowing("payments") })
  const [ticket] = await found("a.ts", { "a.ts": swallowing("tickets") })
  expect([payment?.severity, ticket?.severity]).toEqual(["high", "medium"])
})

test("dlq-missing takes the dead-letter queue of another service for no proof, and says less", async () => {
  const drafts = await found("services/desk/a.ts", {
    "services/desk/a.ts": swallowing("tickets"),
    "services/mail/queue.yaml": "deadLetterQueue: mail-failed\n",
  })
  expect(drafts.map((one) => one.tier)).toEqual(["context"])
})
