import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { describe, expect, onTestFinished, test } from "vitest"
import { Events } from "../events/index.ts"
import type { Store } from "../store/index.ts"
import { ManualClock, systemClock, systemRng } from "../time/index.ts"
import { watch } from "./changeSignal.ts"
import { sqlite } from "./index.ts"
import type { FileIdentity } from "./safety.ts"

/** A database whose changes are made by hand. */
class Source {
  readonly clock = new ManualClock()
  readonly file: FileIdentity | null = null
  mark: number | undefined = 1
  failing = false

  changeMark(): number | undefined {
    if (this.failing) throw new Error("disk I/O error")
    return this.mark
  }
}

/** A file whose system tells about writes, when the test lets it. */
class FileSource extends Source {
  override readonly file = { path: "/db", realPath: "/db", device: 1n, inode: 1n }
  looks = 0
  announce: () => void = () => {}
  breakDown: () => void = () => {}
  watching = false

  override changeMark(): number | undefined {
    this.looks += 1
    return super.changeMark()
  }

  watch(listener: () => void): () => void {
    return watch(this, listener, (_, onWrite, onEnd) => {
      this.watching = true
      this.announce = onWrite
      this.breakDown = onEnd
      return () => {
        this.watching = false
      }
    })
  }
}

describe("where the system tells about writes", () => {
  test("an idle database is hardly looked at", async () => {
    const source = new FileSource()
    source.watch(() => {})
    source.looks = 0
    await source.clock.advance(10_000)
    expect(source.looks).toBeLessThanOrEqual(20)
  })

  test("a commit is noticed soon after it is there, however long its sync took", async () => {
    for (const syncMs of [0, 3, 8, 50, 900]) {
      const source = new FileSource()
      let noticedMono = -1
      source.watch(() => {
        noticedMono = source.clock.monotonic()
      })
      await source.clock.advance(5_000)
      source.announce()
      await source.clock.advance(syncMs)
      source.mark = 2
      const thereMono = source.clock.monotonic()
      await source.clock.advance(100)
      expect(noticedMono - thereMono, `sync of ${syncMs} ms`).toBeGreaterThanOrEqual(0)
      expect(noticedMono - thereMono, `sync of ${syncMs} ms`).toBeLessThanOrEqual(10)
    }
  })

  test("a commit whose announcement came together with that of the one before is noticed as soon", async () => {
    const source = new FileSource()
    let calls = 0
    source.watch(() => calls++)
    source.announce()
    source.mark = 2
    await source.clock.advance(20)
    expect(calls).toBe(1)
    source.mark = 3
    await source.clock.advance(10)
    expect(calls).toBe(2)
  })

  test("also among other commits, one that is announced is looked for at once", async () => {
    const source = new FileSource()
    const noticed: number[] = []
    source.watch(() => noticed.push(source.clock.monotonic()))
    for (let mark = 2; mark < 12; mark++) {
      source.announce()
      source.mark = mark
      const thereMono = source.clock.monotonic()
      await source.clock.advance(17)
      expect(noticed.at(-1)! - thereMono).toBeLessThanOrEqual(1)
    }
    expect(noticed).toHaveLength(10)
  })

  test("a database that is written to all the time is looked at no more often for that", async () => {
    const source = new FileSource()
    source.watch(() => {})
    source.looks = 0
    for (let ms = 0; ms < 1_000; ms++) {
      source.announce()
      await source.clock.advance(1)
    }
    expect(source.looks).toBeLessThanOrEqual(110)
  })

  test("a commit that was not announced is noticed all the same", async () => {
    const source = new FileSource()
    let calls = 0
    source.watch(() => calls++)
    source.mark = 2
    await source.clock.advance(500)
    expect(calls).toBe(1)
  })

  test.each(["stays silent", "breaks down"])(
    "and it %s, the database is looked at all the time",
    async (how) => {
      const source = new FileSource()
      let calls = 0
      source.watch(() => calls++)
      if (how === "breaks down") source.breakDown()
      for (let change = 0; change < 3; change++) {
        source.mark = (source.mark ?? 0) + 1
        await source.clock.advance(500)
      }
      expect(source.watching).toBe(false)
      calls = 0
      source.mark = 100
      await source.clock.advance(10)
      expect(calls).toBe(1)
    },
  )

  test("a storm of writes causes no storm of calls", async () => {
    const source = new FileSource()
    let calls = 0
    source.watch(() => calls++)
    for (let write = 0; write < 1_000; write++) {
      source.announce()
      source.mark = (source.mark ?? 0) + 1
      await source.clock.advance(1)
    }
    expect(calls).toBeLessThanOrEqual(104)
    expect(calls).toBeGreaterThanOrEqual(95)
  })

  test("the last watch to end leaves nothing behind", () => {
    const source = new FileSource()
    const stop = source.watch(() => {})
    source.announce()
    stop()
    source.announce()
    expect(source.watching).toBe(false)
    expect(source.clock.pending).toBe(0)
  })
})

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
