import { expect, test } from "vitest"
import type { Source } from "../analysis/program.ts"
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
