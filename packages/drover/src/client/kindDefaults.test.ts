import { expect, test } from "vitest"
import type { JobContext } from "../jobs/define/jobContext.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { createTestDrover } from "../testing/index.ts"

test("what the kind says of key, tags and metadata holds unless the enqueue says otherwise", async () => {
  const index = defineJob("index", {
    ...{ tags: ["search"], metadata: { team: "find" } },
    unique: ({ doc }) => ({ key: doc, mode: "replace" }),
    run: ({ input }: JobContext<{ doc: string; rev: number }>) => input.rev,
  })
  await using world = createTestDrover({ jobs: [index] })
  const { drover } = world
  const first = await drover.enqueue(index, { doc: "a", rev: 1 })
  const second = await drover.enqueueKind("index", { doc: "a", rev: 2 })
  expect(second).toMatchObject({ id: first.id, status: "replaced" })
  expect(await first.get()).toMatchObject({
    ...{ input: { rev: 2 }, tags: ["search"], metadata: { team: "find" }, uniqueKey: "a" },
  })
  const many = await drover.enqueueMany(index, [
    { input: { doc: "a", rev: 3 }, options: { unique: false, tags: [] } },
    { input: { doc: "b", rev: 1 } },
  ])
  expect(many.map(({ status }) => status)).toEqual(["enqueued", "enqueued"])
  expect(await many[0]!.get()).toMatchObject({ uniqueKey: null, tags: [] })
})
