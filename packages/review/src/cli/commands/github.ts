/** `drover-review github`: reviews a pull request and posts one review. */
import { readFileSync } from "node:fs"
import { reviewOnGithub } from "../../hosts/github.ts"
import { githubTarget } from "../../hosts/githubTarget.ts"
import type { Command } from "../command.ts"
import {
  githubOptions,
  namedToken,
  outsideOf,
  postedReviewOptions,
  requestOptions,
  targetOf,
} from "../hostOptions.ts"
import { textOf } from "../parse.ts"
import { postReview } from "../postReview.ts"

export const githubCommand: Command = {
  name: "github",
  summary: "review a pull request on GitHub and post it",
  usage: ["github [--number N] [--diff BASE...HEAD] [OPTIONS]"],
  options: {
    ...postedReviewOptions,
    ...requestOptions,
    head: {
      type: "string",
      group: "what",
      value: "SHA",
      about: "the commit that comments are put on",
    },
    ...githubOptions,
  },
  run(call) {
    const { parsed, terminal } = call
    const options = {
      repository: textOf(parsed, "repository"),
      number: textOf(parsed, "number"),
      head: textOf(parsed, "head"),
      apiUrl: textOf(parsed, "api-url"),
      token: namedToken(parsed, terminal),
    }
    const target = targetOf(() =>
      githubTarget(options, terminal.env, (path) => readFileSync(path, "utf8")),
    )
    return postReview(call, target.range, (report, placing) =>
      reviewOnGithub(target, report, placing, outsideOf(terminal)),
    )
  },
}
