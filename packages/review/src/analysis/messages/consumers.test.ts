import { expect, test } from "vitest"
import { acknowledgementsIn } from "./acknowledgements.ts"
import { consumersOf } from "./consumers.ts"
import { databaseWritesWithin } from "../rows/databaseWrites.ts"
import { programOf } from "../program/programOf.ts"
import { publishingsWithin } from "./publishings.ts"

async function found(path: string, text: string) {
  const program = await programOf([{ path, text }])
  return consumersOf(program, program.file(path)!).map(
    ({ broker, form, message }) => `${broker} ${form} ${message.join(" ")}`,
  )
}

test("a consumer is a callback, a listener or a loop, and knows the names of its message", async () => {
  expect(
    await found(
      "a.py",
      "from kafka import KafkaConsumer\ndef run():\n    for m in KafkaConsumer('a', group_id='g'):\n        print(m)\n",
    ),
  ).toEqual(["kafka loop m"])
  expect(
    await found(
      "a.ts",
      `import { connect } from "amqplib"\nexport const go = (channel: Channel) => channel.consume("q", (msg) => work(msg))`,
    ),
  ).toEqual(["amqp callback msg"])
  expect(
    await found(
      "A.java",
      `class A { @RabbitListener(queues = "q") void on(Order order) { ship(order); } }`,
    ),
  ).toEqual(["amqp listener order"])
  expect(
    await found(
      "a.go",
      `package a\nfunc (h *H) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {\n\tfor m := range claim.Messages() {\n\t\th.do(m)\n\t}\n\treturn nil\n}\n`,
    ),
  ).toEqual(["kafka loop m"])
})

test("a list that is called messages is no stream of a broker", async () => {
  expect(
    await found(
      "a.py",
      "from kafka import KafkaProducer\ndef run(messages):\n    for m in messages:\n        print(m)\n",
    ),
  ).toEqual([])
})

test("the commit of a database acknowledges no message", async () => {
  const program = await programOf([
    {
      path: "a.py",
      text: "def f(session, consumer):\n    session.commit()\n    consumer.commit()\n",
    },
  ])
  const file = program.file("a.py")!
  expect(acknowledgementsIn(file.functions[0]!).map((one) => file.textOf(one.call))).toEqual([
    "consumer.commit()",
  ])
})

test("events within the process are not published, and a cache is not written as a database is", async () => {
  const program = await programOf([
    {
      path: "a.ts",
      text: `import { Kafka } from "kafkajs"
export async function f(emitter: EventEmitter, cache: Map<string, string>, repository: OrderRepository) {
  emitter.emit("placed")
  cache.set("a", "b")
  await repository.save(order)
  await producer.send({ topic: "orders", messages: [] })
  value.toString()
}`,
    },
  ])
  const file = program.file("a.ts")!
  const [fn] = file.functions
  const shown = (from: { readonly start: number; readonly end: number }): string =>
    file.textOf(from).split("(")[0]!
  expect(publishingsWithin(program, file, fn!).map((one) => shown(one.from))).toEqual([
    "producer.send",
  ])
  expect(databaseWritesWithin(program, file, fn!).map((one) => shown(one.from))).toEqual([
    "repository.save",
  ])
})
