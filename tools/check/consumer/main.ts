/**
 * A user's program on the packed package: it compiles against the declarations alone and runs on what was
 * built. `npm run check` copies it into an empty project.
 */
import assert from "node:assert/strict"
import { rmSync } from "node:fs"
import { defineJob, Drover, isDroverError } from "drover"
import { retry } from "drover/retry"
import * as slots from "drover/slots"
import { sqlite } from "drover/sqlite"
import * as testing from "drover/testing"

/** A Standard Schema by hand: whole numbers. */
const wholeNumber = {
  "~standard": {
    version: 1,
    vendor: "consumer",
    validate: (value: unknown) =>
      Number.isInteger(value)
        ? { value: value as number }
        : { issues: [{ message: "not a whole number" }] },
    types: { input: 0, output: 0 },
  },
} as const

const double = defineJob("double", {
  input: wholeNumber,
  run: ({ input }) => ({ doubled: input * 2 }),
})

const drover = new Drover({ store: sqlite("consumer.db"), jobs: [double] })
{
  await using worker = await drover.work()
  const handle = await drover.enqueue(double, 21)
  const result: { readonly doubled: number } = await handle.result({ timeout: "20s" })
  assert.equal(result.doubled, 42)
  assert.ok(worker)
  // @ts-expect-error: the input is a number.
  const refused: unknown = await drover.enqueue(double, "21").catch((error: unknown) => error)
  assert.ok(isDroverError(refused))
}
await drover.close()
rmSync("consumer.db", { force: true })

assert.equal(await retry(() => Promise.resolve("once")), "once")
for (const entry of [slots, testing]) assert.notEqual(Object.keys(entry).length, 0)
