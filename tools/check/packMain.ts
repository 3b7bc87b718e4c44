/** Packs a package as npm would publish it: `node packMain.ts PACKAGE TARBALL`. */
import { execFileSync } from "node:child_process"
import { renameSync } from "node:fs"
import { dirname, join } from "node:path"

const PACKAGES = join(import.meta.dirname, "../../packages")
const FORBIDDEN =
  /\.(?:test|fixture)\.|\/fixtures\/|tsconfig|tsbuildinfo|^(?:crash|fixtures|fuzz)\//
const REQUIRED = ["package.json", "LICENSE", "dist/index.js", "dist/index.d.ts", "dist/cli/main.js"]

const [name = "", tarball = ""] = process.argv.slice(2)
// The build ran a step ago, so the script that would run it again is left out.
const packed = execFileSync(
  "npm",
  ["pack", "--ignore-scripts", "--json", "--pack-destination", dirname(tarball)],
  { cwd: join(PACKAGES, name), encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
)
const { filename, paths } = readReport(packed)
const problems = [
  ...paths.filter((path) => FORBIDDEN.test(path)).map((path) => `${path} must not be published`),
  ...REQUIRED.filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
]
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
renameSync(join(dirname(tarball), filename), tarball)

/** npm 12 prints an object by package name where npm 11 prints a list. */
function readReport(json: string): { filename: string; paths: readonly string[] } {
  const report = JSON.parse(json) as Readonly<Record<string, PackReport>> | readonly PackReport[]
  const [first] = Object.values(report) as readonly PackReport[]
  if (first === undefined) throw new Error(`npm pack reported nothing: ${json}`)
  return { filename: first.filename, paths: first.files.map(({ path }) => path) }
}

interface PackReport {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}
