/** `drover-review init`: a configuration that says what can be set, and a job for the CI that the repository has. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { CONFIG_FILES } from "../../config/readConfig.ts"
import { pathInRoot } from "../../files/workTree.ts"
import { rules } from "../../rules/rules.ts"
import type { Command } from "../command.ts"
import { everywhere, type OptionSpecs } from "../options.ts"
import { textOf } from "../parse.ts"
import { rootOf } from "../root.ts"
import { exitCodes } from "../terminal.ts"
import { UsageError } from "../usage.ts"
import { version } from "../version.ts"
import { ciFiles, type CiHost } from "./initFiles.ts"
import { configTemplate } from "./initConfig.ts"

const HOSTS = ["github", "gitlab", "none"] as const

const options: OptionSpecs = {
  ...everywhere,
  ci: {
    type: "string",
    group: "run",
    value: "HOST",
    choices: HOSTS,
    about: "which CI gets a job; default: the one that the repository has",
  },
}

export const initCommand: Command = {
  name: "init",
  summary: "write a commented configuration and a CI file",
  usage: ["init [--ci github|gitlab|none]"],
  options,
  run({ parsed, terminal }) {
    if (parsed.positionals.length > 0) {
      throw new UsageError(
        `"init" takes no path, and was given "${parsed.positionals[0]}"; use --root`,
      )
    }
    const root = rootOf(parsed, terminal)
    const host = (textOf(parsed, "ci") as CiHost | "none" | undefined) ?? hostOf(root)
    const present = CONFIG_FILES.find((file) => existsSync(join(root, file)))
    if (present !== undefined) terminal.err(`${present} is there already and stays as it is\n`)
    else write(root, CONFIG_FILES[0], configTemplate(rules), terminal.out)
    if (host !== "none") {
      const { file, text, note } = ciFiles[host](version())
      if (existsSync(join(root, file)))
        terminal.err(`${file} is there already and stays as it is\n`)
      else {
        write(root, file, text, terminal.out)
        terminal.out(note)
      }
    }
    return Promise.resolve(exitCodes.clean)
  },
}

function hostOf(root: string): CiHost | "none" {
  if (existsSync(join(root, ".gitlab-ci.yml"))) return "gitlab"
  return existsSync(join(root, ".github")) ? "github" : "none"
}

/** Creates a file and never overwrites one, also not one that appears in between. */
function write(root: string, file: string, text: string, say: (line: string) => void): void {
  const path = join(root, file)
  mkdirSync(dirname(path), { recursive: true })
  // A folder of the repository may be a link that leads elsewhere.
  pathInRoot(root, dirname(path))
  writeFileSync(path, text, { flag: "wx" })
  say(`wrote ${file}\n`)
}
