import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { afterEach, beforeEach, expect, test } from "vitest"
import { dropSchemas } from "./fixtures/dropSchemas.ts"
import { freshSchema, testServerUrl } from "./fixtures/testServer.ts"

let folder: string
let child: ChildProcess | undefined
let schema: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drover-leaving-"))
  schema = freshSchema()
})

afterEach(async () => {
  child?.kill("SIGKILL")
  await rm(folder, { recursive: true })
  await dropSchemas([schema])
})

/** Runs a program whose client is `drover`, and tells what it printed and how it ended. */
async function program(body: string): Promise<{ printed: string; code: number | null }> {
  const source = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href)
  const options = JSON.stringify({ url: await testServerUrl(), schema, max: 2 })
  const file = join(folder, "program.mjs")
  await writeFile(
    file,
    `import { defineJob, Drover } from ${source("../index.ts")}
import { postgres } from ${source("./index.ts")}
const greet = defineJob("greet", { run: ({ input }) => "hello " + input })
const drover = new Drover({ store: postgres(${options}), jobs: [greet], migrate: true })
${body}
`,
  )
  child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] })
  const printed = text(child.stdout!)
  const [code] = (await once(child, "exit")) as [number | null]
  return { printed: await printed, code }
}

test("a program that enqueued and has nothing left to do ends, also if it did not close its client", async () => {
  const { printed, code } = await program(`
await drover.enqueue(greet, "ann")
console.log("enqueued")`)
  expect([printed, code]).toEqual(["enqueued\n", 0])
})

test("a program that listened for changes ends too, once it waits for nothing", async () => {
  const { printed, code } = await program(`
const handle = await drover.enqueue(greet, "ann")
const waited = handle.result({ timeout: "300ms" }).catch((error) => error.code)
console.log(await waited)`)
  expect([printed, code]).toEqual(["DROVER_RESULT_TIMEOUT\n", 0])
})

test("a worker keeps its process alive until it is stopped, although all of its connections are idle", async () => {
  const { printed, code } = await program(`
const worker = await drover.work()
const handle = await drover.enqueue(greet, "ann", { runIn: "400ms" })
drover.on("job.completed", async () => {
  console.log(await handle.result())
  await worker.stop()
  console.log("stopped")
})`)
  expect([printed, code]).toEqual(["hello ann\nstopped\n", 0])
})
