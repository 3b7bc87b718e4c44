/**
 * Installs the packed reviewer into an empty project and reviews a folder there, by the command and by the function,
 * with threads and the grammars that the package brings. `node installReviewMain.ts TARBALL`.
 */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { EmptyProject } from "./emptyProject.ts"

const RETRY = `import time
import requests

def load(url):
    delay = 1
    while True:
        try:
            return requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(delay)
            delay = delay * 2
`
/** So much text that threads read it. */
const FILLER = "def work(a, b):\n    return [a.lock(b), b.wait(a)]\n".repeat(200)
const FILES = 60

const PROGRAM = `import { review, type Review } from "@drover/review"

const result: Review = await review({ root: "code", cacheDir: null, threads: 2 })
console.log(JSON.stringify([result.files, result.notices.length, result.findings.length > 0]))
`

const [tarball = ""] = process.argv.slice(2)
try {
  using project = new EmptyProject()
  project.install(tarball, "review")
  mkdirSync(join(project.folder, "code"))
  project.write("code/retry.py", RETRY)
  for (let i = 0; i < FILES; i++) project.write(`code/work${i}.py`, FILLER)
  project.write("main.ts", PROGRAM)
  project.compile()
  const said = project.run(process.execPath, ["main.ts"]).trim()
  if (said !== `[${FILES + 1},0,true]`)
    throw new Error(`the function found something else: ${said}`)
  const command = join(project.folder, "node_modules/.bin/drover-review")
  const json = project.run(command, ["--root", "code", "--format", "json"], 1)
  const { findings } = JSON.parse(json) as { findings: readonly { readonly rule: string }[] }
  if (!findings.some(({ rule }) => rule === "retry-without-jitter")) {
    throw new Error(`the command found something else:\n${json}`)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
