import { once } from "node:events"
import { afterEach, beforeEach, expect, test } from "vitest"
import {
  createRepository,
  JITTERED,
  ONLY_RETRIES,
  RETRY,
  type Repository,
} from "../session/repository.fixture.ts"
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

test("two runs, and runs with 1 and 4 threads, print the same bytes", async () => {
  repository.write("a/b.go", RETRY)
  const outputs: string[] = []
  for (const threads of ["1", "1", "4"]) {
    const words = ["--format", "sarif", "--root", ".", "--no-cache", "--threads", threads]
    outputs.push((await runProgram(words, { cwd: repository.root })).out)
  }
  expect(outputs[0]).toContain("retry-without-jitter")
  expect(new Set(outputs).size).toBe(1)
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
