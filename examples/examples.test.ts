import { execFile } from "node:child_process"
import { readdirSync } from "node:fs"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import { testServerUrl } from "../packages/drover/src/postgres/fixtures/testServer.ts"

const here = import.meta.dirname
const programs = readdirSync(here).filter(
  (name) => name.endsWith(".ts") && !name.endsWith(".test.ts"),
)

test("there are examples", () => {
  expect(programs).toContain("enqueue.ts")
})

test.each(programs)(
  "%s runs, says what happened, and ends by itself",
  { timeout: 120_000 },
  async (name) => {
    const run = promisify(execFile)
    const words = ["--conditions=@drover/source", `${here}/${name}`]
    // Those on Postgres are told where one is, as programs of users are.
    const env = { ...process.env, DATABASE_URL: await testServerUrl() }
    // Rejects for any exit status but 0.
    const { stdout, stderr } = await run(process.execPath, words, { env, timeout: 60_000 })
    expect(stdout.trim()).not.toBe("")
    expect(stderr).toBe("")
  },
)
