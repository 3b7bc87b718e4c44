import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"
import { ownFile } from "./ownFile.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "drover-own-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const urlOf = (name: string): string => pathToFileURL(join(folder, name)).href

test.each(["ts", "js", "mjs"])(
  "a file is found beside the one that starts it, built, bundled or neither: .%s",
  (extension) => {
    writeFileSync(join(folder, `child.${extension}`), "")
    expect(ownFile(urlOf(`parent.${extension}`), "child").href).toBe(urlOf(`child.${extension}`))
  },
)

test("a bundle that left the file out is told how to leave out all of it, or none", () => {
  const says = expect.objectContaining({
    code: "DROVER_CONFIG",
    message: expect.stringMatching(
      /child\.js.*a bundler left it out.*--external:drover.*drover\/threads\/child an entry/,
    ),
  })
  expect(() => ownFile(urlOf("bundle.js"), "child")).toThrow(says)
  // What import.meta.url is in a bundle of CommonJS.
  expect(() => ownFile(undefined, "child")).toThrow(says)
})
