import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { follow, matters } from "./follow.ts"

test.each([
  ["src/a.ts", true],
  ["deploy/values.yaml", true],
  ["drover.review.yaml", true],
  [".drover-baseline.json", true],
  ["a/.gitignore", true],
  ["notes.txt", false],
  [".git/index", false],
  ["node_modules/x/a.js", false],
])("a change of %s matters: %s", (path, expected) => {
  expect(matters(path)).toBe(expected)
})

test("a real change of a file is told", async () => {
  const root = await mkdtemp(join(tmpdir(), "review-watch-"))
  try {
    await mkdir(join(root, "src"))
    const told = Promise.withResolvers<void>()
    const end = follow(root, told.resolve, told.reject)
    await writeFile(join(root, "src", "a.go"), "package a\n")
    await expect(told.promise).resolves.toBeUndefined()
    end()
  } finally {
    await rm(root, { recursive: true })
  }
})
