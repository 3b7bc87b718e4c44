/**
 * Installs the packed package into an empty project, as a user does, and uses it there: every entry point
 * loads, a job runs from enqueue to result, a strict TypeScript program compiles against the declarations
 * alone, and the command answers. `node installMain.ts TARBALL`.
 */
import { execFileSync } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const ROOT = join(import.meta.dirname, "../..")
const CONSUMER = join(import.meta.dirname, "consumer")

/** As strict as a user may be, our declarations included, and without the condition that leads to our sources. */
const TSCONFIG = {
  compilerOptions: {
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    allowImportingTsExtensions: true,
    verbatimModuleSyntax: true,
    typeRoots: [join(ROOT, "node_modules/@types")],
    types: ["node"],
  },
  include: ["*.ts"],
}

const [tarball = ""] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), "drover-consumer-"))
try {
  cpSync(CONSUMER, folder, { recursive: true })
  const manifest = { name: "consumer", private: true, type: "module" }
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest))
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG))

  // Its dependencies are those that this checkout has, so nothing has to be fetched, or be in a cache by chance.
  const tarballs = [tarball, ...Object.keys(dependencies()).map(pack)]
  run("npm", ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", ...tarballs])
  run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", folder])
  run(process.execPath, ["main.ts"])
  const help = run(join(folder, "node_modules/.bin/drover"), ["--help"])
  if (!/usage/i.test(help)) throw new Error(`drover --help does not say how to use it:\n${help}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function dependencies(): Readonly<Record<string, string>> {
  const text = readFileSync(join(ROOT, "packages/drover/package.json"), "utf8")
  return (JSON.parse(text) as { dependencies?: Record<string, string> }).dependencies ?? {}
}

/** Packs a package as it is installed here. @returns the tarball. */
function pack(name: string): string {
  const source = join(ROOT, "node_modules", name)
  const printed = run("npm", ["pack", "--silent", "--ignore-scripts", source])
  return join(folder, printed.trim())
}

/** @throws with what the program printed when it fails. */
function run(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { cwd: folder, encoding: "utf8", stdio: "pipe" })
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error })
  }
}
