import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { cacheStampede } from "./cacheStampede.ts"

async function tiers(body: string): Promise<string[]> {
  const text = `async function page(cache, api, slug, userId) {\n${body}\n}\n`
  const program = await programOf([{ path: "a.ts", text }])
  return applyRule(cacheStampede, program.file("a.ts")!, program).map((draft) => draft.tier)
}

const MISS = (key: string, ttl: string): string =>
  `const hit = await cache.get(${key})\nif (hit) return hit\nconst value = await api.fetch()\nawait cache.set(${key}, value${ttl})`

test("an entry that expires is loaded by all at once", async () => {
  expect(await tiers(MISS("slug", ", 60"))).toEqual(["likely"])
})

test("an entry that never expires, or that one client asks for, is only a hint", async () => {
  expect(await tiers(MISS("slug", ""))).toEqual(["context"])
  expect(await tiers(MISS("userId", ", 60"))).toEqual(["context"])
})

test("looking into one cache and writing another key is no miss", async () => {
  expect(
    await tiers(
      "const hit = await cache.get(slug)\nconst v = await api.fetch()\nawait cache.set(other, v, 60)",
    ),
  ).toEqual([])
})
