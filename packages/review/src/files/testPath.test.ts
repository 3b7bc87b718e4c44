import { expect, test } from "vitest"
import type { Language } from "../ir/nodes.ts"
import { isAsidePath, isExamplePath, isTestPath } from "./testPath.ts"

const TESTS: readonly (readonly [Language, string])[] = [
  ["go", "queue/queue_test.go"],
  ["go", "internal/testutil/wait.go"],
  ["python", "test_queue.py"],
  ["python", "app/queue_test.py"],
  ["python", "app/conftest.py"],
  ["python", "tests/helpers.py"],
  ["python", "t/integration/tasks.py"],
  ["typescript", "src/queue.test.ts"],
  ["typescript", "src/queue.spec.tsx"],
  ["typescript", "src/__tests__/queue.ts"],
  ["javascript", "src/queue.spec.js"],
  ["javascript", "vitest.config.mjs"],
  ["java", "src/test/java/a/Queue.java"],
  ["java", "src/main/java/a/QueueTest.java"],
  ["java", "a/QueueIT.java"],
  ["java", "a/TestQueue.java"],
  ["kotlin", "src/it/kotlin/a/TestQueue.kt"],
  ["kotlin", "src/commonTest/kotlin/Queue.kt"],
  ["kotlin", "a/QueueTests.kt"],
]

const CODE: readonly (readonly [Language, string])[] = [
  ["go", "queue/latest.go"],
  ["go", "contest/queue.go"],
  ["python", "app/testing_rate.py"],
  ["python", "app/protest.py"],
  ["typescript", "src/latest.ts"],
  ["typescript", "src/attestation/queue.ts"],
  ["java", "src/main/java/a/Contest.java"],
  ["java", "src/main/java/a/Testament.java"],
  ["java", "a/AUDIT.java"],
  ["java", "src/main/java/a/TestRunService.java"],
  ["kotlin", "src/main/kotlin/a/TestExecutionService.kt"],
  ["kotlin", "a/Latest.kt"],
]

test.each(TESTS)("%s: %s is a test", (language, path) => {
  expect(isTestPath(path, language)).toBe(true)
})

test.each(CODE)("%s: %s is no test", (language, path) => {
  expect(isTestPath(path, language)).toBe(false)
})

test("examples, scripts, benchmarks, migrations and commands are told by their folder", () => {
  for (const path of [
    "examples/a.go",
    "x/samples/a.py",
    "scripts/a.ts",
    "bench/a.go",
    "db/migrations/1.py",
    "cli/a.ts",
  ]) {
    expect(isExamplePath(path)).toBe(true)
  }
  for (const path of [
    "src/client/a.ts",
    "src/benchmarker.go",
    "src/sampler/a.py",
    "src/transcripts/a.ts",
  ]) {
    expect(isExamplePath(path)).toBe(false)
  }
})

test("what is run by hand is told from what a deployment runs", () => {
  for (const path of [
    "my-samples/a.kt",
    "jmh-benchmarks/src/A.java",
    "tools/a.go",
    ".semgrep/rules/a.py",
    "x/scripts/a.py",
    "ui/src/toast.stories.tsx",
  ])
    expect(isAsidePath(path)).toBe(true)
  for (const path of [
    "src/tools/search.ts",
    "db/migrations/1.py",
    "cli/a.ts",
    "src/resample/a.py",
    "app/static/scripts/socket.js",
  ])
    expect(isAsidePath(path)).toBe(false)
})

test.each([
  "src/main/java/com/example/orders/Payments.java",
  "src/main/kotlin/com/example/demo/OrderService.kt",
  "com/example/App.java",
])("%s is in the package that a generator made, and no example", (path) => {
  expect(isExamplePath(path)).toBe(false)
  expect(isAsidePath(path)).toBe(false)
})

test.each(["examples/src/main/java/com/example/App.java", "src/demo/java/org/acme/App.java"])(
  "%s is an example",
  (path) => {
    expect(isAsidePath(path)).toBe(true)
  },
)
