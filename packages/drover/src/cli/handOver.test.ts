import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath, pathToFileURL } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"
import { findProgram } from "./handOver.ts"

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url))

/** Says what reached it, and ends with a status that no command of drover has. */
const ECHO = `
let input = ""
for await (const chunk of process.stdin) input += chunk
console.log(JSON.stringify({ words: process.argv.slice(2), cwd: process.cwd(), input }))
console.error("beside")
process.exitCode = 41
`

let folder: string

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "drover-hand-")))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** Puts a reviewer into a project, as npm does. */
async function install(project: string, program: string): Promise<string> {
  const place = join(project, "node_modules/@drover/review")
  await mkdir(join(place, "dist"), { recursive: true })
  const manifest = {
    name: "@drover/review",
    type: "module",
    bin: { "drover-review": "dist/main.js" },
    exports: { "./package.json": "./package.json" },
  }
  await writeFile(join(place, "package.json"), JSON.stringify(manifest))
  await writeFile(join(place, "dist/main.js"), program)
  return join(place, "dist/main.js")
}

function start(words: readonly string[], cwd = folder, nodeWords: string[] = []): ChildProcess {
  return spawn(process.execPath, [...nodeWords, MAIN, ...words], { cwd })
}

async function exit(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null]
  return code ?? signal
}

test("the reviewer gets the words, the folder and the input as they are, and its status is ours", async () => {
  await install(folder, ECHO)
  const deep = join(folder, "src/jobs")
  await mkdir(deep, { recursive: true })
  const words = ["--json", "--config=x", "--help", "-h", "", "two words", "--", "--db", "$HOME;*"]
  const child = start(["review", ...words], deep)
  child.stdin!.end("diff --git")
  const [code, out, err] = await Promise.all([
    exit(child),
    text(child.stdout!),
    text(child.stderr!),
  ])
  expect(JSON.parse(out)).toEqual({ words, cwd: deep, input: "diff --git" })
  expect([code, err]).toEqual([41, "beside\n"])
})

test("a request to stop reaches the reviewer, which ends in its own way", async () => {
  await install(
    folder,
    `process.on("SIGTERM", () => process.exit(7))
setInterval(() => {}, 1000)
console.log("ready")`,
  )
  const child = start(["review"])
  const ended = exit(child)
  await once(child.stdout!, "data")
  child.kill("SIGTERM")
  expect(await ended).toBe(7)
})

test("a reviewer that was killed gives the status that shells give", async () => {
  await install(folder, `process.kill(process.pid, "SIGKILL")\nawait new Promise(() => {})`)
  expect(await exit(start(["review"]))).toBe(137)
})

test("without the reviewer nothing is run, and the caller reads how to install it", async () => {
  // This checkout has the package beside drover, so it is hidden.
  const hooks = `import module from "node:module"
const resolve = module._resolveFilename
module._resolveFilename = function (name, ...more) {
  if (name.startsWith("@drover/review")) throw new Error("not here")
  return resolve.call(this, name, ...more)
}`
  const hide = `data:text/javascript,${encodeURIComponent(hooks)}`
  const child = start(["review", "src"], folder, ["--import", hide])
  const [code, out, err] = await Promise.all([
    exit(child),
    text(child.stdout!),
    text(child.stderr!),
  ])
  expect([code, out]).toEqual([2, ""])
  expect(err).toContain("@drover/review is not installed")
  expect(err).toContain("npm install --save-dev @drover/review")
})

test("the project's reviewer comes before the one beside drover, which serves projects without", async () => {
  const project = join(folder, "project")
  const global = join(folder, "global")
  await mkdir(project)
  const beside = await install(global, ECHO)
  const drover = pathToFileURL(join(global, "node_modules/drover/dist/cli/handOver.js")).href
  const find = (): string | null => findProgram("@drover/review", "drover-review", project, drover)
  expect(find()).toBe(beside)
  const own = await install(project, ECHO)
  expect(find()).toBe(own)
})

test("a package without its program, as in a checkout that was not built, counts as not installed", async () => {
  const project = join(folder, "project")
  await rm(await install(project, ECHO))
  const beside = pathToFileURL(join(folder, "main.js")).href
  expect(findProgram("@drover/review", "drover-review", project, beside)).toBe(null)
})
