import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { PostgresGround } from "../ground/postgresGround.ts"
import type { ProxyMode, TcpProxy } from "../ground/tcpProxy.ts"
import { leases } from "./fault.ts"
import type { Fault, Scene } from "./fault.ts"

const POSTGRES = ["postgres"] as const
const STRIKES = 6
const STRIKE_APART_MS = 200

type PostgresScene = Scene & { readonly ground: PostgresGround }

/** A fault of the server or of the way to it. */
function fault(
  name: string,
  weight: number,
  strike: (scene: PostgresScene) => Promise<void>,
): Fault {
  return {
    name,
    weight,
    stores: POSTGRES,
    async strike(scene) {
      if (scene.ground instanceof PostgresGround) await strike(scene as PostgresScene)
    },
  }
}

/** Connections are ended by the server, some at a time. It costs a retry, so nobody is excused by it. */
const backends = fault("backends", 3, ({ ground, wait, during }) =>
  during("backends", [], async () => {
    for (let strike = 0; strike < STRIKES; strike++) {
      await ground.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where usename = 'app' order by random() limit 3`,
      )
      await wait(STRIKE_APART_MS)
    }
  }),
)

/** Nobody hears notifications any more: those that listen are ended. */
const deaf = fault("deaf", 2, ({ ground, wait, during }) =>
  during("deaf", [], async () => {
    for (let strike = 0; strike < STRIKES; strike++) {
      await ground.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name like 'drover:signal:%'`,
      )
      await wait(STRIKE_APART_MS)
    }
  }),
)

/** The server stops as in a crash and starts again. */
const crash = fault("crash", 2, ({ ground, during }) =>
  during("crash", "all", async () => {
    await ground.server.stop("immediate")
    await ground.server.start()
  }),
)

/** The same, but it does not even notice. */
const killServer = fault("killServer", 1, ({ ground, during }) =>
  during("killServer", "all", async () => {
    process.kill(ground.server.pid(), "SIGKILL")
    // It finds nothing to stop any more; what is asked for is only that it is known to be gone.
    await ground.server.stop("immediate").catch(() => {})
    await ground.server.start()
  }),
)

/** One process, or all of them, reach the server no more, and no connection says so. */
const blackhole = fault("blackhole", 3, (scene) =>
  onTheWay(scene, "blackhole", { mode: { kind: "blackhole" }, ms: leases(scene, 0.3, 3) }),
)

const delay = fault("delay", 2, (scene) =>
  onTheWay(scene, "delay", {
    mode: { kind: "delay", ms: 20 + randomBelow(scene.rng, 200) },
    ms: leases(scene, 1, 3),
  }),
)

const cutOnCommit = fault("cutOnCommit", 4, (scene) =>
  onTheWay(scene, "cutOnCommit", { mode: { kind: "cutOnCommit" }, ms: leases(scene, 0.3, 1) }),
)

const cutMidRow = fault("cutMidRow", 2, (scene) =>
  onTheWay(scene, "cutMidRow", { mode: { kind: "cutMidRow" }, ms: leases(scene, 0.3, 1) }),
)

/** An open transaction keeps every dead row; nobody is excused by it. */
const xmin = fault("xmin", 2, ({ ground, wait, during, leaseMs }) =>
  during("xmin", [], async () => {
    await using client = await ground.connect()
    await client.query("begin isolation level repeatable read")
    await client.query("select count(*) from drover.job")
    await wait(5 * leaseMs)
  }),
)

/** Somebody else's program stands still with some jobs locked. */
const rowLock = fault("rowLock", 2, (scene) =>
  scene.during("rowLock", "all", async () => {
    await using client = await scene.ground.connect()
    await client.query("begin")
    await client.query(
      "select id from drover.job where state in (1, 2) limit 8 for update skip locked",
    )
    await scene.wait(leases(scene, 0.3, 2))
  }),
)

/** No further connection is let in. */
const slots = fault("slots", 1, (scene) =>
  scene.during("slots", "all", async () => {
    const taken: AsyncDisposable[] = []
    try {
      for (;;) taken.push(await scene.ground.connect("app"))
    } catch {
      // That was the last one.
    }
    await scene.wait(leases(scene, 0.5, 1.5))
    await Promise.all(taken.map((client) => client[Symbol.asyncDispose]()))
  }),
)

export const postgresFaults: readonly Fault[] = [
  backends,
  deaf,
  crash,
  killServer,
  blackhole,
  delay,
  cutOnCommit,
  cutMidRow,
  xmin,
  rowLock,
  slots,
]

/** Does something to the way of one process, the driver's producer, or now and then all. */
async function onTheWay(
  { ground, fleet, rng, wait, during }: PostgresScene,
  name: string,
  { mode, ms }: { readonly mode: ProxyMode; readonly ms: number },
): Promise<void> {
  const chance = rng.next()
  const member = chance < 0.6 ? fleet.one() : undefined
  const isAll = chance >= 0.8
  const ways = isAll ? ground.proxies() : [ground.proxy(member?.name ?? "producer")]
  const pids = isAll ? "all" : member === undefined ? [] : [member.pid]
  await during(name, pids, async () => {
    const turn = (to: ProxyMode): void => {
      for (const way of ways as readonly (TcpProxy | undefined)[]) way?.set(to)
    }
    turn(mode)
    try {
      await wait(ms)
    } finally {
      turn({ kind: "pass" })
    }
  })
}
