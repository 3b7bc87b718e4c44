import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import {
  createRepository,
  JITTERED,
  ONLY_RETRIES,
  RETRY,
  type Repository,
} from "../session/repository.fixture.ts"
import { FORMAT_NAMES } from "./options.ts"
import { runProgram, startProgram } from "./process.fixture.ts"

let repository: Repository

beforeEach(() => {
  repository = createRepository({ "client.go": RETRY, "drover.review.yaml": ONLY_RETRIES })
})
afterEach(() => repository[Symbol.dispose]())

test("the program prints findings and ends with 1", async () => {
  const { code, out } = await runProgram(["--format", "concise", "--root", "."], {
    cwd: repository.root,
  })
  expect(code).toBe(1)
  expect(out).toContain("client.go:10:3: medium retry-without-jitter")
})

test("in every format, runs with 1 and 4 threads, cold and warm, print the same bytes", async () => {
  // Enough text that threads are worth starting.
  const padding = "// nothing\n".repeat(1_400)
  for (let i = 0; i < 80; i++) repository.write(`part${i % 7}/f${i}.go`, RETRY + padding)
  const outputs: Record<string, string>[] = []
  for (const [folder, threads] of [
    ["a", "1"],
    ["a", "1"],
    ["b", "4"],
    ["b", "4"],
  ] as const) {
    const words = ["--root", ".", "--threads", threads, "--cache-dir", `.caches/${folder}`]
    const files = FORMAT_NAMES.flatMap((format) => ["--output", `${format}=.out/${format}`])
    const { out, err } = await runProgram([...words, ...files, "--statistics", "--verbose"], {
      cwd: repository.root,
    })
    const written = FORMAT_NAMES.map((format) => [
      format,
      readFileSync(join(repository.root, ".out", format), "utf8"),
    ])
    outputs.push({ out, err, ...Object.fromEntries(written) })
  }
  for (const text of FORMAT_NAMES) expect(outputs[0]![text]).toContain("part3/f10.go")
  expect(outputs[0]!["out"]).toMatch(/81 findings in 81 files \(81 files\)/)
  for (const other of outputs.slice(1)) expect(other).toEqual(outputs[0])
}, 60_000)

test("with --timing it says how long it took", async () => {
  const words = ["--root", ".", "--timing", "--output", "json=out.json"]
  const { out } = await runProgram(words, { cwd: repository.root })
  expect(out).toMatch(/\(1 file, \d+\.\d s\)/)
  const { ms } = JSON.parse(readFileSync(join(repository.root, "out.json"), "utf8")) as {
    ms: number
  }
  expect(ms).toBeGreaterThan(0)
})

test("a closed output is no fault", async () => {
  const child = startProgram(["--help"], { cwd: repository.root })
  child.stdout.destroy()
  const [code] = (await once(child, "close")) as [number]
  expect(code).toBe(0)
})

test("a watch prints what came and what went, and ends when it is told to", async () => {
  const child = startProgram(["--watch", "--format", "concise", "--root", "."], {
    cwd: repository.root,
  })
  let out = ""
  const seen = async (text: string): Promise<void> => {
    while (!out.includes(text)) {
      const [chunk] = (await once(child.stdout, "data")) as [Buffer]
      out += chunk.toString()
    }
    out = out.slice(out.indexOf(text) + text.length)
  }
  await seen("client.go:10:3: medium")
  repository.write("client.go", JITTERED)
  await seen("- client.go:10: medium retry-without-jitter")
  repository.write("client.go", RETRY)
  await seen("+ client.go:10: medium retry-without-jitter")
  child.kill("SIGTERM")
  const [code] = (await once(child, "close")) as [number]
  expect(code).toBe(0)
})
