import { execFileSync } from "node:child_process"
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, expect, test } from "vitest"
import type { Finding } from "../findings/finding.ts"
import { edit, findingWith, reportWith } from "./finding.fixture.ts"
import { diffFixes, fixFiles, MAX_PASSES, type Analysed } from "./fix.ts"
import { unifiedDiff } from "./unifiedDiff.ts"
import { replaceFile } from "./writeFile.ts"

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function repository(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "drover-review-fix-"))
  folders.push(root)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

/** Stands for the rules: every "bad" of every file becomes "good", the first of a file per report. */
function analyse(root: string, paths: readonly string[]): Analysed {
  const texts = new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]))
  const findings: Finding[] = []
  for (const [path, text] of texts) {
    if (text.includes("bad")) findings.push(findingWith([edit(path, text, "bad", "good")]))
  }
  return { report: reportWith(findings), textOf: (path) => texts.get(path) ?? null }
}

test("files are fixed pass after pass until a run finds nothing, and keep mode, ends and mark", async () => {
  const root = repository({ "a/b.go": "\ufeffbad\r\nbad\r\nbad", "c.go": "fine" })
  chmodSync(join(root, "a/b.go"), 0o755)
  const again = async () => analyse(root, ["a/b.go", "c.go"])
  const outcome = await fixFiles({ root, level: "safe", first: await again(), again })
  expect(outcome).toMatchObject({ fixed: 3, files: ["a/b.go"], refused: [], passes: 3 })
  expect(outcome.last.report.findings).toEqual([])
  expect(readFileSync(join(root, "a/b.go"), "utf8")).toBe("\ufeffgood\r\ngood\r\ngood")
  expect(statSync(join(root, "a/b.go")).mode & 0o777).toBe(0o755)
  expect(readdirSync(join(root, "a"))).toEqual(["b.go"])
})

test("two rules that undo each other come to an end", async () => {
  const root = repository({ "a.go": "x" })
  const again = async (): Promise<Analysed> => {
    const text = readFileSync(join(root, "a.go"), "utf8")
    const other = text === "x" ? "y" : "x"
    return {
      report: reportWith([findingWith([edit("a.go", text, text, other)])]),
      textOf: () => text,
    }
  }
  const outcome = await fixFiles({ root, level: "safe", first: await again(), again })
  expect(outcome.passes).toBe(MAX_PASSES)
})

test("a file that cannot be written is told once and does not keep the others", async () => {
  const root = repository({ "a.go": "bad", "real.go": "bad" })
  symlinkSync("real.go", join(root, "link.go"))
  const again = async () => analyse(root, ["a.go", "link.go"])
  const outcome = await fixFiles({ root, level: "safe", first: await again(), again })
  expect(outcome.refused).toEqual([{ path: "link.go", reason: "a part of its path is a link" }])
  expect(outcome.files).toEqual(["a.go"])
  expect(readFileSync(join(root, "real.go"), "utf8")).toBe("bad")
})

test.each([
  "../out.go",
  "/etc/passwd",
  "a/../../out.go",
  "",
  "a//b",
  "a\\..\\b",
  "a\0b",
  ".git/config",
  "x/.GIT/hooks/a",
])("nothing is written to %j", (path) => {
  const root = repository({ "in/a.go": "bad" })
  expect(replaceFile(join(root, "in"), path, "bad", "good").kind).toBe("refused")
})

test("nothing is written through a folder that is a link", () => {
  const root = repository({ "out/a.go": "bad", "in/b.go": "" })
  symlinkSync(join(root, "out"), join(root, "in/link"))
  expect(replaceFile(join(root, "in"), "link/a.go", "bad", "good").kind).toBe("refused")
  expect(readFileSync(join(root, "out/a.go"), "utf8")).toBe("bad")
})

test("another name of the same file keeps its text", () => {
  const root = repository({ "out/a.go": "bad", "in/b.go": "" })
  linkSync(join(root, "out/a.go"), join(root, "in/a.go"))
  expect(replaceFile(join(root, "in"), "a.go", "bad", "good").kind).toBe("written")
  expect(readFileSync(join(root, "out/a.go"), "utf8")).toBe("bad")
})

test("a file that changed since it was read, and one that is no UTF-8, are left alone", () => {
  const root = repository({ "a.go": "bad, newer" })
  expect(replaceFile(root, "a.go", "bad", "good").kind).toBe("refused")
  const bytes = Buffer.from([0x62, 0xff, 0x63])
  writeFileSync(join(root, "b.go"), bytes)
  const text = bytes.toString("utf8")
  expect(replaceFile(root, "b.go", text, `${text}x`).kind).toBe("refused")
  expect(readFileSync(join(root, "b.go"))).toEqual(bytes)
})

test("a file left over from a broken write is not taken for ours to remove or follow", () => {
  const root = repository({ "a.go": "bad" })
  expect(replaceFile(root, "a.go", "bad", "good").kind).toBe("written")
  expect(readdirSync(root)).toEqual(["a.go"])
})

const LINES = Array.from({ length: 30 }, (_, i) => `line ${i + 1}\n`).join("")

test.each([
  ["one line", "a.go", LINES, LINES.replace("line 9\n", "other\n")],
  [
    "two places far apart",
    "a.go",
    LINES,
    LINES.replace("line 2\n", "").replace("line 28\n", "x\ny\n"),
  ],
  [
    "two places close together",
    "a.go",
    LINES,
    LINES.replace("line 8\n", "").replace("line 14\n", "x\ny\n"),
  ],
  ["an insertion at the start", "a.go", LINES, `first\n${LINES}`],
  ["an insertion at the end", "a.go", LINES, `${LINES}last\n`],
  ["a last line without an end", "a.go", "a\nb", "a\nc"],
  ["an end that is added", "a.go", "a\nb", "a\nb\n"],
  ["an end that is taken away", "a.go", "a\nb\n", "a\nb"],
  ["a line after one without an end", "a.go", "a", "a\nb"],
  ["lines that end in CRLF", "a.go", "a\r\nb\r\n", "a\r\nc\r\n"],
  ["everything", "a.go", "a\n", "b\n"],
  ["a name with blanks and signs", 'dir ü/a "b"\\c\t.go', "a\n", "b\n"],
  ["a name with blanks", "a b.go", "a\n", "b\n"],
])("git applies the diff of %s", (_what, path, before, after) => {
  const root = repository({ [path]: before })
  const diff = unifiedDiff(path, before, after)
  execFileSync("git", ["-c", "core.autocrlf=false", "apply", "-"], { cwd: root, input: diff })
  expect(readFileSync(join(root, path), "utf8")).toBe(after)
})

test("the diff of fixes has every file once, sorted, and writes nothing", () => {
  const root = repository({ "b.go": "bad\n", "a.go": "bad\n", "c.go": "fine\n" })
  const diff = diffFixes(analyse(root, ["b.go", "a.go", "c.go"]), "safe")
  expect(diff).toBe(
    "--- a/a.go\n+++ b/a.go\n@@ -1 +1 @@\n-bad\n+good\n--- a/b.go\n+++ b/b.go\n@@ -1 +1 @@\n-bad\n+good\n",
  )
  expect(readFileSync(join(root, "a.go"), "utf8")).toBe("bad\n")
})
