import { expect, test } from "vitest"
import { baselineText, isDate, parseBaseline, updateBaseline } from "./baseline.ts"
import { findingWith } from "./finding.fixture.ts"

const first = findingWith({ fingerprint: "00000000000000aa", path: "b.ts" })
const second = findingWith({ fingerprint: "00000000000000bb", path: "a.ts" })

test("what is written is read back, in the order of paths and one entry a line", async () => {
  const text = baselineText(updateBaseline(null, [first, second], "2026-01-01"))
  expect(text.split("\n")).toHaveLength(8)
  const { entries } = await parseBaseline("b.json", text)
  expect(entries.map(({ path, line }) => [path, line])).toEqual([
    ["a.ts", 4],
    ["b.ts", 5],
  ])
  expect(baselineText([])).toBe('{\n  "version": 1,\n  "entries": []\n}\n')
})

test("an update keeps reasons and days, and drops what is found no more", () => {
  const old = {
    file: "b.json",
    entries: [
      {
        fingerprint: "00000000000000aa",
        rule: "r",
        path: "old.ts",
        reason: "known",
        expires: "2027-01-01",
      },
      { fingerprint: "00000000000000cc", rule: "r", path: "gone.ts", reason: "gone" },
    ],
  }
  expect(updateBaseline(old, [first], "2026-01-01")).toEqual([
    {
      fingerprint: "00000000000000aa",
      rule: "lost-update",
      path: "b.ts",
      reason: "known",
      expires: "2027-01-01",
    },
  ])
  // One that expired is accepted anew.
  expect(updateBaseline(old, [first], "2028-01-01")[0]).not.toHaveProperty("expires")
})

test.each([
  ["{}", "version: is not 1"],
  ['{"version":2,"entries":[]}', "version: is not 1"],
  ['{"version":1}', "entries: is not a list"],
  ['{"version":1,"entries":[\n{}]}', 'b.json:2: entries[0]: "fingerprint" is missing'],
  [
    '{"version":1,"entries":[{"fingerprint":"xx","rule":"r","path":"p","reason":"w"}]}',
    '"xx" is not 16 hexadecimal digits',
  ],
  [
    '{"version":1,"entries":[{"fingerprint":"00000000000000aa","rule":"r","path":"p","reason":"w","expires":"2026-02-30"}]}',
    '"2026-02-30" is not a day',
  ],
  [
    '{"version":1,"entries":[{"fingerprint":"00000000000000aa","rule":"r","path":"p","reason":"w","expire":"x"}]}',
    'is not a key; did you mean "expires"?',
  ],
  [
    '{"version":1,"entries":[{"fingerprint":"00000000000000aa","rule":"r","path":"p","reason":""}]}',
    '"reason" is missing',
  ],
])("%s is refused", async (text, message) => {
  await expect(parseBaseline("b.json", text)).rejects.toThrow(message)
})

test("days are days of the calendar", () => {
  expect(["2024-02-29", "2026-12-31"].every(isDate)).toBe(true)
  expect(["2023-02-29", "2026-13-01", "26-01-01", "2026-1-1"].some(isDate)).toBe(false)
})
