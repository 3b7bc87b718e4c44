/** Which merge request is meant, from options or from what GitLab CI tells its jobs. */
import { address, positive, type Env } from "./githubTarget.ts"
import { TargetError } from "./hostError.ts"

/** What every request to a project needs. */
export type GitlabProject = Omit<GitlabTarget, "iid" | "range">

export interface GitlabTarget {
  /** The number of the project, or its path. */
  readonly project: string
  readonly iid: number
  /** What the request changes, as `git diff` takes it; null when nobody says it. */
  readonly range: string | null
  readonly apiUrl: string
  readonly token: string
  /** A job's own token has another header, and mostly may not write. */
  readonly isJobToken: boolean
}

export interface GitlabOptions {
  readonly project?: string | undefined
  readonly number?: string | undefined
  readonly apiUrl?: string | undefined
  readonly token?: string | undefined
}

/**
 * An option wins over the environment.
 * @throws TargetError that names the option and the variable for what is missing
 */
export function gitlabTarget(options: GitlabOptions, env: Env): GitlabTarget {
  const iid = options.number ?? env["CI_MERGE_REQUEST_IID"]
  if (iid === undefined) {
    throw new TargetError(
      "which merge request? Give --number, or run in a pipeline of merge_request_event (CI_MERGE_REQUEST_IID is not set)",
    )
  }
  const base = env["CI_MERGE_REQUEST_DIFF_BASE_SHA"]
  // In a pipeline of merged results CI_COMMIT_SHA is a merge that nobody sees; only then is the other one set.
  const head = env["CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"] || env["CI_COMMIT_SHA"]
  const range = base === undefined || head === undefined ? null : `${base}...${head}`
  return { ...gitlabProject(options, env), iid: positive(iid), range }
}

/** Without a merge request: what filing an issue needs. @throws TargetError */
export function gitlabProject(options: GitlabOptions, env: Env): GitlabProject {
  // In a merge request from a fork, the job runs in the fork and the request belongs to the other project.
  const project = options.project ?? env["CI_MERGE_REQUEST_PROJECT_ID"] ?? env["CI_PROJECT_ID"]
  if (project === undefined || project === "") {
    throw new TargetError("which project? Give --project ID or GROUP/NAME, or set CI_PROJECT_ID")
  }
  if (!/^\d+$|^[\w.-]+(?:\/[\w.-]+)+$/.test(project)) {
    throw new TargetError(`--project: ${project} is neither a number nor of the form GROUP/NAME`)
  }
  const own = options.token ?? env["GITLAB_TOKEN"]
  const token = own ?? env["CI_JOB_TOKEN"]
  if (token === undefined || token === "") {
    throw new TargetError(
      "there is no token: set GITLAB_TOKEN to a project access token with the scope api",
    )
  }
  const apiUrl = address(options.apiUrl ?? env["CI_API_V4_URL"] ?? "https://gitlab.com/api/v4")
  return { project, apiUrl, token, isJobToken: own === undefined }
}
