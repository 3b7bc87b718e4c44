/** What is wrong in a file that a person wrote, with where. */
export interface Problem {
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  /** The path of keys to it: `rules.lock-static-token`; "" for the whole file. */
  readonly key: string
  readonly message: string
}

/** A configuration or baseline that cannot be used. The message has one line for each problem. */
export class ConfigError extends Error {
  override readonly name = "ConfigError"
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(problemText).join("\n"))
    this.problems = problems
  }
}

/** `drover.review.yaml:3: rules.lost-updat: …` */
function problemText(problem: Problem): string {
  const key = problem.key === "" ? "" : `${problem.key}: `
  return `${problem.file}:${problem.line}: ${key}${problem.message}`
}
