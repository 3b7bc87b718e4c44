/**
 * What earlier runs left on a pull request. Only GraphQL says which comments are ours (`viewerDidAuthor`), which
 * threads are resolved and by whom, and can resolve them; a mark alone proves nothing, for anybody can write it.
 */
import { fingerprintIn, isSummary } from "./body.ts"
import { MAX_PAGES, type HostClient } from "./client.ts"
import { HostError } from "./hostError.ts"

export interface Thread {
  readonly id: string
  readonly fingerprint: string
  readonly isResolved: boolean
  /** Whether it was we who resolved it; a person's decision stands. */
  readonly resolvedByUs: boolean
}

export interface Left {
  readonly threads: readonly Thread[]
  readonly summary: { readonly id: number; readonly body: string } | null
}

export interface PullRequest {
  readonly owner: string
  readonly name: string
  readonly number: number
}

const THREADS = `query($owner: String!, $name: String!, $number: Int!, $after: String) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      page: reviewThreads(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { id isResolved resolvedBy { login } comments(first: 1) { nodes { body viewerDidAuthor } } }
      }
    }
  }
}`

const REVIEWS = `query($owner: String!, $name: String!, $number: Int!, $after: String) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      page: reviews(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { databaseId body viewerDidAuthor }
      }
    }
  }
}`

const CHANGE = {
  resolve:
    "mutation($id: ID!) { resolveReviewThread(input: { threadId: $id }) { thread { isResolved } } }",
  unresolve:
    "mutation($id: ID!) { unresolveReviewThread(input: { threadId: $id }) { thread { isResolved } } }",
}

/** Reads what is ours. @throws HostError */
export async function readLeft(client: HostClient, path: string, pull: PullRequest): Promise<Left> {
  const threads: Thread[] = []
  for await (const { node, viewer } of nodes(client, path, THREADS, pull)) {
    const { id, isResolved, resolvedBy, comments } = node as ThreadNode
    const first = comments.nodes[0]
    const fingerprint = first?.viewerDidAuthor === true ? fingerprintIn(first.body) : null
    if (fingerprint === null) continue
    threads.push({ id, fingerprint, isResolved, resolvedByUs: isSame(resolvedBy?.login, viewer) })
  }
  let summary: Left["summary"] = null
  for await (const { node } of nodes(client, path, REVIEWS, pull)) {
    const { databaseId, body, viewerDidAuthor } = node as ReviewNode
    if (viewerDidAuthor && databaseId !== null && isSummary(body))
      summary ??= { id: databaseId, body }
  }
  return { threads, summary }
}

/** @throws HostError */
export async function changeThread(
  client: HostClient,
  path: string,
  id: string,
  change: keyof typeof CHANGE,
): Promise<void> {
  await graphql(client, path, CHANGE[change], { id })
}

interface ThreadNode {
  readonly id: string
  readonly isResolved: boolean
  readonly resolvedBy: { readonly login: string } | null
  readonly comments: {
    readonly nodes: readonly { readonly body: string; readonly viewerDidAuthor: boolean }[]
  }
}

interface ReviewNode {
  readonly databaseId: number | null
  readonly body: string
  readonly viewerDidAuthor: boolean
}

interface Page {
  readonly viewer: { readonly login: string }
  readonly repository: {
    readonly pullRequest: {
      readonly page: {
        readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
        readonly nodes: readonly unknown[]
      }
    } | null
  } | null
}

async function* nodes(
  client: HostClient,
  path: string,
  query: string,
  pull: PullRequest,
): AsyncGenerator<{ node: unknown; viewer: string }> {
  let after: string | null = null
  for (let page = 0; page < MAX_PAGES; page++) {
    const data = (await graphql(client, path, query, { ...pull, after })) as Page
    const found = data.repository?.pullRequest?.page
    if (found === undefined)
      throw new HostError("denied", `GitHub: this token sees no pull request ${pull.number}`)
    for (const node of found.nodes) yield { node, viewer: data.viewer.login }
    if (!found.pageInfo.hasNextPage) return
    after = found.pageInfo.endCursor
  }
}

/** All of these can be sent twice: they read, or set what is then set. */
async function graphql(
  client: HostClient,
  path: string,
  query: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const { body } = await client.send({
    method: "POST",
    path,
    body: { query, variables },
    repeatable: true,
  })
  const { data, errors } = body as GraphqlAnswer
  const [error] = errors ?? []
  if (error === undefined && data !== undefined && data !== null) return data
  const isDenied = error?.type === "FORBIDDEN" || error?.type === "NOT_FOUND"
  const limited = error?.type === "RATE_LIMITED"
  const kind = isDenied ? "denied" : limited ? "limited" : "failed"
  throw new HostError(kind, `GitHub: ${error?.message ?? "its answer has no data"}`)
}

interface GraphqlAnswer {
  readonly data?: unknown
  readonly errors?: readonly { readonly type?: string; readonly message: string }[]
}

/** The same program is "name" in one place and "name[bot]" in the other. */
function isSame(a: string | undefined, b: string): boolean {
  return a !== undefined && a.replace(/\[bot\]$/, "") === b.replace(/\[bot\]$/, "")
}
