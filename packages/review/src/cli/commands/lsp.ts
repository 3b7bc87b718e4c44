/** `drover-review lsp`: the server for editors. */
import { serveLsp } from "../../lsp/serve.ts"
import type { Command } from "../command.ts"
import { cacheOptions, everywhere } from "../options.ts"
import { cacheDirOf, threadsOf } from "../reviewSettings.ts"
import { rootOf } from "../root.ts"
import { exitCodes } from "../terminal.ts"
import { UsageError } from "../usage.ts"
import { version } from "../version.ts"

export const lspCommand: Command = {
  name: "lsp",
  summary: "serve editors over standard input and output",
  usage: ["lsp [--root DIR]"],
  options: {
    ...everywhere,
    stdio: { type: "boolean", group: "run", about: "as editors add it; there is no other way" },
    ...cacheOptions,
  },
  async run({ parsed, terminal }) {
    const [word] = parsed.positionals
    if (word !== undefined)
      throw new UsageError(`"lsp" takes no path, and was given "${word}"; use --root`)
    const status = await serveLsp(process.stdin, process.stdout, {
      root: rootOf(parsed, terminal),
      version: version(),
      today: () => terminal.today,
      after: (ms, callback) => terminal.after(ms, callback),
      threads: threadsOf(parsed),
      cacheDir: cacheDirOf(parsed),
    })
    return status === 0 ? exitCodes.clean : exitCodes.findings
  },
}
