import { expect, test } from "vitest"
import { Events } from "../events/index.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { dropSchemas } from "../postgres/fixtures/dropSchema.ts"
import { connectTest, freshSchema, testServerUrl } from "../postgres/fixtures/testServer.ts"
import { postgres } from "../postgres/index.ts"
import { Drover } from "./drover.ts"

test("jobs that plain SQL enqueues are found at the next look, and obey the limits of their queue and keys", async () => {
  const schema = freshSchema()
  const events = new Events()
  let running = 0
  let most = 0
  const order: string[] = []
  const gates: (() => void)[] = []
  const job = defineJob("mail", {
    concurrency: [{ limit: 1, name: "tenant", key: () => null }],
    async run({ input }) {
      order.push(input as string)
      most = Math.max(most, ++running)
      const gate = Promise.withResolvers<void>()
      gates.push(gate.resolve)
      begun()
      await gate.promise
      running--
    },
  })
  let begun = (): void => {}
  const started = async (count: number): Promise<void> => {
    while (order.length < count)
      await new Promise<void>((resolve) => {
        begun = resolve
      })
  }
  const drover = new Drover({
    store: postgres({ url: await testServerUrl(), schema }),
    jobs: [job],
    queues: { default: { slots: 10, concurrency: 2 } },
    migrate: true,
    events,
  })
  const sql = await connectTest()
  try {
    const worker = await drover.work({ poll: "20ms" })
    // One after the other, when the worker looks for more long since: nothing but its next look tells of them.
    const enqueue = async (name: string, tenant: string): Promise<void> => {
      const keys = { "kind:mail#concurrency.tenant": tenant }
      const options = JSON.stringify({ keys })
      await sql.query(`select ${schema}.enqueue('mail', $1, $2)`, [JSON.stringify(name), options])
    }
    await enqueue("a1", "a")
    await started(1)
    await enqueue("a2", "a")
    await enqueue("b1", "b")
    await enqueue("c1", "c")
    await started(2)
    expect(order, "while a key is full the next one goes on").toEqual(["a1", "b1"])
    for (let done = 0; done < 4; done++) {
      await started(done + 1)
      const completed = events.next("job.completed")
      gates.shift()!()
      await completed
    }
    expect(order.toSorted()).toEqual(["a1", "a2", "b1", "c1"])
    expect(most).toBeLessThanOrEqual(2)
    await worker.stop()
  } finally {
    await drover.close()
    await dropSchemas(sql, schema)
    await sql.end()
  }
})
