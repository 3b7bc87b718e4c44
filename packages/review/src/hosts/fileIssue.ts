/** Files an issue, once: one that was filed for the same finding and is still open is handed back instead. */
import type { HostClient } from "./client.ts"
import { issueMark, type Issue } from "./issue.ts"

export interface Filed {
  readonly url: string
  readonly isNew: boolean
}

/** @throws HostError */
export async function fileOnGithub(
  client: HostClient,
  repository: { readonly owner: string; readonly repo: string },
  issue: Issue,
  fingerprint: string,
): Promise<Filed> {
  const path = `/repos/${encodeURIComponent(repository.owner)}/${encodeURIComponent(repository.repo)}/issues`
  const open = (await client.pages(`${path}?state=open&per_page=100`)) as {
    body: string | null
    html_url: string
  }[]
  const before = open.find(({ body }) => body?.startsWith(issueMark(fingerprint)))
  if (before !== undefined) return { url: before.html_url, isNew: false }
  const { body } = await client.send({ method: "POST", path, body: issue })
  return { url: (body as { html_url: string }).html_url, isNew: true }
}

/** @throws HostError */
export async function fileOnGitlab(
  client: HostClient,
  project: string,
  issue: Issue,
  fingerprint: string,
): Promise<Filed> {
  const path = `/projects/${encodeURIComponent(project)}/issues`
  const open = (await client.pages(`${path}?state=opened&per_page=100`)) as {
    description: string | null
    web_url: string
  }[]
  const before = open.find(({ description }) => description?.startsWith(issueMark(fingerprint)))
  if (before !== undefined) return { url: before.web_url, isNew: false }
  const { title, body: description } = issue
  const { body } = await client.send({ method: "POST", path, body: { title, description } })
  return { url: (body as { web_url: string }).web_url, isNew: true }
}
