import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Drover, Events } from "drover"
import { SeededRng, systemClock, systemRng } from "../../packages/drover/src/time/index.ts"
import type { Store } from "../../packages/drover/src/store/index.ts"
import { judge } from "../checks/index.ts"
import { Storm } from "../faults/storm.ts"
import { features } from "../features/index.ts"
import type { HandlerWorld } from "../features/feature.ts"
import { Fleet } from "../fleet/fleet.ts"
import { HistoryProducer } from "../fleet/historyProducer.ts"
import { Reaper } from "../fleet/reaper.ts"
import { storeSource } from "../fleet/storeSource.ts"
import { work } from "../fleet/workload.ts"
import type { WorkerPlan } from "../fleet/workerPlan.ts"
import type { Ground } from "../ground/ground.ts"
import { openGround } from "../ground/openGround.ts"
import { HistoryFile } from "../history/operation.ts"
import type { RunHistory, Sample } from "../history/runHistory.ts"
import { huntedNamed } from "../mutants/index.ts"
import type { Hunted } from "../mutants/planted.ts"
import { findUnheard } from "./findUnheard.ts"
import { collect } from "./collect.ts"
import { reportOf } from "./report.ts"
import type { RunOptions, RunReport, RunStatus } from "./runOptions.ts"
import { sampleProcess } from "./sampling.ts"

const LEASE_MS = 1_500
const SWEEP_MS = 300
const WORKERS = 4
const WARM_MS = 2_500
const PACE_MS = 120
const OPEN_JOBS = 200
const QUIET_MS = 60_000
// A planted bug that keeps the fleet from coming to rest has been caught by then.
const HUNT_QUIET_MS = 25_000
const UNFINISHED = ["scheduled", "available", "running", "retryable"] as const

/**
 * One run: a database and a fleet are started and given work; faults strike for some minutes; then everything is healed,
 * the work is finished, the fleet stops, and what was seen is judged. However it ends, nothing of it is left running.
 */
export async function nemesisRun(options: RunOptions): Promise<RunReport> {
  const folder = mkdtempSync(join(tmpdir(), "drover-nemesis-"))
  const reaper = new Reaper()
  const run = new NemesisRun(options, folder, reaper)
  try {
    return await run.whole()
  } finally {
    await run.end()
    await reaper.close()
    if (!run.kept) rmSync(folder, { recursive: true, force: true })
  }
}

class NemesisRun {
  kept = false
  readonly #options: RunOptions
  readonly #folder: string
  readonly #reaper: Reaper
  readonly #rng: SeededRng
  readonly #calm = new AbortController()
  readonly #hunted: Hunted | null
  readonly #samples: Sample[] = []
  readonly #failures: string[] = []
  #ground: Ground | undefined
  #fleet: Fleet | undefined
  #control: Store | undefined
  #producer: Drover | undefined

  constructor(options: RunOptions, folder: string, reaper: Reaper) {
    this.#options = options
    this.#folder = folder
    this.#reaper = reaper
    this.#rng = new SeededRng(options.seed)
    const { mutant, store } = options
    this.#hunted = mutant === null ? null : huntedNamed(mutant, store)
    options.signal.addEventListener("abort", () => {
      this.#calm.abort()
      void this.#fleet?.kill()
    })
  }

  async whole(): Promise<RunReport> {
    const { store, minutes } = this.#options
    this.#status("start", 0)
    this.#ground = await openGround(store, {
      folder: this.#folder,
      reaper: this.#reaper,
      minutes,
    })
    const ground = this.#ground
    const control = await this.#openControl(ground)
    await ground.watchTerms()
    const fleet = await this.#startFleet(ground)
    const working = this.#startWork(ground)
    await this.#sleep(WARM_MS)
    await this.#sample("baseline")
    const storm = await this.#rage(ground, fleet, control)
    const healedMono = systemClock.monotonic()
    await working
    const drainedMs = await this.#drain(control, fleet)
    const unheard = drainedMs === null ? [] : await this.#listen(ground, control)
    await this.#sample("end")
    this.#failures.push(...(await fleet.stop()))
    this.#status("judge", 0)
    await this.#producer?.close()
    const history = await collect(
      { folder: this.#folder, store: control, fleet, ground },
      {
        faults: storm.spans,
        samples: this.#samples,
        leaseMs: LEASE_MS,
        healedMono,
        unheard,
        failures: [...storm.failures, ...this.#failures, ...(await this.#judgeDatabase(ground))],
      },
    )
    const violations = judge(history)
    this.kept = violations.length > 0 && this.#options.mutant === null
    if (this.kept) this.#keep(ground, history)
    return reportOf(this.#options, history, {
      violations,
      faults: storm.counts,
      missing: ground.missing,
      drainedMs,
      kept: this.kept ? this.#folder : null,
    })
  }

  /** Ends what is left, in whatever state it is. */
  async end(): Promise<void> {
    this.#calm.abort()
    await this.#fleet?.kill()
    await this.#producer?.close().catch(() => {})
    await this.#control?.close().catch(() => {})
    await this.#ground?.[Symbol.asyncDispose]()
  }

  async #openControl(ground: Ground): Promise<Store> {
    const source = await storeSource(ground.control)
    this.#control = source.connect({ clock: systemClock, rng: systemRng, events: new Events() })
    await this.#control.open({ migrate: true })
    return this.#control
  }

  async #startFleet(ground: Ground): Promise<Fleet> {
    // In every other run nobody's death can be proved, and only leases decide.
    const deadProof = this.#rng.next() < 0.5
    const plans = await Promise.all(
      Array.from({ length: WORKERS }, async (_, index): Promise<WorkerPlan> => {
        const name = `worker-${index + 1}`
        return {
          name,
          folder: this.#folder,
          address: await ground.address(name),
          leaseMs: LEASE_MS,
          sweepMs: SWEEP_MS,
          deadProof,
          seed: this.#options.seed,
          mutant: this.#options.mutant,
        }
      }),
    )
    this.#fleet = new Fleet({
      plans,
      reaper: this.#reaper,
      rng: this.#rng,
      onReady: ({ name, pid }) => void this.#baselineOf(`${name}/${pid}`, pid),
    })
    await this.#fleet.start()
    return this.#fleet
  }

  /** The driver's own part of the workload, most of it. */
  async #startWork(ground: Ground): Promise<void> {
    const idle: HandlerWorld = {
      leaseMs: LEASE_MS,
      witnessed: () => Promise.reject(new Error("the driver runs no handlers")),
      sleep: () => Promise.resolve(),
      block: () => {},
      die: () => {},
    }
    const definitions = features.flatMap((feature) => feature.define(idle))
    const drover = new Drover({
      store: await storeSource(await ground.address("producer")),
      jobs: definitions,
      migrate: false,
      actor: "driver",
    })
    this.#producer = drover
    const producer = new HistoryProducer({
      drover,
      definitions,
      history: new HistoryFile(this.#folder, "driver"),
      rng: new SeededRng(`${this.#options.seed}/driver`),
      leaseMs: LEASE_MS,
      mayHoldOpen: ground.dialect === "postgres",
      calm: this.#calm.signal,
    })
    const isFull = async (): Promise<boolean> => {
      const states = ["available"] as const
      const waiting = await drover.count({ states }, OPEN_JOBS).catch(() => OPEN_JOBS)
      return waiting === OPEN_JOBS
    }
    const hunted = this.#hunted?.features ?? []
    await work(producer, { paceMs: PACE_MS, calm: this.#calm.signal, isFull, hunted })
  }

  async #rage(ground: Ground, fleet: Fleet, control: Store): Promise<Storm> {
    const { minutes } = this.#options
    const calm = new AbortController()
    this.#calm.signal.addEventListener("abort", () => calm.abort())
    const storm = new Storm({
      ground,
      fleet,
      reaper: this.#reaper,
      history: new HistoryFile(this.#folder, "nemesis"),
      rng: new SeededRng(`${this.#options.seed}/storm`),
      leaseMs: LEASE_MS,
      calm: calm.signal,
      control,
      hunted: this.#hunted,
    })
    const raging = storm.rage()
    const endMono = systemClock.monotonic() + minutes * 60_000
    while (systemClock.monotonic() < endMono && !calm.signal.aborted) {
      this.#status("storm", endMono - systemClock.monotonic(), storm)
      await this.#sleep(Math.min(500, Math.max(1, endMono - systemClock.monotonic())))
    }
    calm.abort()
    await raging
    this.#options.signal.throwIfAborted()
    this.#calm.abort()
    return storm
  }

  /** Waits until everything is finished, for a while. @returns how long it took. */
  async #drain(control: Store, fleet: Fleet): Promise<number | null> {
    const startMono = systemClock.monotonic()
    const limitMs = this.#options.mutant === null ? QUIET_MS : HUNT_QUIET_MS
    fleet.calm()
    await this.#openQueues(control)
    let wasCalm = false
    const passedMs = (): number => systemClock.monotonic() - startMono
    while (passedMs() < limitMs) {
      this.#options.signal.throwIfAborted()
      this.#status("heal", limitMs - passedMs())
      const left = await control.count({ states: UNFINISHED }, 1_000)
      if (left === 0 && wasCalm) return passedMs()
      // Only a count that began after the last of them wrote its last job says that there are no more.
      wasCalm = fleet.isCalm()
      await systemClock.sleep(200)
    }
    const { jobs } = await control.list({ states: UNFINISHED }, { limit: 5, after: null })
    const some = jobs.map(({ id, kind, state }) => `${id} (${kind}, ${state})`).join(", ")
    this.#failures.push(
      `after ${limitMs} ms without faults not everything is finished; ${fleet.ready().length} workers work; ${some}`,
    )
    return null
  }

  /** The fleet has nothing to do and hears nothing: what is written now is found by those who look. */
  async #listen(ground: Ground, control: Store): Promise<readonly string[]> {
    const drover = this.#producer
    const enqueue = ground.enqueueUnheard
    if (drover === undefined || enqueue === null) return []
    this.#status("listen", 0)
    for (const { name } of await drover.schedules.list()) await drover.schedules.pause(name)
    return findUnheard({ enqueue, control, newId: () => drover.newId(), folder: this.#folder })
  }

  /** In the history too: claims from a queue that was paused are right from now on. */
  async #openQueues(control: Store): Promise<void> {
    const history = new HistoryFile(this.#folder, "healer")
    for (const { queue, paused } of await control.queueSettings()) {
      if (!paused) continue
      const call = history.invoke("resumeQueue", { queue })
      await control.setQueue(queue, { paused: false }, "healer")
      call.ok()
    }
  }

  /** What the store said at last, beside the witnesses: a server's own files go with it. */
  #keep(ground: Ground, { rows, trails }: RunHistory): void {
    ground.keep()
    const lines = [...rows.values(), ...[...trails.values()].flat()].map((each) =>
      JSON.stringify(each),
    )
    writeFileSync(join(this.#folder, "store.jsonl"), lines.join("\n"))
  }

  async #judgeDatabase(ground: Ground): Promise<string[]> {
    const integrity = await ground.integrity()
    return integrity === "ok" ? [] : [`the database says of itself: ${integrity}`]
  }

  /** When a process has just started it does not hold all that it will: after a moment it does. */
  async #baselineOf(of: string, pid: number): Promise<void> {
    const { signal } = this.#calm
    await systemClock.sleep(WARM_MS, { signal }).catch(() => {})
    const sample = sampleProcess(of, pid, "baseline")
    if (sample !== null && !signal.aborted) this.#samples.push(sample)
  }

  async #sample(when: Sample["when"]): Promise<void> {
    const counts = await this.#ground?.measure()
    if (counts !== undefined) this.#samples.push({ of: "database", when, counts })
    // The clients' pools decide how many connections there are; those are judged at the database.
    const driver = sampleProcess("driver", process.pid, when, this.#ground?.carried())
    if (driver !== null) this.#samples.push(driver)
    if (when === "baseline") return
    for (const { name, pid } of this.#fleet?.ready() ?? []) {
      const sample = sampleProcess(`${name}/${pid}`, pid, when)
      if (sample !== null) this.#samples.push(sample)
    }
  }

  async #sleep(ms: number): Promise<void> {
    await systemClock.sleep(ms, { signal: this.#calm.signal }).catch(() => {})
    this.#options.signal.throwIfAborted()
  }

  #status(phase: RunStatus["phase"], leftMs: number, storm?: Storm): void {
    const spans = storm?.spans ?? []
    this.#options.onStatus({
      phase,
      leftMs,
      workers: this.#fleet?.ready().length ?? 0,
      faults: spans.length,
      raging: spans.filter(({ toMono }) => toMono === Infinity).map(({ name }) => name),
    })
  }
}
