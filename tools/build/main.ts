/** `npm run build`: makes the dist of each published package from nothing, with the texts that go into it beside it. */
import { spawnSync } from "node:child_process"
import { chmodSync, copyFileSync, rmSync } from "node:fs"
import { join } from "node:path"

const ROOT = join(import.meta.dirname, "../..")
const TSC = join(ROOT, "node_modules/typescript/bin/tsc")

process.exitCode = ["packages/drover", "packages/review"].map(build).find((status) => status !== 0)

/** @returns the compiler's exit status. */
function build(name: string): number {
  const folder = join(ROOT, name)
  const dist = join(folder, "dist")
  // A file whose source is gone must not be published.
  rmSync(dist, { recursive: true, force: true })
  const args = [TSC, "-p", join(folder, "tsconfig.build.json")]
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" })
  if (status !== 0) return status ?? 1
  chmodSync(join(dist, "cli/main.js"), 0o755)
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"))
  return 0
}
