import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { plainJson } from "../plainText.ts"
import { exitCodes } from "../terminal.ts"

const CONFIG = `import { defineConfig } from "drover"
import { sqlite } from "drover/sqlite"
import { greet } from "./jobs/greet.ts"

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

const FILES = { "drover.config.ts": CONFIG, "jobs/greet.ts": JOB } as const

/** `drover init`: a configuration and a job to start from. */
export const init: Command = {
  name: "init",
  summary: "write a drover.config.ts and a first job",
  usage: ["init"],
  options: {},
  async run({ positionals, terminal, json }) {
    if (positionals.length > 0) throw new UsageError("init takes no arguments")
    const written: string[] = []
    for (const [name, content] of Object.entries(FILES)) {
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
