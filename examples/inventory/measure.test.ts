import { createHash } from "node:crypto"
import { appendFile, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync, gzipSync } from "node:zlib"
import { afterEach, beforeEach, expect, test } from "vitest"
import { bytesOf, forTerminal, nameOf } from "./fileName.ts"
import { measureFile } from "./measure.ts"

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drover-measure-"))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

const never = new AbortController().signal

async function file(content: Buffer | string): Promise<Buffer> {
  const path = join(folder, "file")
  await writeFile(path, content)
  return Buffer.from(path)
}

test("a large file is read in pieces and measured as a small one is", async () => {
  const content = Buffer.alloc(3 * 1024 * 1024, "all work and no play\n")
  const measure = await measureFile(await file(content), never)
  expect(measure).toMatchObject({
    bytes: content.length,
    sha256: createHash("sha256").update(content).digest("hex"),
    lines: content.toString().split("\n").length - 1,
    mediaType: "text/plain",
  })
  expect(Math.abs(measure.gzipBytes - gzipSync(content).length)).toBeLessThan(64)
})

test("the media type comes from the content", async () => {
  expect((await measureFile(await file(""), never)).mediaType).toBe("application/x-empty")
  expect((await measureFile(await file(gzipSync("x")), never)).mediaType).toBe("application/gzip")
  expect((await measureFile(await file("a\0b"), never)).mediaType).toBe("application/octet-stream")
  expect((await measureFile(await file("né"), never)).mediaType).toBe("text/plain")
  expect(gunzipSync(gzipSync("né")).toString()).toBe("né")
})

test("a file that vanished, a symlink and a folder are rejected with the system's reason", async () => {
  await expect(measureFile(Buffer.from(join(folder, "gone")), never)).rejects.toMatchObject({
    code: "ENOENT",
  })
  await symlink("file", join(folder, "link"))
  await expect(measureFile(Buffer.from(join(folder, "link")), never)).rejects.toMatchObject({
    code: "ELOOP",
  })
  await expect(measureFile(Buffer.from(folder), never)).rejects.toMatchObject({ code: "ENOTREG" })
})

test("an abort ends the reading of a large file with its reason", async () => {
  const path = await file(Buffer.alloc(2 * 1024 * 1024))
  await appendFile(path, "end")
  const controller = new AbortController()
  controller.abort(new Error("enough"))
  await expect(measureFile(path, controller.signal)).rejects.toThrow(/enough|aborted/)
})

test("names survive as bytes, and are shown without being obeyed", () => {
  for (const bytes of [
    Buffer.from("plain"),
    Buffer.from("né\n"),
    Buffer.from([0x61, 0xff, 0xc3, 0x28, 0xc3, 0xa9]),
  ]) {
    expect(bytesOf(nameOf(bytes)).equals(bytes)).toBe(true)
  }
  expect(nameOf(Buffer.from([0x61, 0xff, 0xc3, 0xa9])).path).toBe(String.raw`a\xFFé`)
  expect(forTerminal("a\u001b[31m\n")).toBe(String.raw`a\u001b[31m\u000a`)
})
