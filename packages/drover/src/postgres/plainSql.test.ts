import { createHash } from "node:crypto"
import type pg from "pg"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import { keysText } from "../store/index.ts"
import type { NewUnique, Store } from "../store/index.ts"
import { systemClock, systemRng } from "../time/index.ts"
import { connectTest, freshSchema, testServerUrl } from "./fixtures/testServer.ts"
import { postgres } from "./index.ts"

const schema = freshSchema()
let store: Store
let sql: pg.Client

beforeAll(async () => {
  store = postgres({ url: await testServerUrl(), schema }).connect({
    clock: systemClock,
    rng: systemRng,
    events: new Events(),
  })
  await store.open({ migrate: true })
  sql = await connectTest()
})

afterAll(async () => {
  await sql.query(`drop schema ${schema} cascade`)
  await sql.end()
  await store.close()
})

/** As the client stores a key; see `storedKey` in jobs/define/limitOptions.ts. */
function storedKey(key: string): string {
  if (key.length <= 100) return key
  return `${key.slice(0, 60).toWellFormed()}#${createHash("sha256").update(key).digest("hex")}`
}

async function enqueue(kind: string, args?: unknown, options?: unknown): Promise<string> {
  const values = [kind, args, options].map((value, index) =>
    index === 0 || value === undefined ? value : JSON.stringify(value),
  )
  const given = values.filter((value) => value !== undefined)
  const places = given.map((_, index) => `$${index + 1}`).join(", ")
  const { rows } = await sql.query(`select ${schema}.enqueue(${places}) as id`, given)
  return (rows as { id: string }[])[0]!.id
}

describe("select drover.enqueue(kind, args, options)", () => {
  test("without options a job gets the defaults of all kinds", async () => {
    const id = await enqueue("mail", { to: "a@b.c" })
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/)
    const job = await store.get(id)
    expect(job).toMatchObject({
      ...{ kind: "mail", queue: "default", state: "available", priority: 100, maxAttempts: 25 },
      ...{ maxCrashes: 3, timeoutMs: null, retry: null, tags: [], metadata: null, expiresAt: null },
    })
    expect(JSON.parse(job!.input)).toEqual({ to: "a@b.c" })
    expect(await store.trail(id)).toMatchObject([{ from: null, to: "available", attempt: 0 }])
  })

  test("every option of the client is taken under its name", async () => {
    const id = "019b0000-0000-7000-8000-0000000000aa"
    const options = {
      ...{ id, queue: "slow", priority: 7, runIn: "1h30m", expireIn: 1000, maxAttempts: 2 },
      ...{ maxCrashes: 9, timeout: "2s", tags: ["a", "b", "a"], metadata: { by: "sql" } },
    }
    expect(await enqueue("mail", [1], options)).toBe(id)
    const job = (await store.get(id))!
    expect(job).toMatchObject({
      ...{ queue: "slow", state: "scheduled", priority: 7, maxAttempts: 2, maxCrashes: 9 },
      ...{ timeoutMs: 2000, tags: ["a", "b"], runAt: job.enqueuedAt + 5_400_000 },
      expiresAt: job.enqueuedAt + 5_401_000,
    })
    expect(JSON.parse(job.metadata!)).toEqual({ by: "sql" })
    expect(await enqueue("mail", [1], options), "sent twice it is one").toBe(id)
  })

  test("an instant is a number or a timestamp, and false means never", async () => {
    const at = Date.UTC(2090, 0, 1)
    const options = { timeout: false, maxAttempts: false, expireIn: false, metadata: null }
    const jobs = [
      await enqueue("mail", null, { ...options, runAt: at }),
      await enqueue("mail", null, { ...options, runAt: "2090-01-01T01:00:00+01:00" }),
    ]
    for (const id of jobs) {
      expect(await store.get(id)).toMatchObject({
        ...{
          runAt: at,
          timeoutMs: false,
          maxAttempts: 2_147_483_647,
          expiresAt: null,
          input: "null",
        },
      })
    }
  })

  test("a job is never due before the instant that was given, and false means no unique key", async () => {
    const given = { runAt: "2090-01-01T00:00:00.0001Z", unique: false }
    const id = await enqueue("mail", {}, given)
    expect(await store.get(id)).toMatchObject({ runAt: Date.UTC(2090, 0, 1) + 1, uniqueKey: null })
    expect(await enqueue("mail", {}, given)).not.toBe(id)
  })

  test("keys meet those of the client, in every mode", async () => {
    const id = await enqueue("mail", {}, { unique: "k" })
    expect(await enqueue("mail", {}, { unique: { key: "k" } })).toBe(id)
    expect(await enqueue("other", {}, { unique: "k" })).not.toBe(id)
    const ours = {
      ...{ kind: "mail", queue: "default", priority: 1, input: "{}", delayMs: 0, runAt: null },
      ...{ expireMs: null, maxAttempts: 5, maxCrashes: 3, timeoutMs: null, retry: null, tags: [] },
      metadata: null,
    }
    const unique: NewUnique = {
      // As the client hashes it; see jobs/define/uniqueOptions.ts.
      hash: createHash("sha256").update("kind\0mail\0k").digest(),
      ...{ label: "k", mode: "skip", forMs: null, maxWaitMs: null },
      states: ["scheduled", "available", "running", "retryable"],
    }
    const newId = "019b0000-0000-7000-8000-0000000000bb"
    const [outcome] = await store.enqueue([{ ...ours, id: newId, unique }])
    expect(outcome).toMatchObject({ id, status: "duplicate" })

    const replace = { unique: { key: "r", scope: "all", mode: "replace" } }
    const replaced = await enqueue("mail", { n: 1 }, replace)
    expect(await enqueue("mail", { n: 2 }, replace)).toBe(replaced)
    expect(JSON.parse((await store.get(replaced))!.input)).toEqual({ n: 2 })
    const throttle = { unique: { key: "t", mode: "throttle", for: "1m" } }
    const first = await enqueue("mail", {}, throttle)
    const later = await enqueue("mail", {}, throttle)
    expect(later).not.toBe(first)
    expect(await enqueue("mail", {}, throttle)).toBe(later)
  })

  test.each([
    "t1",
    'a "b" \\ \t\u0001',
    "k".repeat(101),
    "é".repeat(500),
    `${"k".repeat(59)}${"𝄞".repeat(30)}`,
  ])("keys under limits are stored as the client stores them: %s", async (key) => {
    const names = ["queue:default#fair.b", "kind:mail#concurrency.a"]
    const options = { keys: Object.fromEntries(names.map((name) => [name, key])) }
    const id = await enqueue("mail", {}, options)
    const { rows } = await sql.query(`select keys, track from ${schema}.job where id = $1`, [id])
    const [row] = rows as { keys: string; track: string | null }[]
    const expected = names.map((limit) => ({ limit, key: storedKey(key) }))
    expect(row?.keys).toBe(keysText(expected))
    expect(row?.track, "it stands with those that have the same keys").not.toBeNull()
  })

  test("it is part of the transaction that it is called in", async () => {
    await sql.query("begin")
    const id = await enqueue("mail")
    expect(await store.get(id)).toBeNull()
    await sql.query("rollback")
    expect(await store.get(id)).toBeNull()
  })

  test("a trigger can enqueue", async () => {
    await sql.query(`
      create table ${schema}.account (id int);
      create function ${schema}.welcome() returns trigger language plpgsql as $$
      begin
        perform ${schema}.enqueue('welcome', jsonb_build_object('id', new.id), '{"queue": "triggered"}');
        return new;
      end $$;
      create trigger welcome after insert on ${schema}.account for each row execute function ${schema}.welcome();
      insert into ${schema}.account select generate_series(1, 3)`)
    expect(await store.count({ kinds: ["welcome"], queues: ["triggered"] }, 10)).toBe(3)
  })

  test.each<[string, unknown, unknown, RegExp]>([
    ["an unknown option", {}, { priorty: 1 }, /priorty is no option/],
    ["a priority that is none", {}, { priority: 1001 }, /priority: 1001/],
    ["half a priority", {}, { priority: 1.5 }, /priority: 1\.5/],
    ["a duration that is none", {}, { runIn: "soon" }, /runIn: "soon" is not a duration/],
    ["a negative duration", {}, { runIn: -1 }, /runIn: -1/],
    ["an instant that is none", {}, { runAt: "tomorrowish" }, /runAt: "tomorrowish"/],
    ["an instant in seconds", {}, { runAt: 1_790_000_000 }, /runAt: 1790000000 looks like seconds/],
    ["an instant that never comes", {}, { runAt: "infinity" }, /runAt: "infinity" is not/],
    ["an instant that never was", {}, { runAt: "-infinity" }, /runAt: "-infinity" is not/],
    ["an instant in no time zone", {}, { runAt: "2090-01-01T00:00 Mars/Base" }, /runAt: "2090/],
    ["an instant that no date can show", {}, { runAt: "294276-01-01T00:00:00Z" }, /runAt: "294276/],
    ["an instant before 1970", {}, { runAt: "1969-12-31T23:59:59Z" }, /runAt: "1969/],
    ["no time to run in", {}, { timeout: 0 }, /timeout: must be longer than 0/],
    ["no time to be started in", {}, { expireIn: "0s" }, /expireIn: must be longer than 0/],
    ["a queue that is a number", {}, { queue: 7 }, /queue: 7 is not a name/],
    ["both due times", {}, { runIn: 1, runAt: 1 }, /either runIn or runAt/],
    ["a queue that is no name", {}, { queue: "a b" }, /queue: 'a b'/],
    ["tags that are none", {}, { tags: "a" }, /tags/],
    ["a tag with a space", {}, { tags: ["a b"] }, /tags/],
    ["metadata that is no object", {}, { metadata: [] }, /metadata must be an object/],
    ["options that are no object", {}, [], /options must be an object/],
    ["a mode that is none", {}, { unique: { key: "k", mode: "maybe" } }, /mode must be one of/],
    ["a throttle without a window", {}, { unique: { key: "k", mode: "throttle" } }, /window/],
    ["a key that is empty", {}, { unique: "" }, /key must be a text/],
    ["keys that are no object", {}, { keys: ["t1"] }, /keys: \["t1"\] is not an object/],
    ["a key of no limit", {}, { keys: { tenant: "t1" } }, /'tenant' names no keyed limit/],
    ["a key that is empty", {}, { keys: { "kind:mail#rate.a": "" } }, /is not a text of 1/],
    ["an id that is no UUIDv7", {}, { id: "7" }, /is not a UUIDv7/],
    ["args that are too large", { a: "x".repeat(1_048_576) }, {}, /args has \d+ bytes/],
    [
      "args that are too deep",
      JSON.parse("[".repeat(70) + "]".repeat(70)),
      {},
      /nested too deeply/,
    ],
  ])("%s is refused with 22023", async (_, args, options, message) => {
    await expect(enqueue("mail", args, options)).rejects.toMatchObject({
      code: "22023",
      message: expect.stringMatching(message),
    })
  })

  test("a kind that is no name is refused", async () => {
    await expect(enqueue("")).rejects.toMatchObject({ code: "22023" })
  })
})
