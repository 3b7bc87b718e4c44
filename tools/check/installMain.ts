/**
 * Installs the packed package into an empty project, as a user does, and uses it there: every entry point
 * loads, a job runs from enqueue to result, a strict TypeScript program compiles against the declarations
 * alone, and the command answers; and once more bundled, where no package is installed. `node installMain.ts TARBALL`.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { rolldown } from "rolldown"
import { EmptyProject } from "./emptyProject.ts"

const CONSUMER = join(import.meta.dirname, "consumer")

const [tarball = ""] = process.argv.slice(2)
try {
  using project = new EmptyProject()
  cpSync(CONSUMER, project.folder, { recursive: true })
  project.install(tarball, "drover")
  project.compile()
  project.run(process.execPath, ["main.ts"])
  const bundle = await bundled(project.folder)
  try {
    project.run(process.execPath, [join(bundle, "main.js")])
  } finally {
    rmSync(bundle, { recursive: true })
  }
  const help = project.run(join(project.folder, "node_modules/.bin/drover"), ["--help"])
  if (!/usage/i.test(help)) throw new Error(`drover --help does not say how to use it:\n${help}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

/** Bundles the program as docs/guides/deploying.md says, with an entry for each thread and for the module of isolated kinds. */
async function bundled(project: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "drover-bundle-"))
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }))
  const threads = ["beatWorker", "checkpointWorker", "childMain"]
  const made = await rolldown({
    cwd: project,
    platform: "node",
    input: {
      main: "./main.ts",
      jobs: "./jobs.ts",
      ...Object.fromEntries(threads.map((name) => [name, `drover/threads/${name}`])),
    },
  })
  await made.write({ dir: folder, format: "esm", chunkFileNames: "[name].js" })
  await made.close()
  return folder
}
