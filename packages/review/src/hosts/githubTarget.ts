/** Which pull request is meant, from options or from what GitHub Actions tells its steps. */
import { TargetError } from "./hostError.ts"

export interface GithubTarget {
  readonly owner: string
  readonly repo: string
  readonly number: number
  /** The commit that comments are put on; asked for when it is not known. */
  readonly headSha: string | null
  /** What the request changes, as `git diff` takes it; null when nobody says it. */
  readonly range: string | null
  readonly apiUrl: string
  readonly graphqlUrl: string
  readonly token: string
}

export interface GithubOptions {
  /** "owner/name". */
  readonly repository?: string | undefined
  readonly number?: string | undefined
  readonly head?: string | undefined
  readonly apiUrl?: string | undefined
  readonly token?: string | undefined
}

export type Env = Readonly<Record<string, string | undefined>>

/**
 * An option wins over the environment.
 * @throws TargetError that names the option and the variable for what is missing
 */
export function githubTarget(
  options: GithubOptions,
  env: Env,
  readText: (path: string) => string,
): GithubTarget {
  const event = options.number === undefined ? readEvent(env, readText) : null
  const number = options.number ?? event?.number
  if (number === undefined) {
    throw new TargetError(
      "which pull request? Give --number, or run on the event pull_request (GITHUB_EVENT_PATH names none)",
    )
  }
  return {
    ...githubRepository(options, env),
    number: positive(number),
    headSha: options.head ?? event?.head ?? null,
    range:
      event?.base === undefined || event.head === undefined
        ? null
        : `${event.base}...${event.head}`,
  }
}

/** Without a pull request: what filing an issue needs. @throws TargetError */
export function githubRepository(
  options: GithubOptions,
  env: Env,
): Pick<GithubTarget, "owner" | "repo" | "apiUrl" | "graphqlUrl" | "token"> {
  const repository = options.repository ?? env["GITHUB_REPOSITORY"]
  if (repository === undefined) {
    throw new TargetError(
      "which repository? Give --repository OWNER/NAME, or set GITHUB_REPOSITORY",
    )
  }
  const parts = /^(?!\.+\/)([\w.-]+)\/(?!\.+$)([\w.-]+)$/.exec(repository)
  if (parts === null)
    throw new TargetError(`--repository: ${repository} is not of the form OWNER/NAME`)
  const token = options.token ?? env["GITHUB_TOKEN"] ?? env["GH_TOKEN"]
  if (token === undefined || token === "") {
    throw new TargetError(
      "there is no token: set GITHUB_TOKEN (in a workflow: env: GITHUB_TOKEN: ${{ github.token }})",
    )
  }
  const apiUrl = address(options.apiUrl ?? env["GITHUB_API_URL"] ?? "https://api.github.com")
  return { owner: parts[1]!, repo: parts[2]!, apiUrl, graphqlUrl: graphqlOf(apiUrl), token }
}

/** GitHub's own is beside the other interface; a server of one's own has `/api/v3` and `/api/graphql`. */
function graphqlOf(apiUrl: string): string {
  return /\/api\/v3\/?$/.test(apiUrl)
    ? apiUrl.replace(/\/v3\/?$/, "/graphql")
    : `${apiUrl.replace(/\/$/, "")}/graphql`
}

interface Event {
  readonly number: string
  readonly head: string | undefined
  readonly base: string | undefined
}

function readEvent(env: Env, readText: (path: string) => string): Event | null {
  const path = env["GITHUB_EVENT_PATH"]
  if (path === undefined) return null
  try {
    const event = JSON.parse(readText(path)) as {
      pull_request?: { number?: unknown; head?: { sha?: unknown }; base?: { sha?: unknown } }
    }
    const number = event.pull_request?.number
    const commit = (end: "head" | "base"): string | undefined => {
      const sha = event.pull_request?.[end]?.sha
      return typeof sha === "string" ? sha : undefined
    }
    if (typeof number !== "number") return null
    return { number: String(number), head: commit("head"), base: commit("base") }
  } catch (error) {
    throw new TargetError(
      `GITHUB_EVENT_PATH: ${path} cannot be read: ${error instanceof Error ? error.message : "?"}`,
    )
  }
}

/** @throws TargetError */
export function positive(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text))
    throw new TargetError(`--number: ${text} is no number of a request`)
  return Number(text)
}

/** @throws TargetError */
export function address(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new TargetError(`--api-url: ${text} is no address`)
  }
  return text
}
