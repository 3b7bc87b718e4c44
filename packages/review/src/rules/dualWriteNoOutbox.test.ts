import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { dualWriteNoOutbox } from "./dualWriteNoOutbox.ts"

const placing = (between: string): string => `import { Kafka } from "kafkajs"
import { pool } from "./pool"
const producer = new Kafka({ brokers: [] }).producer()
export async function place(order: Order): Promise<void> {
  await pool.query("INSERT INTO orders (id) VALUES ($1)", [order.id])
  ${between}
}
`
const SEND = `await producer.send({ topic: "orders", messages: [] })`

async function tiers(text: string) {
  const program = await programOf([{ path: "place.ts", text }])
  return applyRule(dualWriteNoOutbox, program.file("place.ts")!, program).map((one) => one.tier)
}

test("dual-write-no-outbox speaks of a message after a row", async () => {
  expect(await tiers(placing(SEND))).toEqual(["likely"])
})

test("dual-write-no-outbox is less sure of a message that waits for the commit", async () => {
  expect(await tiers(placing(`tx.afterCommit(async () => { ${SEND} })`))).not.toContain("likely")
})
