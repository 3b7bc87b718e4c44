/** `npm run build`: makes packages/drover/dist from nothing, with the texts that go into the package beside it. */
import { spawnSync } from "node:child_process"
import { chmodSync, copyFileSync, rmSync } from "node:fs"
import { join } from "node:path"

const ROOT = join(import.meta.dirname, "../..")
const PACKAGE = join(ROOT, "packages/drover")
const DIST = join(PACKAGE, "dist")

// A file whose source is gone must not be published.
rmSync(DIST, { recursive: true, force: true })
const tsc = join(ROOT, "node_modules/typescript/bin/tsc")
const args = [tsc, "-p", join(PACKAGE, "tsconfig.build.json")]
const { status } = spawnSync(process.execPath, args, { stdio: "inherit" })
if (status === 0) {
  chmodSync(join(DIST, "cli/main.js"), 0o755)
  copyFileSync(join(ROOT, "LICENSE"), join(PACKAGE, "LICENSE"))
}
process.exitCode = status ?? 1
