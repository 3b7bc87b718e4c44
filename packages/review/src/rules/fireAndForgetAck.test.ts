import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { fireAndForgetAck } from "./fireAndForgetAck.ts"

async function messages(text: string) {
  const program = await programOf([{ path: "worker.go", text }])
  return applyRule(fireAndForgetAck, program.file("worker.go")!, program).map((one) => one.message)
}

const worker = (autoAck: boolean): string => `package worker

import amqp "github.com/rabbitmq/amqp091-go"

func Run(ch *amqp.Channel, db *sql.DB) {
	msgs, _ := ch.Consume("rows", "", ${autoAck}, false, false, false, nil)
	for d := range msgs {
		db.Exec("UPDATE stock SET amount = amount - 1 WHERE id = $1", d.Body)
		d.Ack(false)
	}
}
`

test("fire-and-forget-ack speaks of a broker that forgets what it sends when rows depend on it", async () => {
  expect(await messages(worker(true))).toEqual([
    "the broker forgets each message when it is sent, before it is written anywhere",
  ])
  expect(await messages(worker(false))).toEqual([])
})
