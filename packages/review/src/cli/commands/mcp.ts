/** `drover-review mcp`: the server for coding agents. */
import { serveMcp } from "../../mcp/serve.ts"
import type { Command } from "../command.ts"
import { cacheOptions, everywhere } from "../options.ts"
import { cacheDirOf, threadsOf } from "../reviewSettings.ts"
import { rootOf } from "../root.ts"
import { exitCodes } from "../terminal.ts"
import { UsageError } from "../usage.ts"
import { version } from "../version.ts"

export const mcpCommand: Command = {
  name: "mcp",
  summary: "serve coding agents over standard input and output",
  usage: ["mcp [--root DIR]"],
  options: { ...everywhere, ...cacheOptions },
  async run({ parsed, terminal }) {
    const [word] = parsed.positionals
    if (word !== undefined)
      throw new UsageError(`"mcp" takes no path, and was given "${word}"; use --root`)
    const world = {
      root: rootOf(parsed, terminal),
      today: () => terminal.today,
      threads: threadsOf(parsed),
      cacheDir: cacheDirOf(parsed),
    }
    await serveMcp(process.stdin, process.stdout, { world, version: version() })
    return exitCodes.clean
  },
}
