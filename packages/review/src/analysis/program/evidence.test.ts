import { expect, test } from "vitest"
import { Evidence, moduleOf } from "./evidence.ts"

test.each([
  ["main.go", ""],
  ["src/main.go", ""],
  ["services/orders/src/main.go", "services/orders"],
  ["platform/apps/web/index.ts", "platform/apps/web"],
  ["services/main.go", ""],
])("%s belongs to the module %j by its folders' names", (path, module) => {
  expect(moduleOf(path)).toBe(module)
})

test("folders that are named as services come first, the outermost of them", () => {
  const services = { patterns: ["team/*"], has: (folder: string) => /^team\/\w+/.test(folder) }
  expect(moduleOf("team/orders/apps/web/index.ts", services)).toBe("team/orders")
  expect(moduleOf("other/orders/index.ts", services)).toBe("")
  expect(moduleOf("services/orders/index.ts", services)).toBe("services/orders")
})

test("what a comment says is no evidence of what runs", () => {
  const evidence = new Evidence(
    [],
    [
      { path: "a.js", text: "// the broker may route it to a dead-letter queue\nrun()\n" },
      { path: "b.yaml", text: "# replicas: 3\nreplicas: 1\n" },
      { path: "c.js", text: "  deadLetter(message) // kept\n" },
    ],
  )
  const find = (pattern: RegExp) => evidence.find("a.js", pattern, "everywhere", "test")?.path
  expect(find(/dead-?letter/i)).toBe("c.js")
  expect(find(/replicas: [23]/)).toBeUndefined()
})
