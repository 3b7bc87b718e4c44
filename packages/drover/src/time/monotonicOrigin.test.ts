import { execFileSync } from "node:child_process"
import { expect, test } from "vitest"
import { systemClock } from "./index.ts"

test("two processes of one machine name one origin, and their readings follow each other", () => {
  const module = JSON.stringify(new URL("index.ts", import.meta.url).href)
  const script = `
    import { systemClock } from ${module}
    console.log(JSON.stringify([systemClock.monotonicOrigin, systemClock.monotonic()]))`
  const before = systemClock.monotonic()
  const text = execFileSync(process.execPath, ["--input-type=module", "-e", script]).toString()
  const [origin, mono] = JSON.parse(text) as [string, number]
  expect(systemClock.monotonicOrigin).toBeTypeOf("string")
  expect(origin).toBe(systemClock.monotonicOrigin)
  expect(mono).toBeGreaterThan(before)
  expect(mono).toBeLessThan(systemClock.monotonic())
})
