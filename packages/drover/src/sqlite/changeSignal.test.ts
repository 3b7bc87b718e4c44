import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { expect, onTestFinished, test } from "vitest"
import { Events } from "../events/index.ts"
import type { Store } from "../store/index.ts"
import { ManualClock, systemClock, systemRng } from "../time/index.ts"
import { watch } from "./changeSignal.ts"
import { sqlite } from "./index.ts"

/** A database whose changes are made by hand. */
class Source {
  readonly clock = new ManualClock()
  mark: number | undefined = 1
  failing = false

  changeMark(): number | undefined {
    if (this.failing) throw new Error("disk I/O error")
    return this.mark
  }
}

test("a listener is called once for each change that is seen", async () => {
  const source = new Source()
  let calls = 0
  watch(source, () => calls++)
  await source.clock.advance(1_000)
  expect(calls).toBe(0)
  source.mark = 2
  await source.clock.advance(1_000)
  expect(calls).toBe(1)
})

test("a change from before the watch is none", async () => {
  const source = new Source()
  source.mark = 5
  let calls = 0
  watch(source, () => calls++)
  await source.clock.advance(1_000)
  expect(calls).toBe(0)
})

test("all watches share one timer, which ends with the last of them", () => {
  const source = new Source()
  const stops = [watch(source, () => {}), watch(source, () => {})]
  expect(source.clock.pending).toBe(1)
  stops[0]?.()
  stops[0]?.()
  expect(source.clock.pending).toBe(1)
  stops[1]?.()
  expect(source.clock.pending).toBe(0)
})

test("a listener that ends its watch leaves no timer behind", async () => {
  const source = new Source()
  const stop = watch(source, () => stop())
  source.mark = 2
  await source.clock.advance(1_000)
  expect(source.clock.pending).toBe(0)
})

test("a database that cannot be read for a while is watched on", async () => {
  const source = new Source()
  let calls = 0
  watch(source, () => calls++)
  source.failing = true
  await source.clock.advance(100)
  source.failing = false
  source.mark = 2
  await source.clock.advance(1_000)
  expect(calls).toBe(1)
})

test("a commit of another process is noticed, by Drover or not", async () => {
  const folder = mkdtempSync(join(tmpdir(), "drover-watch-"))
  const path = join(folder, "app.db")
  const store: Store = sqlite(path).connect({
    clock: systemClock,
    rng: systemRng,
    events: new Events(),
  })
  await store.open({ migrate: true })
  const other = new DatabaseSync(path)
  onTestFinished(async () => {
    other.close()
    await store.close()
    rmSync(folder, { recursive: true })
  })
  const changed = new Promise<string>((resolve) => {
    store.watch(() => resolve("changed"))
  })
  other.exec("create table note (text text)")
  expect(await changed).toBe("changed")
})
