import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { Events } from "../src/events/index.ts"
import { sqlite } from "../src/sqlite/index.ts"
import type { Store } from "../src/store/index.ts"
import { systemClock, systemRng } from "../src/time/index.ts"
import { Program } from "./program.ts"
import type { Death } from "./program.ts"
import type { Pause } from "./history.ts"
import type { Plan } from "./plan.ts"

/** A database, a folder for witnesses, and the processes that were started over them. */
export class Ground implements AsyncDisposable {
  readonly plan: Plan
  readonly store: Store
  readonly deaths: Death[] = []
  readonly pauses: Pause[] = []
  readonly #programs = new Set<Program>()

  private constructor(plan: Plan, store: Store) {
    this.plan = plan
    this.store = store
  }

  static async open(plan: Partial<Plan> = {}): Promise<Ground> {
    const folder = mkdtempSync(join(tmpdir(), "drover-crash-"))
    const database = join(folder, "app.db")
    const environment = { clock: systemClock, rng: systemRng, events: new Events() }
    const store = sqlite(database).connect(environment)
    await store.open({ migrate: true })
    const defaults = { leaseMs: 1_500, sweepMs: 300, slots: 8, deadProof: true, seed: "1" }
    return new Ground({ database, folder, ...defaults, ...plan }, store)
  }

  start(
    name: "worker" | "producer" | "contender",
    change: Partial<Plan> = {},
    crashAt?: string,
  ): Program {
    const file = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url))
    const env = { DROVER_CRASH_PLAN: JSON.stringify({ ...this.plan, ...change }) }
    const program = new Program(file, {
      env: crashAt === undefined ? env : { ...env, DROVER_CRASH_AT: crashAt },
    })
    this.#programs.add(program)
    void program.death.then((death) => {
      this.deaths.push(death)
      this.#programs.delete(program)
    })
    return program
  }

  /**
   * Stops a process by a signal, if it has not stopped itself, until something has happened, and remembers it.
   * It may be stopped while it holds the database's write lock.
   */
  async pause(program: Program, until: () => Promise<void>): Promise<void> {
    const from = { fromAt: systemClock.now(), fromMono: systemClock.monotonic() }
    program.signal("SIGSTOP")
    try {
      await until()
    } finally {
      this.pauses.push({ pid: program.pid, ...from, toMono: systemClock.monotonic() })
      program.signal("SIGCONT")
    }
  }

  /** Waits until something holds. @throws after `limitMs`, saying what it waited for. */
  async until(
    what: string,
    limitMs: number,
    holds: () => Promise<boolean> | boolean,
  ): Promise<void> {
    const endMono = systemClock.monotonic() + limitMs
    while (!(await holds())) {
      if (systemClock.monotonic() > endMono) throw new Error(`after ${limitMs} ms: not yet ${what}`)
      await systemClock.sleep(20)
    }
  }

  /** SQLite's own judgement of the file: "ok", or what is broken. */
  integrity(): string {
    const db = new DatabaseSync(this.plan.database, { readOnly: true })
    try {
      const rows = db.prepare("pragma integrity_check").all()
      return rows.map((row) => String(row["integrity_check"])).join("; ")
    } finally {
      db.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = [...this.#programs]
    for (const program of left) {
      program.signal("SIGCONT")
      program.signal("SIGKILL")
    }
    await Promise.all(left.map(({ death }) => death))
    await this.store.close()
    rmSync(this.plan.folder, { recursive: true })
  }
}
