/** `drover-review gitlab`: reviews a merge request and posts its threads and a note. */
import { reviewOnGitlab } from "../../hosts/gitlab.ts"
import { gitlabTarget } from "../../hosts/gitlabTarget.ts"
import type { Command } from "../command.ts"
import {
  gitlabOptions,
  namedToken,
  outsideOf,
  postedReviewOptions,
  requestOptions,
  targetOf,
} from "../hostOptions.ts"
import { textOf } from "../parse.ts"
import { postReview } from "../postReview.ts"

export const gitlabCommand: Command = {
  name: "gitlab",
  summary: "review a merge request on GitLab and post it",
  usage: ["gitlab [--number N] [--diff BASE...HEAD] [OPTIONS]"],
  options: { ...postedReviewOptions, ...requestOptions, ...gitlabOptions },
  run(call) {
    const { parsed, terminal } = call
    const options = {
      project: textOf(parsed, "project"),
      number: textOf(parsed, "number"),
      apiUrl: textOf(parsed, "api-url"),
      token: namedToken(parsed, terminal),
    }
    const target = targetOf(() => gitlabTarget(options, terminal.env))
    return postReview(call, target.range, (report, placing) =>
      reviewOnGitlab(target, report, placing, outsideOf(terminal)),
    )
  },
}
