import { existsSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import type { Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { configNames } from "../config.ts"
import { plainJson } from "../plainText.ts"
import { exitCodes } from "../terminal.ts"

const config = (extension: string): string => `import { defineConfig } from "drover"
import { sqlite } from "drover/sqlite"
import { greet } from "./jobs/greet.${extension}"

export default defineConfig({
  store: sqlite("drover.db"),
  jobs: [greet],
})
`

const JOB = `import { defineJob } from "drover"
import type { JobContext } from "drover"

/** Replace the annotation by a schema (\`input: z.object({ … })\`) to have inputs checked when they arrive. */
export const greet = defineJob("greet", {
  run({ input, log }: JobContext<{ name: string }>) {
    log.info(\`Hello, \${input.name}\`)
    return { greeted: input.name }
  },
})
`

/** `drover init`: a configuration and a job to start from. */
export const init: Command = {
  name: "init",
  summary: "write a drover.config.ts and a first job",
  usage: ["init"],
  options: {},
  async run({ positionals, terminal, json }) {
    if (positionals.length > 0) throw new UsageError("init takes no arguments")
    const written: string[] = []
    for (const [name, content] of Object.entries(await files(terminal.cwd))) {
      const path = join(terminal.cwd, name)
      await mkdir(dirname(path), { recursive: true })
      // "wx": whatever is there already stays as it is.
      const isNew = await writeFile(path, content, { flag: "wx" }).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === "EEXIST") return false
          throw error
        },
      )
      if (isNew) written.push(name)
      else terminal.note(`${name} is there already and was left as it is`)
    }
    if (json) terminal.out(plainJson({ written }))
    else {
      for (const name of written) terminal.out(`wrote ${name}`)
      terminal.out(`Next: drover enqueue greet '{"name":"you"}' && drover work`)
    }
    return exitCodes.ok
  },
}

async function files(folder: string): Promise<Readonly<Record<string, string>>> {
  const extension = (await isCommonJs(folder)) ? "mts" : "ts"
  // One that is there under another name would be read instead of a second one.
  const there = configNames.find((name) => existsSync(join(folder, name)))
  return {
    [there ?? `drover.config.${extension}`]: config(extension),
    [`jobs/greet.${extension}`]: JOB,
  }
}

/**
 * Whether Node takes a `.ts` of this folder for CommonJS, as in the packages that `npm init` makes: files that import
 * must be named `.mts` there.
 */
async function isCommonJs(folder: string): Promise<boolean> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const text = await readFile(join(at, "package.json"), "utf8").catch(() => undefined)
    if (text !== undefined) return typeOf(text) === "commonjs"
    if (dirname(at) === at) return false
  }
}

function typeOf(packageJson: string): unknown {
  try {
    return (JSON.parse(packageJson) as { readonly type?: unknown } | null)?.type
  } catch {
    // Not ours to complain about.
    return undefined
  }
}
