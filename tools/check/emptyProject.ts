/** A project of a user, in which packed packages are installed and used. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const ROOT = join(import.meta.dirname, "../..")

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

export class EmptyProject {
  readonly folder: string = mkdtempSync(join(tmpdir(), "drover-consumer-"))

  constructor() {
    this.write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }))
    this.write("tsconfig.json", JSON.stringify(TSCONFIG))
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text)
  }

  /**
   * Installs a tarball with the dependencies that this checkout has, so nothing has to be fetched, or be in a cache
   * by chance.
   * @param name - the package's folder in packages/
   */
  install(tarball: string, name: string): void {
    const text = readFileSync(join(ROOT, "packages", name, "package.json"), "utf8")
    const { dependencies = {} } = JSON.parse(text) as { dependencies?: Record<string, string> }
    const tarballs = [tarball, ...Object.keys(dependencies).map((one) => this.#pack(one))]
    const flags = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund"]
    this.run("npm", ["install", ...flags, ...tarballs])
  }

  compile(): void {
    this.run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", this.folder])
  }

  /** @throws with what the program printed when it fails, unless it was to end with that status. */
  run(program: string, args: readonly string[], expectedStatus = 0): string {
    try {
      // What is remembered between runs stays in this project.
      const env = { ...process.env, XDG_CACHE_HOME: join(this.folder, "cache") }
      const printed = execFileSync(program, args, {
        env,
        cwd: this.folder,
        encoding: "utf8",
        stdio: "pipe",
      })
      if (expectedStatus === 0) return printed
    } catch (error) {
      const { status, stdout = "", stderr = "" } = error as ExecError
      if (status === expectedStatus) return stdout
      throw new Error(`${program} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error })
    }
    throw new Error(`${program} ${args.join(" ")} did not end with ${expectedStatus}`)
  }

  /** Packs a package as it is installed here. @returns the tarball. */
  #pack(name: string): string {
    const source = join(ROOT, "node_modules", name)
    const printed = this.run("npm", ["pack", "--silent", "--ignore-scripts", source])
    return join(this.folder, printed.trim())
  }
}

interface ExecError {
  readonly status?: number
  readonly stdout?: string
  readonly stderr?: string
}
