import { expect, test } from "vitest"
import { createRepository } from "./repository.fixture.ts"
import { runSession } from "./session.ts"

const CONSUMER = `import logging

from aiokafka import AIOKafkaConsumer


async def run(mailer):
    consumer = AIOKafkaConsumer("invoices", group_id="mailer")
    async for message in consumer:
        try:
            await mailer.deliver(message.value)
        except Exception:
            logging.exception("could not deliver")
`

/** Tiers of what is said about the mailer while another folder has a dead-letter queue. */
async function said(config: object): Promise<string[]> {
  using repository = createRepository({
    "mailer/consumer.py": CONSUMER,
    "billing/queues.yaml": "x-dead-letter-exchange: failed\n",
    "drover.review.yaml": JSON.stringify(config),
  })
  const { all } = await runSession({
    root: repository.root,
    cacheDir: null,
    threads: 1,
    today: "2026-06-15",
    only: ["dlq-missing"],
  })
  return all.findings.map(({ tier }) => tier)
}

test("what one service has clears another only where the configuration does not tell them apart", async () => {
  expect(await said({})).toEqual([])
  expect(await said({ services: ["mailer", "billing"] })).toHaveLength(1)
  expect(await said({ services: ["*"] })).toHaveLength(1)
  expect(await said({ services: ["elsewhere/*"] })).toEqual([])
})
