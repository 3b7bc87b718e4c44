import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { consumerNotIdempotent } from "./consumerNotIdempotent.ts"

const crediting = `from kafka import KafkaConsumer

def main(conn):
    for message in KafkaConsumer("credits", group_id="wallets"):
        conn.execute("UPDATE wallets SET balance = balance + %s WHERE id = %s", message.value)
`

async function found(texts: Record<string, string>) {
  const program = await programOf(Object.entries(texts).map(([path, text]) => ({ path, text })))
  return applyRule(consumerNotIdempotent, program.file("credit.py")!, program)
}

test("consumer-not-idempotent names the effect and where it is", async () => {
  const [draft] = await found({ "credit.py": crediting })
  expect(draft?.tier).toBe("likely")
  expect(draft?.because?.map((one) => one.text)).toEqual([
    "messages are received here, each at least once",
    "`wallets` changes by an amount",
  ])
})

test("consumer-not-idempotent is less sure where a table of processed messages exists", async () => {
  const drafts = await found({
    "credit.py": crediting,
    "schema.sql": "create table processed_messages (id text primary key);",
  })
  expect(drafts.map((one) => one.tier)).toEqual(["context"])
})
