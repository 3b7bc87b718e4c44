import { connect, createServer } from "node:net"
import type { AddressInfo, Socket } from "node:net"
import { expect, onTestFinished, test } from "vitest"
import { cutOff, firstRow, TcpProxy } from "./tcpProxy.ts"

const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
const row = Buffer.concat([Buffer.from([0x44, 0, 0, 0, 11, 0, 1, 0, 0, 0, 1]), Buffer.from("x")])

interface Line {
  readonly proxy: TcpProxy
  readonly client: Socket
  /** What the server has got so far, and the client. */
  readonly got: { server: string; client: Buffer }
  /** Lets the server answer. */
  answer(bytes: Buffer): void
  /** Resolves when something arrived that makes it hold. */
  until(holds: () => boolean): Promise<void>
  readonly ended: Promise<void>
}

/** A client that talks to a server of our own through a proxy. */
async function openLine(): Promise<Line> {
  const got = { server: "", client: Buffer.alloc(0) }
  const waiting = new Set<() => void>()
  const arrived = (): void => waiting.forEach((look) => look())
  let serverSide: Socket | undefined
  const server = createServer((socket) => {
    serverSide = socket
    socket.on("error", () => {})
    socket.on("data", (bytes) => {
      got.server += String(bytes)
      arrived()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const proxy = await TcpProxy.open((server.address() as AddressInfo).port)
  const client = connect(proxy.port, "127.0.0.1")
  const ended = new Promise<void>((resolve) => client.once("close", () => resolve()))
  client.on("error", () => {})
  client.on("data", (bytes: Buffer) => {
    got.client = Buffer.concat([got.client, bytes])
    arrived()
  })
  onTestFinished(async () => {
    client.destroy()
    await proxy.close()
    serverSide?.destroy()
    server.close()
  })
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  client.write("hello")
  await until(() => got.server === "hello")
  return { proxy, client, got, ended, until, answer: (bytes) => void serverSide?.write(bytes) }
}

test("what passes arrives, in both directions", async () => {
  const { answer, got, until } = await openLine()
  answer(Buffer.concat([row, ready]))
  await until(() => got.client.length === row.length + ready.length)
  expect(got.client).toEqual(Buffer.concat([row, ready]))
})

test("into a black hole nothing arrives until it is closed, then everything in order", async () => {
  const { proxy, client, got, until, answer } = await openLine()
  proxy.set({ kind: "blackhole" })
  client.write("1")
  client.write("2")
  // The other direction is held back as well; what came before tells that the proxy has it.
  answer(ready)
  proxy.set({ kind: "pass" })
  client.write("3")
  await until(() => got.server.length === 8 && got.client.length === ready.length)
  expect(got.server).toBe("hello123")
})

test("the reply that ends a transaction is swallowed with its connection, once", async () => {
  const { proxy, got, answer, ended } = await openLine()
  proxy.set({ kind: "cutOnCommit" })
  answer(ready)
  await ended
  expect(got.client).toHaveLength(0)
  expect(proxy.cuts).toBe(1)
  expect(proxy.mode.kind).toBe("pass")
})

test("a reply within a transaction passes a proxy that waits for its end", async () => {
  const { proxy, got, answer, until } = await openLine()
  proxy.set({ kind: "cutOnCommit" })
  const within = Buffer.from([0x5a, 0, 0, 0, 5, 0x54])
  answer(within)
  await until(() => got.client.length === within.length)
  expect(proxy.cuts).toBe(0)
})

test("a transaction is held open: its reply and all that follows wait, until they are let through", async () => {
  const { proxy, client, got, answer, until } = await openLine()
  const within = Buffer.from([0x5a, 0, 0, 0, 5, 0x54])
  const held = new Promise<void>((resolve) => {
    proxy.set({ kind: "holdOpen", skip: 1, held: resolve })
  })
  // Neither one outside of a transaction nor one that is to be skipped is held back.
  answer(ready)
  await until(() => got.client.length === ready.length)
  answer(within)
  await until(() => got.client.length === ready.length + within.length)
  answer(Buffer.concat([row, within]))
  await held
  expect(proxy.mode.kind).toBe("blackhole")
  client.write("!")
  proxy.set({ kind: "pass" })
  const whole = ready.length + 2 * within.length + row.length
  await until(() => got.client.length === whole && got.server === "hello!")
})

test("a reply is cut in the middle of its first row", async () => {
  const { proxy, got, answer, ended } = await openLine()
  proxy.set({ kind: "cutMidRow" })
  answer(Buffer.concat([row, ready]))
  await ended
  expect(got.client.length).toBeLessThan(row.length)
  expect(proxy.cuts).toBe(1)
})

test("two sockets are held for a connection, and none once it has ended", async () => {
  const { proxy, ended } = await openLine()
  expect(proxy.sockets).toBe(2)
  proxy.reset()
  await ended
  expect(proxy.sockets).toBe(0)
})

test("a reset ends the connections there are and lets new ones in", async () => {
  const { proxy, ended } = await openLine()
  proxy.reset()
  await ended
  const again = connect(proxy.port, "127.0.0.1")
  onTestFinished(() => void again.destroy())
  await new Promise<void>((resolve) => again.once("connect", () => resolve()))
  expect(again.readyState).toBe("open")
})

test("a socket is cut off for good, also while it is being shut down", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {})
    socket.end()
    cutOff(socket)
    socket.once("close", () => closed.resolve())
  })
  const closed = Promise.withResolvers<void>()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1")
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  await expect(closed.promise).resolves.toBeUndefined()
})

test("the first row is found behind other messages", () => {
  const parse = Buffer.from([0x31, 0, 0, 0, 4])
  expect(firstRow(Buffer.concat([parse, row, ready]))).toBe(parse.length)
  expect(firstRow(Buffer.concat([parse, ready]))).toBeUndefined()
  expect(firstRow(Buffer.alloc(0))).toBeUndefined()
})
