import { availableParallelism, cpus } from "node:os"
import { parseArgs } from "node:util"
import { withHistory } from "./history.ts"
import { Lab } from "./lab.ts"
import { idleLatency, loadedLatency } from "./latency.ts"
import type { Latency } from "./latency.ts"
import { besideTransaction } from "./openTransaction.ts"
import { postgresSettings } from "./postgresServer.ts"
import { kills, recoverySeconds, successionSeconds } from "./recovery.ts"
import { redisSettings } from "./redisServer.ts"
import { Report } from "./report.ts"
import { systems } from "./systems.ts"
import type { System } from "./systems.ts"
import { drainFresh, throughput } from "./throughput.ts"
import type { Throughput } from "./throughput.ts"

/**
 * `npm run bench -- --peers`: Drover beside other queues in one run, on one machine and one Postgres, in turn. What
 * is not installed is named and left out. A figure is always of jobs that were counted.
 */
const measures = ["drain", "fresh", "latency", "half", "recovery", "open", "history"] as const
type Measure = (typeof measures)[number]

const { values } = parseArgs({
  options: {
    peers: { type: "boolean" },
    json: { type: "boolean", default: false },
    only: { type: "string", default: measures.join(",") },
    systems: { type: "string", default: systems.map(({ name }) => name).join(",") },
    rounds: { type: "string", default: "3" },
    jobs: { type: "string", default: "100000" },
    probes: { type: "string", default: "500" },
    seconds: { type: "string", default: "60" },
    finished: { type: "string", default: "5000000" },
    help: { type: "boolean", default: false },
  },
})

const only = values.only.split(",") as Measure[]
const names = values.systems.split(",")
const [rounds, jobs, probes, seconds, finished] = [
  values.rounds,
  values.jobs,
  values.probes,
  values.seconds,
  values.finished,
].map(Number) as [number, number, number, number, number]
const unknown = [
  ...only.filter((name) => !measures.includes(name)),
  ...names.filter((name) => !systems.some((system) => system.name === name)),
]
const wrong = [rounds, jobs, probes, seconds, finished].some((value) => !(value >= 1))
if (values.help || unknown.length > 0 || wrong) {
  console.error(
    `npm run bench -- --peers [--json] [--only ${measures.join(",")}] [--systems a,b] [--rounds 3]\n` +
      `  [--jobs 100000] [--probes 500] [--seconds 60] [--finished 5000000]\n` +
      `"drain" is also bulk and concurrent enqueue, and its database is vacuumed and analyzed, that of "fresh" is not; --seconds is how long the transaction of "open" is.\n` +
      `Systems: ${systems.map(({ name }) => name).join(", ")}\n` +
      `First: npm ci in bench/peers, a redis-server, Go. The databases go below TMPDIR.`,
  )
  process.exit(values.help ? 0 : 2)
}

const chosen = systems.filter(({ name }) => names.includes(name))
const report = new Report(values.json)
await using lab = await Lab.start(chosen)
const present = introduce(chosen)
const runtimes = present.filter(({ isCeiling }) => isCeiling !== true)
const rates = new Map<string, Throughput[]>()

if (only.includes("drain")) await measureThroughput(rounds)
if (only.includes("fresh")) await measureFresh()
if (only.includes("latency")) await measureIdle()
if (only.includes("half")) await measureHalfLoad()
if (only.includes("recovery")) await measureRecovery()
if (only.includes("open")) await measureOpenTransaction()
if (only.includes("history")) await measureHistory()

/** Names who takes part, with what versions and settings, and who does not. */
function introduce(systemsOfRun: readonly System[]): readonly System[] {
  const settings = Object.entries(postgresSettings).map(([name, value]) => `${name}=${value}`)
  report.note(
    `Node ${process.version}, ${availableParallelism()} cores (${cpus()[0]?.model ?? "?"}), ${process.platform}\n` +
      `Postgres ${lab.postgres.version}: ${settings.join(" ")}`,
  )
  if (lab.redis !== null) {
    report.note(
      `Redis ${lab.redis.version}: ${redisSettings.map((word) => word || '""').join(" ")}`,
    )
  }
  return systemsOfRun.filter((system) => {
    const absence = lab.absence(system)
    const version = lab.versions.get(system.library) ?? ""
    report.note(
      absence === null
        ? `${system.name}: ${system.library} ${version}; ${system.settings}` +
            (system.less === "" ? "" : `. Less: ${system.less}`)
        : `${system.name}: skipped, ${absence}`,
    )
    return absence === null
  })
}

async function measureThroughput(count: number): Promise<void> {
  await inTurn("drain", present, count, async (system) => {
    const measured = await throughput(lab, system, Math.round(jobs * system.share))
    const known = rates.get(system.name) ?? []
    rates.set(system.name, [...known, measured])
  })
  const of = (pick: (rate: Throughput) => number | null): Map<string, number[]> =>
    new Map(
      [...rates].map(([name, list]) => [name, list.map(pick).filter((rate) => rate !== null)]),
    )
  report.print(
    "enqueue, 100 in flight",
    "jobs/s",
    "more",
    of(({ concurrent }) => concurrent),
  )
  report.print(
    "enqueue in bulk",
    "jobs/s",
    "more",
    of(({ bulk }) => bulk),
  )
  report.print(
    "drain, no-op handlers",
    "jobs/s",
    "more",
    of((rate) => rate.drain),
  )
}

async function measureFresh(): Promise<void> {
  const found = new Map<string, number[]>()
  await inTurn("drain right after the enqueue", runtimes, rounds, async (system) => {
    const rate = await drainFresh(lab, system, Math.round(jobs * system.share))
    found.set(system.name, [...(found.get(system.name) ?? []), rate])
  })
  report.print("drain right after the enqueue", "jobs/s", "more", found)
}

async function measureIdle(): Promise<void> {
  for (const [name, apart] of [
    ["one process", false],
    ["two processes", true],
  ] as const) {
    const found = new Map<string, Latency[]>()
    await inTurn(`latency, ${name}`, runtimes, rounds, async (system) => {
      const latency = await idleLatency(lab, system, probes, apart)
      found.set(system.name, [...(found.get(system.name) ?? []), latency])
    })
    printLatency(`enqueue to start, idle, ${name}`, found)
  }
}

async function measureHalfLoad(): Promise<void> {
  const missing = runtimes.some(({ name }) => !rates.has(name))
  if (missing) await measureThroughput(1)
  const found = new Map<string, Latency[]>()
  await inTurn("half load", runtimes, rounds, async (system) => {
    const rate = halfLoad(system)
    report.note(`half load of ${system.name}: ${rate} jobs/s`)
    const latency = await loadedLatency(lab, system, rate, 10)
    found.set(system.name, [...(found.get(system.name) ?? []), latency])
  })
  printLatency("enqueue to start, half load", found)
}

/** Half of what a system can take in one by one and work off at the same time, on processors that both share. */
function halfLoad({ name }: System): number {
  const measured = rates.get(name)!
  const best = (pick: (rate: Throughput) => number): number => Math.max(...measured.map(pick))
  const both =
    1 / (1 / best((rate) => rate.concurrent ?? rate.bulk) + 1 / best((rate) => rate.drain))
  return Math.round(both / 2)
}

async function measureRecovery(): Promise<void> {
  const waited = runtimes.filter(({ slowRecovery }) => slowRecovery === null)
  for (const { name, slowRecovery } of runtimes) {
    if (slowRecovery !== null) report.note(`recovery of ${name}: not waited for, ${slowRecovery}`)
  }
  // Only Drover has leaders that a bystander could take the place of.
  const led = waited.filter(({ side }) => side === "drover")
  for (const kill of kills) {
    const takers = kill.leads ? led : waited
    await measureSeconds(`start again after SIGKILL of ${kill.name}`, takers, (system) =>
      recoverySeconds(lab, system, kill),
    )
  }
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    await measureSeconds(`another leads after ${signal} of a leader`, led, (system) =>
      successionSeconds(lab, system, signal),
    )
  }
}

async function measureSeconds(
  name: string,
  takers: readonly System[],
  measure: (system: System) => Promise<number | null>,
): Promise<void> {
  const found = new Map<string, number[]>()
  await inTurn(name, takers, rounds, async (system) => {
    const took = await measure(system)
    if (took === null) report.note(`${name}, ${system.name}: not within 90 s`)
    else found.set(system.name, [...(found.get(system.name) ?? []), took])
  })
  report.print(name, "s", "less", found)
}

async function measureOpenTransaction(): Promise<void> {
  const able = runtimes.filter(({ database }) => database === "postgres")
  if (able.some(({ name }) => !rates.has(name))) await measureThroughput(1)
  const rows = new Map<string, Awaited<ReturnType<typeof besideTransaction>>>()
  await inTurn("open transaction", able, 1, async (system) => {
    const perSecond = Math.min(2000, halfLoad(system))
    const count = Math.round(jobs * system.share)
    rows.set(system.name, await besideTransaction(lab, system, { perSecond, seconds, jobs: count }))
  })
  const of = (pick: (row: Awaited<ReturnType<typeof besideTransaction>>) => number | null) =>
    new Map(
      [...rows].map(([name, row]): [string, number[]] => {
        const value = pick(row)
        return [name, value === null ? [] : [value]]
      }),
    )
  const name = `beside a transaction open for ${seconds} s`
  const print = (
    what: string,
    unit: string,
    better: "more" | "less",
    pick: Parameters<typeof of>[0],
  ) => report.print(`${name}: ${what}`, unit, better, of(pick))
  print("load", "jobs/s", "more", (row) => row.perSecond)
  print("enqueue to start in the last 10 s, p50", "ms", "less", (row) => row.p50)
  print("enqueue to start in the last 10 s, p99", "ms", "less", (row) => row.p99)
  print("claim in the last 10 s, p99", "ms", "less", (row) => row.claimP99)
  print("backlog at the end", "jobs", "less", (row) => row.backlog)
  print("drain", "jobs/s", "more", (row) => row.drain)
}

async function measureHistory(): Promise<void> {
  const able = runtimes.filter(({ keeps }) => keeps)
  for (const { name, keeps, less } of runtimes) {
    if (!keeps && less.startsWith("deletes")) report.note(`history of ${name}: none, it ${less}`)
  }
  const empty = new Map<string, number[]>()
  const full = new Map<string, number[]>()
  await inTurn("history", able, 1, async (system) => {
    const size = {
      finished: Math.round(finished * system.share),
      jobs: Math.round(jobs * system.share),
      rounds,
    }
    const measured = await withHistory(lab, system, size)
    empty.set(system.name, [measured.empty])
    full.set(system.name, [measured.full])
    report.note(
      `${system.name} with ${size.finished} finished: ${(measured.full / measured.empty).toFixed(2)} of without`,
    )
  })
  report.print("drain, empty", "jobs/s", "more", empty)
  report.print(`drain beside ${finished} finished jobs`, "jobs/s", "more", full)
}

function printLatency(name: string, found: ReadonlyMap<string, readonly Latency[]>): void {
  const of = (pick: (latency: Latency) => number): Map<string, number[]> =>
    new Map([...found].map(([system, list]) => [system, list.map(pick)]))
  report.print(
    `${name}, p50`,
    "ms",
    "less",
    of(({ p50 }) => p50),
  )
  report.print(
    `${name}, p99`,
    "ms",
    "less",
    of(({ p99 }) => p99),
  )
}

/** Every system once a round, so that a machine that slows down slows all of them. One that fails says why. */
async function inTurn(
  what: string,
  takers: readonly System[],
  count: number,
  measure: (system: System) => Promise<void>,
): Promise<void> {
  const failed = new Set<string>()
  for (let round = 1; round <= count; round++) {
    for (const system of takers) {
      if (failed.has(system.name)) continue
      if (!values.json) process.stderr.write(`${what} ${round}/${count}: ${system.name}\n`)
      try {
        await measure(system)
      } catch (error) {
        failed.add(system.name)
        report.note(`${what} of ${system.name} failed: ${(error as Error).message}`)
      }
    }
  }
}
