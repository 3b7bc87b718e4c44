/**
 * A user's program on the packed package: it compiles against the declarations alone and runs on what was
 * built. `npm run check` copies this folder into an empty project.
 */
import assert from "node:assert/strict"
import { Drover, isDroverError } from "drover"
import { retry } from "drover/retry"
import * as slots from "drover/slots"
import { sqlite } from "drover/sqlite"
import * as testing from "drover/testing"
import { jobs } from "./jobs.ts"

const drover = new Drover({ store: sqlite("consumer.db"), jobs })
{
  await using worker = await drover.work()
  for (const job of jobs) {
    const handle = await drover.enqueue(job, 21)
    const result: { readonly doubled: number } = await handle.result({ timeout: "20s" })
    assert.equal(result.doubled, 42, job.kind)
    // @ts-expect-error: the input is a number.
    const refused: unknown = await drover.enqueue(job, "21").catch((error: unknown) => error)
    assert.ok(isDroverError(refused))
  }
  assert.ok(worker)
}
await drover.close()

assert.equal(await retry(() => Promise.resolve("once")), "once")
for (const entry of [slots, testing]) assert.notEqual(Object.keys(entry).length, 0)
