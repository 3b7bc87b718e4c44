/**
 * Installs the packed package into an empty project, as a user does, and uses it there: every entry point
 * loads, a job runs from enqueue to result, a strict TypeScript program compiles against the declarations
 * alone, and the command answers. `node installMain.ts TARBALL`.
 */
import { cpSync } from "node:fs"
import { join } from "node:path"
import { EmptyProject } from "./emptyProject.ts"

const CONSUMER = join(import.meta.dirname, "consumer")

const [tarball = ""] = process.argv.slice(2)
try {
  using project = new EmptyProject()
  cpSync(CONSUMER, project.folder, { recursive: true })
  project.install(tarball, "drover")
  project.compile()
  project.run(process.execPath, ["main.ts"])
  const help = project.run(join(project.folder, "node_modules/.bin/drover"), ["--help"])
  if (!/usage/i.test(help)) throw new Error(`drover --help does not say how to use it:\n${help}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
