import { expect, test } from "vitest"
import type { Source } from "../analysis/program/program.ts"
import { Mentions } from "./mentions.ts"

/** A source that counts how often its text is read. */
function sourceOf(text: string, reads: string[]): Source {
  return {
    get text() {
      reads.push(text)
      return text
    },
  } as Source
}

test("a text that two trees share is asked once for both", () => {
  const reads: string[] = []
  const [shared, before, after] = ["take lock", "no", "lock it"].map((text) =>
    sourceOf(text, reads),
  )
  const head = [shared!, after!]
  const base = [shared!, before!]
  const mentions = new Mentions(head, base)
  expect(mentions.among(head, "lock")).toEqual([shared, after])
  expect(mentions.among(base, "lock")).toEqual([shared])
  expect(reads.toSorted()).toEqual(["lock it", "no", "take lock"])
  expect(mentions.among(base, "no")).toEqual([before])
})

test("words that are expected are all found when one is asked for, each as it is written", () => {
  const reads: string[] = []
  const sources = ["take Lock", "lock it", "a lease", "Sperre für alle"].map((text) =>
    sourceOf(text, reads),
  )
  const mentions = new Mentions(sources)
  mentions.expect(["lock", "lease", "für", ""])
  expect(reads).toEqual([])
  expect(mentions.among(sources, "lock")).toEqual([sources[1]])
  expect(reads.toSorted()).toEqual(["Sperre für alle", "a lease", "lock it", "take Lock"])
  expect(mentions.among(sources, "lease")).toEqual([sources[2]])
  expect(reads).toHaveLength(sources.length)
  // Words that the finder cannot take are looked for one by one.
  expect(mentions.among(sources, "für")).toEqual([sources[3]])
  expect(mentions.among(sources, "")).toEqual(sources)
})

test("a word that is expected again is not looked for again", () => {
  const reads: string[] = []
  const sources = [sourceOf("a lock", reads)]
  const mentions = new Mentions(sources)
  expect(mentions.among(sources, "lock")).toEqual(sources)
  mentions.expect(["lock", "lease"])
  expect(mentions.among(sources, "lock")).toEqual(sources)
  expect(reads).toHaveLength(1)
})
