/** `drover-review why FILE:LINE`: what is found at a place, and why the other rules are silent there. */
import { rules } from "../../rules/rules.ts"
import { runSession } from "../../session/session.ts"
import { whyText } from "../../session/why.ts"
import { wantsColour } from "../colour.ts"
import type { Command } from "../command.ts"
import { cacheOptions, everywhere, type OptionSpecs } from "../options.ts"
import { cacheDirOf, threadsOf } from "../reviewSettings.ts"
import { pathsInRoot, rootOf } from "../root.ts"
import { exitCodes } from "../terminal.ts"
import { UsageError } from "../usage.ts"

const options: OptionSpecs = {
  ...everywhere,
  rule: { type: "string", group: "what", value: "NAME", about: "only this rule" },
  ...cacheOptions,
}

export const whyCommand: Command = {
  name: "why",
  summary: "explain a finding, or the silence, at FILE:LINE",
  usage: ["why FILE:LINE [--rule NAME]"],
  options,
  async run({ parsed, terminal }) {
    const { path: typed, line } = placeOf(parsed.positionals)
    const only = parsed.texts.get("rule") ?? null
    const unknown = only?.find((name) => !rules.some(({ id }) => id === name))
    if (unknown !== undefined) throw new UsageError(`--rule "${unknown}": there is no such rule`)
    const root = rootOf(parsed, terminal)
    const [path = ""] = pathsInRoot(root, terminal.cwd, [typed])
    const session = await runSession({
      root,
      paths: [path],
      only,
      threads: threadsOf(parsed),
      cacheDir: cacheDirOf(parsed),
      today: terminal.today,
    })
    const colour = wantsColour(parsed, terminal)
    terminal.out(whyText(session, path, line, { colour, only }))
    return exitCodes.clean
  },
}

function placeOf(words: readonly string[]): { path: string; line: number } {
  const [word, extra] = words
  if (word === undefined) throw new UsageError("which place? For example: why src/queue.ts:42")
  if (extra !== undefined) throw new UsageError(`one place at a time; "${extra}" is too much`)
  // A column behind it, as editors and compilers print it, is passed over.
  const match = /^(.+?):(\d{1,9})(?::\d{1,9})?$/.exec(word)
  if (!match) throw new UsageError(`"${word}" is not FILE:LINE, such as src/queue.ts:42`)
  return { path: match[1]!, line: Number(match[2]) }
}
