import { expect, test } from "vitest"
import { programOf } from "../program/programOf.ts"
import { storeCallsOf } from "./storeCalls.ts"

/** `kind key value expires` of each call. */
async function callsOf(path: string, text: string): Promise<string[]> {
  const program = await programOf([{ path, text }])
  const file = program.file(path)!
  return storeCallsOf(program, file).map(({ kind, key, value, expires }) =>
    [kind, file.textOf(key), value && file.textOf(value), expires].join(" "),
  )
}

const inGo = (line: string): string => `package a\nfunc f(ctx context.Context) {\n\t${line}\n}`
const inJava = (line: string): string => `class A { void f() { ${line} } }`

const CLAIMS: readonly (readonly [client: string, path: string, text: string, expires: boolean])[] =
  [
    ["go-redis", "a.go", inGo(`rdb.SetNX(ctx, key, token, ttl)`), true],
    ["go-redis without expiry", "a.go", inGo(`rdb.SetNX(ctx, key, token, 0)`), false],
    [
      "go-redis SetArgs",
      "a.go",
      inGo(`rdb.SetArgs(ctx, key, token, redis.SetArgs{Mode: "NX", TTL: ttl})`),
      true,
    ],
    ["redigo", "a.go", inGo(`conn.Do("SET", key, token, "NX", "PX", 5000)`), true],
    ["redigo SETNX", "a.go", inGo(`conn.Do("SETNX", key, token)`), false],
    [
      "rueidis",
      "a.go",
      inGo(`c.Do(ctx, c.B().Set().Key(key).Value(token).Nx().Px(ttl).Build())`),
      true,
    ],
    [
      "gomemcache",
      "a.go",
      inGo(`mc.Add(&memcache.Item{Key: key, Value: token, Expiration: 20})`),
      true,
    ],
    ["redis-py", "a.py", `r.set(key, token, nx=True, ex=30)`, true],
    ["redis-py setnx", "a.py", `r.setnx(key, token)`, false],
    ["redis-py by names", "a.py", `r.set(name=key, value=token, nx=True, px=ttl)`, true],
    ["django", "a.py", `cache.add(key, token, 30)`, true],
    ["ioredis", "a.ts", `redis.set(key, token, "PX", 5000, "NX")`, true],
    ["node-redis", "a.ts", `client.set(key, token, { NX: true, PX: 5000 })`, true],
    [
      "node-redis 5",
      "a.ts",
      `client.set(key, token, { condition: "NX", expiration: { type: "PX", value: 5 } })`,
      true,
    ],
    ["upstash", "a.ts", `redis.set(key, token, { nx: true, ex: 5 })`, true],
    ["a command", "a.ts", `client.sendCommand(["SET", key, token, "NX"])`, false],
    [
      "Spring",
      "A.java",
      inJava(`template.opsForValue().setIfAbsent(key, token, Duration.ofSeconds(5));`),
      true,
    ],
    [
      "Jedis",
      "A.java",
      inJava(`jedis.set(key, token, SetParams.setParams().nx().px(5000));`),
      true,
    ],
    [
      "Jedis, options apart",
      "A.java",
      inJava(`SetParams p = new SetParams().nx().ex(5); jedis.set(key, token, p);`),
      true,
    ],
    ["Lettuce", "A.java", inJava(`commands.set(key, token, SetArgs.Builder.nx().px(5000));`), true],
    [
      "Redisson's bucket",
      "A.java",
      inJava(`client.getBucket(key).trySet(token, 5, TimeUnit.SECONDS);`),
      true,
    ],
    [
      "Kotlin",
      "a.kt",
      `fun f() { redis.opsForValue().setIfAbsent(key, token, Duration.ofSeconds(5)) }`,
      true,
    ],
  ]

test.each(CLAIMS)("%s sets a key that must be absent", async (_client, path, text, expires) => {
  const claims = (await callsOf(path, text)).filter((one) => one.startsWith("claim"))
  expect(claims).toEqual([`claim key token ${expires}`])
})

test.each([
  ["a plain SET", "a.ts", `redis.set(key, token, "PX", 5000)`],
  ["NX switched off", "a.py", `r.set(key, token, nx=False, ex=30)`],
  ["a set of one's own", "a.ts", `seen.add(key, token)`],
  ["a map of one's own", "A.java", inJava(`locks.putIfAbsent(key, token);`)],
])("%s is no claim", async (_what, path, text) => {
  expect((await callsOf(path, text)).filter((one) => one.startsWith("claim"))).toEqual([])
})

test("deletes, reads and expiries are told by what they are called on", async () => {
  const text = `redis.del(key); redis.get(key); redis.expire(key, 5); params.get(key); map.delete(key)`
  expect((await callsOf("a.ts", text)).map((one) => one.split(" ")[0])).toEqual([
    "delete",
    "read",
    "expire",
  ])
})
