import { limitName, parseLimitName } from "../../packages/drover/src/store/index.ts"
import type {
  LimitDeclaration,
  LimitId,
  LimitSetting,
} from "../../packages/drover/src/store/index.ts"
import type { JobRecord } from "./jobRecord.ts"

/** A limit and one of its keys; the key is empty for a limit over all. */
export interface Gate {
  readonly name: string
  readonly key: string
  readonly setting: LimitSetting
}

/** What limits are about in a job. */
export type LimitedJob = Pick<JobRecord, "seq" | "queue" | "kind" | "keys">

interface Start {
  readonly at: number
  readonly gates: ReadonlySet<string>
}

/**
 * Limits by the book: a list of what runs and a list of what started, counted anew for each question. It knows
 * nothing of how a store does it. It remembers the starts of rates that end, which stores forget; in a run all rates
 * are declared and so none ends.
 */
export class LimitModel {
  readonly #declared: Map<string, LimitSetting> = new Map()
  readonly #set: Map<string, LimitSetting> = new Map()
  readonly #running: Map<number, LimitedJob> = new Map()
  #starts: Start[] = []

  /** Takes over what code declares: all programs of a run declare the same. */
  declare({ limits }: LimitDeclaration): void {
    for (const limit of limits) this.#declared.set(limitName(limit), limit)
  }

  /** @returns what is in force from now on. */
  set(limit: LimitId, setting: LimitSetting | null): LimitSetting | null {
    const name = limitName(limit)
    if (setting === null) this.#set.delete(name)
    else this.#set.set(name, setting)
    return this.inForce(name) ?? null
  }

  inForce(name: string): LimitSetting | undefined {
    return this.#set.get(name) ?? this.#declared.get(name)
  }

  /** The limits that a job is subject to. Fair ones hold nothing back. */
  gatesOf({ queue, kind, keys }: LimitedJob): readonly Gate[] {
    const gates: Gate[] = []
    for (const name of new Set([...this.#declared.keys(), ...this.#set.keys()])) {
      const limit = parseLimitName(name)!
      const setting = this.inForce(name)!
      if (limit.type === "fair") continue
      const key =
        limit.by === null
          ? limit.target === (limit.scope === "queue" ? queue : kind) && ""
          : (keys.find(([own]) => own === name)?.[1] ?? false)
      if (key !== false) gates.push({ name, key, setting })
    }
    return gates
  }

  /** How many run under a gate, or started in the window that ends `at`. */
  used({ name, key, setting }: Gate, at: number): number {
    if (setting.perMs === null) {
      return [...this.#running.values()].filter((job) =>
        this.gatesOf(job).some((gate) => gate.name === name && gate.key === key),
      ).length
    }
    const since = at - setting.perMs
    const id = gateId(name, key)
    return this.#starts.filter((start) => start.at > since && start.gates.has(id)).length
  }

  /** The first gate of a job that has no room. */
  blocking(job: LimitedJob, at: number): Gate | undefined {
    return this.gatesOf(job).find((gate) => this.used(gate, at) >= (gate.setting.max ?? Infinity))
  }

  started(job: LimitedJob, at: number): void {
    this.#running.set(job.seq, job)
    const gates = this.gatesOf(job).flatMap(({ name, key, setting }) =>
      setting.perMs === null ? [] : [gateId(name, key)],
    )
    if (gates.length > 0) this.#starts.push({ at, gates: new Set(gates) })
  }

  ended(seq: number): void {
    this.#running.delete(seq)
  }

  /** Forgets starts that no window holds any more. */
  forgetBefore(at: number): void {
    this.#starts = this.#starts.filter((start) => start.at > at)
  }
}

function gateId(name: string, key: string): string {
  return `${name} ${key}`
}
