import { DatabaseSync } from "node:sqlite"
import { describe, expect, onTestFinished, test } from "vitest"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { dropSchemas } from "../postgres/fixtures/dropSchema.ts"
import { connectTest, freshSchema, testServerUrl } from "../postgres/fixtures/testServer.ts"
import { postgres } from "../postgres/index.ts"
import { sqliteShared } from "../sqlite/index.ts"
import type { HealthCheck, StoreSource } from "../store/index.ts"
import { Drover } from "./drover.ts"
import type { DroverOptions } from "./droverOptions.ts"

const job = defineJob("a", { run: () => null })

const places: Readonly<Record<string, () => Promise<() => StoreSource>>> = {
  SQLite() {
    const db = new DatabaseSync(":memory:")
    onTestFinished(() => db.close())
    return Promise.resolve(() => sqliteShared(db))
  },
  async Postgres() {
    const schema = freshSchema()
    const client = await connectTest()
    onTestFinished(async () => {
      await dropSchemas(client, schema)
      await client.end()
    })
    const url = await testServerUrl()
    return () => postgres({ url, schema })
  },
}

/** What the doctor says while a client with each of these options works. */
async function diagnosed(
  source: () => StoreSource,
  clients: readonly Partial<DroverOptions>[],
): Promise<HealthCheck | undefined> {
  const running: Drover[] = []
  try {
    for (const options of clients) {
      const drover = new Drover({ store: source(), jobs: [job], migrate: true, ...options })
      running.push(drover)
      await drover.work()
    }
    return (await running[0]!.doctor()).find(({ check }) => check === "maintenance")
  } finally {
    for (const drover of running) await drover.close()
  }
}

describe.each(Object.entries(places))("on %s", (_, place) => {
  test("the doctor tells when clients that may lead would keep jobs for different times", async () => {
    const source = await place()
    const forEver = { retention: { completed: false } } as const
    const check = await diagnosed(source, [forEver, {}])
    expect(check).toMatchObject({ status: "warn", value: 1 })
    expect(check?.message).toContain("completedMs is 86400000 or false")
  })

  test("clients that say the same are well, and so is one that never leads", async () => {
    const source = await place()
    const same = { maintenance: { sweep: "5s" } } as const
    expect(await diagnosed(source, [same, same, { lead: false }])).toMatchObject({ status: "ok" })
  })
})
