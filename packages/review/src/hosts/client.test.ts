import { expect, test } from "vitest"
import { HostClient, MAX_ATTEMPTS } from "./client.ts"
import { FakeHost, type Answer, type Handler } from "./fixtures/fakeHost.ts"
import { testOutside } from "./fixtures/outside.ts"
import { MAX_WAIT_MS } from "./outside.ts"

const SECRET = "tok-SECRET"

async function world(handler: Handler = () => ({ body: { ok: true } })) {
  const host = new FakeHost()
  await host.listen(handler)
  const outside = testOutside(0.5)
  const headers = { "private-token": SECRET }
  const client = new HostClient({
    name: "Host",
    baseUrl: `${host.origin}/api/v3`,
    headers,
    secret: SECRET,
    outside,
  })
  return { host, outside, client }
}

const get = { method: "GET", path: "/x?per_page=100" } as const
const post = { method: "POST", path: "/x", body: {} } as const

test("paths are below the base address", async () => {
  const { host, client } = await world()
  await using _host = host
  await client.send(get)
  expect(host.requests[0]!.url.pathname).toBe("/api/v3/x")
})

test.each<[string, Answer, number]>([
  ["Retry-After in seconds", { status: 429, headers: { "retry-after": "7" } }, 7_500],
  [
    "Retry-After as a date",
    { status: 429, headers: { "retry-after": "Mon, 30 Nov 2026 10:00:09 GMT" } },
    9_500,
  ],
  [
    "a limit that is used up",
    { status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1796032804" } },
    4_500,
  ],
  [
    "GitLab's limit",
    { status: 429, headers: { "ratelimit-remaining": "0", "ratelimit-reset": "1796032803" } },
    3_500,
  ],
  [
    "a secondary limit without a time",
    { status: 403, body: { message: "You have exceeded a secondary rate limit" } },
    60_000,
  ],
  ["nothing", { status: 429 }, 1_500],
])(
  "who is turned away waits as long as %s says, and a little more by chance",
  async (_what, answer, wait) => {
    const { host, client, outside } = await world()
    await using _host = host
    host.instead.push(answer)
    await client.send(post)
    expect(outside.waits).toEqual([wait])
    expect(host.requests).toHaveLength(2)
  },
)

test("a wait longer than a build can take ends at once and says so", async () => {
  const { host, client, outside } = await world()
  await using _host = host
  host.instead.push({ status: 429, headers: { "retry-after": "3600" } })
  await expect(client.send(get)).rejects.toMatchObject({
    kind: "limited",
    message: expect.stringContaining("wait 3600 s"),
  })
  expect(outside.waits).toEqual([])
})

test("faults of the server are tried again with a growing wait, to a bound", async () => {
  const { host, client, outside } = await world(() => ({ status: 502, text: "<html>" }))
  await using _host = host
  await expect(client.send(get)).rejects.toMatchObject({ kind: "failed", status: 502 })
  expect(host.requests).toHaveLength(MAX_ATTEMPTS)
  expect(outside.waits).toEqual([500, 1_000, 2_000])
  expect(Math.max(...outside.waits)).toBeLessThanOrEqual(MAX_WAIT_MS)
})

test("a lost answer to a POST is not asked for again, for it may have been done; a read is", async () => {
  const { host, client } = await world()
  await using _host = host
  host.instead.push({ hangUp: true })
  await expect(client.send(post)).rejects.toMatchObject({ kind: "failed", status: null })
  expect(host.requests).toHaveLength(1)
  host.instead.push({ hangUp: true })
  await client.send(get)
  expect(host.requests).toHaveLength(3)
  host.instead.push({ status: 500 })
  await client.send({ ...post, repeatable: true })
  expect(host.requests).toHaveLength(5)
})

test.each([
  [401, "credentials"],
  [403, "denied"],
  [404, "denied"],
  [400, "invalid"],
  [422, "invalid"],
  [409, "failed"],
])("status %i is %s and is not tried again", async (status, kind) => {
  const { host, client } = await world(() => ({ status, body: { message: "no" } }))
  await using _host = host
  await expect(client.send(get)).rejects.toMatchObject({ kind, status })
  expect(host.requests).toHaveLength(1)
})

test("a token is never in a message, not even when the host sends it back", async () => {
  const { host, client } = await world(() => ({
    status: 403,
    body: { message: `bad ${SECRET}\u001b[31m` },
  }))
  await using _host = host
  const error = (await client
    .send({ ...get, path: `/x?token=${SECRET}` })
    .catch((e: unknown) => e)) as Error
  expect(error.message).toContain("Host: it answered 403 to GET /api/v3/x: bad ***\\x1b[31m")
  expect(JSON.stringify(error) + String(error.stack)).not.toContain(SECRET)
})

test("the token goes to no other address: neither by a redirect nor by a page", async () => {
  const other = new FakeHost()
  await other.listen(() => ({ body: [] }))
  await using _other = other
  const { host, client } = await world()
  await using _host = host
  host.instead.push({ status: 302, headers: { location: `${other.origin}/x` } })
  await expect(client.send(get)).rejects.toMatchObject({ kind: "failed" })
  host.instead.push({ body: [], headers: { link: `<${other.origin}/x>; rel="next"` } })
  await expect(client.pages("/x?per_page=100")).rejects.toMatchObject({ kind: "failed" })
  expect(other.requests).toEqual([])
})

test("a read follows a redirect at home, a few times; a write follows none", async () => {
  const { host, client } = await world()
  await using _host = host
  host.instead.push({ status: 301, headers: { location: "/api/v3/moved" } })
  expect((await client.send(get)).body).toEqual({ ok: true })
  host.instead.push({ status: 307, headers: { location: "/api/v3/moved" } })
  await expect(client.send(post)).rejects.toMatchObject({
    message: expect.stringContaining("moved"),
  })
  const forever = await world(() => ({ status: 302, headers: { location: "/api/v3/x" } }))
  await using _forever = forever.host
  await expect(forever.client.send(get)).rejects.toMatchObject({ kind: "failed" })
})

test("all pages are read, in order", async () => {
  const { host, client } = await world()
  await using _host = host
  for (const _ of [1, 2, 3]) host.instead.push((request) => host.page(request, [1, 2, 3, 4, 5], 2))
  expect(await client.pages("/x?per_page=100")).toEqual([1, 2, 3, 4, 5])
  expect(host.faults).toEqual([])
})

test("a page that is no list, and an answer that is no JSON, are told apart from nothing", async () => {
  const { host, client } = await world(() => ({ text: "<html>login</html>" }))
  await using _host = host
  await expect(client.send(get)).rejects.toMatchObject({
    message: expect.stringContaining("no JSON"),
  })
  host.instead.push({ body: { message: "hm" } })
  await expect(client.pages("/x")).rejects.toMatchObject({
    message: expect.stringContaining("no list"),
  })
})
