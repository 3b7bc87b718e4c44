import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { Ground } from "../files/ground.fixture.ts"
import { Cache, cacheKey, defaultCacheDir } from "./cache.ts"
import { writePack } from "./cacheFile.ts"
import type { PatternSource } from "./patterns.ts"
import type { FileRecord } from "./record.ts"

const LOCK: PatternSource = { source: "lock", flags: "" }
const SLEEP: PatternSource = { source: "sleep", flags: "i" }
const RECORD: FileRecord = { matches: [0], unit: new Uint8Array([1, 2, 3]), summary: '{"ä":1}' }
const KEY = cacheKey("a.go", "package a")

function open(
  ground: Ground,
  options: Partial<ConstructorParameters<typeof Cache>[0]> = {},
): Cache {
  const cacheDir = join(ground.folder, "cache")
  return new Cache({ root: ground.root, cacheDir, patterns: [LOCK], version: "1", ...options })
}

function filled(ground: Ground): string {
  const cache = open(ground)
  cache.keep(KEY, RECORD)
  cache.save()
  const [name] = readdirSync(join(ground.folder, "cache"))
  return join(ground.folder, "cache", name!)
}

test("what one run kept, the next one finds", () => {
  using ground = new Ground()
  filled(ground)
  const entry = open(ground).find(KEY)
  expect(entry?.asked).toBe(1)
  expect(entry?.record.matches).toEqual([0])
  expect([...entry!.record.unit!]).toEqual([1, 2, 3])
  expect(entry?.record.summary).toBe(RECORD.summary)
  expect(open(ground).find(cacheKey("b.go", "package a"))).toBeNull()
  expect(open(ground).find(cacheKey("a.go", "package b"))).toBeNull()
})

test("what a check found is kept for the latest few trees", () => {
  using ground = new Ground()
  const cache = open(ground)
  for (let i = 0; i < 10; i++) cache.keepResult(`${i}`, `["ä", ${i}]`)
  cache.save()
  const next = open(ground)
  expect(next.findResult("9")).toBe('["ä", 9]')
  expect(next.findResult("2")).toBe('["ä", 2]')
  expect(next.findResult("1")).toBeNull()
})

test("a text that nothing matches is kept without a tree", () => {
  using ground = new Ground()
  const cache = open(ground)
  cache.keep(KEY, { matches: [], unit: null, summary: null })
  cache.save()
  expect(open(ground).find(KEY)?.record).toEqual({ matches: [], unit: null, summary: null })
})

test("expressions of a new rule are put behind those that records know", () => {
  using ground = new Ground()
  filled(ground)
  const cache = open(ground, { patterns: [SLEEP, LOCK] })
  expect(cache.patterns).toEqual([LOCK, SLEEP])
  expect(cache.find(KEY)?.asked).toBe(1)
})

test("records of another version are not used, without a word", () => {
  using ground = new Ground()
  filled(ground)
  const cache = open(ground, { version: "2" })
  expect(cache.find(KEY)).toBeNull()
  expect(cache.notices).toEqual([])
})

test("a file that is cut, changed, empty or something else is ignored with a notice", () => {
  using ground = new Ground()
  const file = filled(ground)
  const whole = readFileSync(file)
  const flipped = Buffer.from(whole)
  flipped[flipped.length - 1]! ^= 1
  const made = join(ground.folder, "made.pack")
  const nothing = { version: "1", patterns: [], entries: new Map(), results: new Map() }
  expect(writePack(made, nothing, Infinity)).toBe(true)
  const lying = readFileSync(made)
  lying.writeUInt32LE(0xffff_ffff, 20)
  for (const bytes of [
    whole.subarray(0, -1),
    flipped,
    Buffer.alloc(0),
    Buffer.from("hello"),
    lying,
  ]) {
    writeFileSync(file, bytes)
    const cache = open(ground)
    expect(cache.find(KEY)).toBeNull()
    expect(cache.notices.map(({ code }) => code)).toEqual(["cache-ignored"])
  }
})

test("a damaged file is replaced by the next run that has something to keep", () => {
  using ground = new Ground()
  writeFileSync(filled(ground), "damaged")
  filled(ground)
  expect(open(ground).find(KEY)).not.toBeNull()
})

test("a link or a pipe in the place of the file is not followed", () => {
  using ground = new Ground()
  const file = filled(ground)
  const elsewhere = join(ground.folder, "elsewhere")
  writeFileSync(elsewhere, readFileSync(file))
  using other = new Ground()
  const name = file.slice(file.lastIndexOf("/") + 1)
  mkdirSync(join(other.folder, "cache"))
  symlinkSync(elsewhere, join(other.folder, "cache", name))
  const cache = open(ground, { cacheDir: join(other.folder, "cache") })
  expect(cache.find(KEY)).toBeNull()
  expect(cache.notices.map(({ code }) => code)).toEqual(["cache-ignored"])
})

test("the default folder is not used when it lies in what is reviewed; one that a person named is", () => {
  using ground = new Ground()
  const before = process.env["XDG_CACHE_HOME"]
  process.env["XDG_CACHE_HOME"] = ground.path("inside")
  try {
    const cache = open(ground, { cacheDir: undefined })
    expect(cache.notices.map(({ code }) => code)).toEqual(["cache-inside-root"])
    cache.keep(KEY, RECORD)
    cache.save()
    expect(readdirSync(ground.root)).toEqual([])
  } finally {
    if (before === undefined) delete process.env["XDG_CACHE_HOME"]
    else process.env["XDG_CACHE_HOME"] = before
  }
  const named = open(ground, { cacheDir: ground.path("cache") })
  expect(named.notices).toEqual([])
})

test("the person's cache folder is found as their system says, and never relative to where one stands", () => {
  expect(defaultCacheDir({ XDG_CACHE_HOME: "/x" })).toBe("/x/drover-review")
  expect(defaultCacheDir({ XDG_CACHE_HOME: ".cache", HOME: "relative" })).toBeNull()
})

test("a run that learned nothing writes nothing, and what nobody needs is forgotten in the end", () => {
  using ground = new Ground()
  const file = filled(ground)
  const before = readFileSync(file)
  const idle = open(ground)
  idle.find(KEY)
  idle.save()
  expect(readFileSync(file)).toEqual(before)
  for (let run = 0; run < 31; run++) {
    const cache = open(ground)
    cache.keep(cacheKey("b.go", `${run}`), RECORD)
    cache.save()
  }
  expect(open(ground).find(KEY)).toBeNull()
})

test("what is larger than a piece, and what fills pieces, comes back as it was", () => {
  using ground = new Ground()
  const units = [0, 1, 700_000, 400_000, (1 << 20) - 20, 1 << 20, 3_000_000].map((size) =>
    new Uint8Array(size).fill(size % 251),
  )
  const cache = open(ground)
  for (const [at, unit] of units.entries())
    cache.keep(cacheKey(`${at}.go`, ""), { ...RECORD, unit: unit.length > 0 ? unit : null })
  cache.keepResult("tree", "x".repeat(2_000_000))
  cache.save()
  const again = open(ground)
  for (const [at, unit] of units.entries()) {
    const record = again.find(cacheKey(`${at}.go`, ""))!.record
    expect(Buffer.compare(record.unit ?? new Uint8Array(), unit)).toBe(0)
    expect(record.summary).toBe(RECORD.summary)
  }
  expect(again.findResult("tree")).toBe("x".repeat(2_000_000))
})

test("a pack that would be too large is not begun", () => {
  using ground = new Ground()
  const file = join(ground.folder, "large.pack")
  const entries = new Map([[KEY, { record: RECORD, asked: 1, age: 0 }]])
  const pack = { version: "1", patterns: [LOCK], entries, results: new Map() }
  expect(writePack(file, pack, 50)).toBe(false)
  expect(existsSync(file)).toBe(false)
})
