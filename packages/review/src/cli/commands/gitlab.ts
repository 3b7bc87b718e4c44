/** `drover-review gitlab`: reviews a merge request and posts what is new in it. */
import { reviewOnGitlab } from "../../hosts/gitlab.ts"
import { gitlabTarget } from "../../hosts/gitlabTarget.ts"
import type { Command } from "../command.ts"
import { asUsage, hostOptions, outsideOf, reviewAndPost } from "../hostRun.ts"
import { textOf } from "../parse.ts"

export const gitlabCommand: Command = {
  name: "gitlab",
  summary: "review a merge request on GitLab",
  usage: ["gitlab [--diff BASE...HEAD] [OPTIONS]"],
  options: hostOptions({
    project: {
      type: "string",
      group: "what",
      value: "ID",
      about: "the project, a number or GROUP/NAME",
    },
    number: {
      type: "string",
      group: "what",
      value: "N",
      about: "the merge request; default: CI_MERGE_REQUEST_IID",
    },
    "api-url": { type: "string", group: "run", value: "URL", about: "default: CI_API_V4_URL" },
  }),
  async run(call) {
    const { parsed, terminal } = call
    const { env } = terminal
    const target = asUsage(() =>
      gitlabTarget(
        {
          project: textOf(parsed, "project"),
          number: textOf(parsed, "number"),
          apiUrl: textOf(parsed, "api-url"),
        },
        env,
      ),
    )
    const base = env["CI_MERGE_REQUEST_DIFF_BASE_SHA"]
    // In a pipeline of merged results, the job's own commit is a merge that nobody sees.
    const head = env["CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"] || env["CI_COMMIT_SHA"]
    const range = base && head ? `${base}...${head}` : null
    return reviewAndPost(call, range, (report, options) =>
      reviewOnGitlab(target, report, options, outsideOf(terminal)),
    )
  },
}
