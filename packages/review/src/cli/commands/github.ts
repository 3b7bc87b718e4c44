/** `drover-review github`: reviews a pull request and posts what is new in it. */
import { reviewOnGithub } from "../../hosts/github.ts"
import { githubTarget } from "../../hosts/githubTarget.ts"
import type { Command } from "../command.ts"
import { asUsage, hostOptions, outsideOf, readText, reviewAndPost } from "../hostRun.ts"
import { textOf } from "../parse.ts"
import type { Terminal } from "../terminal.ts"

export const githubCommand: Command = {
  name: "github",
  summary: "review a pull request on GitHub",
  usage: ["github [--diff BASE...HEAD] [OPTIONS]"],
  options: hostOptions({
    repository: {
      type: "string",
      group: "what",
      value: "OWNER/NAME",
      about: "default: GITHUB_REPOSITORY",
    },
    number: {
      type: "string",
      group: "what",
      value: "N",
      about: "the pull request; default: that of the event",
    },
    head: {
      type: "string",
      group: "what",
      value: "SHA",
      about: "the commit that comments stand on",
    },
    "api-url": { type: "string", group: "run", value: "URL", about: "default: GITHUB_API_URL" },
  }),
  async run(call) {
    const { parsed, terminal } = call
    const target = asUsage(() =>
      githubTarget(
        {
          repository: textOf(parsed, "repository"),
          number: textOf(parsed, "number"),
          head: textOf(parsed, "head"),
          apiUrl: textOf(parsed, "api-url"),
        },
        terminal.env,
        readText,
      ),
    )
    return reviewAndPost(call, rangeOf(terminal), (report, options) =>
      reviewOnGithub(target, report, options, outsideOf(terminal)),
    )
  },
}

/** What the event of the pull request says; its base may have moved on since the branch left it. */
function rangeOf({ env }: Terminal): string | null {
  const path = env["GITHUB_EVENT_PATH"]
  if (path === undefined || path === "") return null
  try {
    const event = JSON.parse(readText(path)) as {
      pull_request?: { base?: { sha?: unknown }; head?: { sha?: unknown } }
    }
    const base = event.pull_request?.base?.sha
    const head = event.pull_request?.head?.sha
    const isHash = (value: unknown): value is string =>
      typeof value === "string" && /^[0-9a-f]{40,64}$/.test(value)
    return isHash(base) && isHash(head) ? `${base}...${head}` : null
  } catch {
    return null
  }
}
