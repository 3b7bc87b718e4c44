import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { kafkaAutocommit } from "./kafkaAutocommit.ts"

const worker = (option: string): string => `from kafka import KafkaConsumer

def run(ship):
    consumer = KafkaConsumer("orders", group_id="shipping"${option})
    for message in consumer:
        ship(message.value)
        consumer.commit()
`

async function found(text: string) {
  const program = await programOf([{ path: "worker.py", text }])
  return applyRule(kafkaAutocommit, program.file("worker.py")!, program)
}

test("kafka-autocommit is certain of a setting and only likely right about a default", async () => {
  const [set] = await found(worker(", enable_auto_commit=True"))
  const [left] = await found(worker(""))
  expect([set?.tier, left?.tier]).toEqual(["certain", "likely"])
})

test("kafka-autocommit is silent after its own edit", async () => {
  const text = worker(", enable_auto_commit=True")
  const [draft] = await found(text)
  const [edit] = draft!.fix!.edits!
  const fixed = text.slice(0, edit!.start) + edit!.text + text.slice(edit!.end)
  expect(fixed).toContain("enable_auto_commit=False")
  expect(await found(fixed)).toEqual([])
})
