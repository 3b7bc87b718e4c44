/** `npm run build`: makes the dist of each published package from nothing, with the texts that go into it beside it. */
import { spawnSync } from "node:child_process"
import { chmodSync, copyFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { bundle } from "./bundle.ts"

const ROOT = join(import.meta.dirname, "../..")
const TSC = join(ROOT, "node_modules/typescript/bin/tsc")

process.exitCode =
  compile("packages/drover") ||
  compile("packages/review", "--emitDeclarationOnly", "--sourceMap", "false")
if (process.exitCode === 0) {
  const review = join(ROOT, "packages/review")
  await bundle(review, ["index", "cli/main", "engine/worker"], "engine")
  for (const folder of [join(ROOT, "packages/drover"), review]) {
    chmodSync(join(folder, "dist/cli/main.js"), 0o755)
    copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"))
  }
}

/** @returns the compiler's exit status. */
function compile(name: string, ...more: readonly string[]): number {
  const folder = join(ROOT, name)
  // A file whose source is gone must not be published.
  rmSync(join(folder, "dist"), { recursive: true, force: true })
  const args = [TSC, "-p", join(folder, "tsconfig.build.json"), ...more]
  return spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1
}
