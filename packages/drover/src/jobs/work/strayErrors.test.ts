import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"

const fixture = fileURLToPath(new URL("./fixtures/strayErrors.ts", import.meta.url))

// The handlers are the process's, so each case runs in a process of its own.
function run(
  what: string,
  flags: readonly string[] = [],
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, ...flags, fixture, what])
    let out = ""
    let err = ""
    child.stdout.on("data", (data: Buffer) => (out += data.toString()))
    child.stderr.on("data", (data: Buffer) => (err += data.toString()))
    child.on("close", (code) => resolve({ code, out, err }))
  })
}

test("every error that a handler lets loose is told to its attempt, and the process lives on", async () => {
  const { code, out } = await run("owned")
  expect(out.trim().split("\n").toSorted()).toEqual([
    "a floating async function: 2",
    "a floating rejection: 1",
    "a throw in a timer: 3",
    "alive",
    "an error event without listener: 4",
  ])
  expect(code).toBe(0)
})

test.each(["unowned", "unowned rejection", "ended"])(
  "an error that belongs to no attempt ends the process as it always would: %s",
  async (what) => {
    const { code, out, err } = await run(what)
    expect(out).not.toContain("alive")
    expect(err).toMatch(/Error: [13]/)
    expect(code).toBe(1)
  },
)

test("who listens is told of what belongs to no attempt as if there were no worker, and the watch goes on", async () => {
  const { code, out } = await run("with a listener")
  const lines = out.trim().split("\n")
  expect(lines).toEqual(expect.arrayContaining(["1: 1 listening", "3: 1 listening"]))
  expect(lines).toContain("its attempt: 2")
  expect(code).toBe(0)
})

test("Node's own flags still decide about rejections that belong to no attempt", async () => {
  const { code, out } = await run("unowned rejection", ["--unhandled-rejections=warn"])
  expect(out).toContain("alive")
  expect(code).toBe(0)
})
