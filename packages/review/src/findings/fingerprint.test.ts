import { createHash } from "node:crypto"
import { expect, test } from "vitest"
import { fingerprintOf, fingerprintsOf, type Identity } from "./fingerprint.ts"

const identity: Identity = {
  rule: "retry-without-jitter",
  path: "src/a.go",
  symbol: "dial",
  lineText: "\ttime.Sleep(delay)",
}

test("the form of a fingerprint is the documented one, which others have stored", () => {
  const form = '["retry-without-jitter","src/a.go","dial","time.Sleep(delay)",0]'
  expect(fingerprintOf(identity, 0)).toBe(
    createHash("sha256").update(form).digest("hex").slice(0, 16),
  )
  expect(fingerprintOf(identity, 0)).toMatchInlineSnapshot(`"1aba5666d5a574df"`)
})

test("indentation, alignment and line ends do not change a fingerprint", () => {
  const moved = { ...identity, lineText: "        time.Sleep(delay)  \r" }
  expect(fingerprintOf(moved, 0)).toBe(fingerprintOf(identity, 0))
})

test("each part tells findings apart", () => {
  const others: Identity[] = [
    { ...identity, rule: "poll-without-jitter" },
    { ...identity, path: "src/b.go" },
    { ...identity, symbol: "listen" },
    { ...identity, lineText: "time.Sleep(wait)" },
    { ...identity, symbol: 'dial","time.Sleep(delay)', lineText: "" },
  ]
  const all = [...fingerprintsOf([identity, ...others]), fingerprintOf(identity, 1)]
  expect(new Set(all).size).toBe(all.length)
})

test("equal findings are counted in the order in which they come", () => {
  const other = { ...identity, symbol: "listen" }
  expect(fingerprintsOf([identity, other, identity, identity])).toEqual([
    fingerprintOf(identity, 0),
    fingerprintOf(other, 0),
    fingerprintOf(identity, 1),
    fingerprintOf(identity, 2),
  ])
})
