import { Readable } from "node:stream"
import fc from "fast-check"
import { expect, test } from "vitest"
import { encodeMessage, readMessages } from "./framing.ts"

async function read(chunks: readonly Uint8Array[]): Promise<string[]> {
  const found: string[] = []
  for await (const text of readMessages(Readable.from(chunks.map((chunk) => Buffer.from(chunk)))))
    found.push(text)
  return found
}

test("messages come out whole, however the stream is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }), { maxLength: 4 }),
      fc.array(fc.nat(80), { maxLength: 8 }),
      async (texts, cuts) => {
        const all = Buffer.concat(texts.map((text) => encodeMessage({ text })))
        const places = [
          0,
          ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b),
          all.length,
        ]
        const chunks = places.slice(1).map((end, at) => all.subarray(places[at], end))
        const found = await read(chunks)
        expect(found.map((text) => (JSON.parse(text) as { text: string }).text)).toEqual(texts)
      },
    ),
    { numRuns: 50 },
  )
})

test.each([
  ["no length", "Content-Type: x\r\n\r\n{}"],
  ["a length beyond reason", "Content-Length: 999999999\r\n\r\n{}"],
  ["no end", "x".repeat(10_000)],
])("a header with %s ends the stream", async (_, text) => {
  await expect(read([Buffer.from(text)])).rejects.toThrow(RangeError)
})
