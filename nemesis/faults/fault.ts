import type { Rng } from "../../packages/drover/src/time/index.ts"
import type { Fleet } from "../fleet/fleet.ts"
import type { Ground } from "../ground/ground.ts"

/** Something that can be made to go wrong, and is undone again. */
export interface Fault {
  readonly name: string
  readonly stores: readonly Ground["dialect"][]
  /** How often it comes, compared with the others. */
  readonly weight: number
  /** Resolves when everything is as before. When calm is called for, it undoes itself at once. */
  strike(scene: Scene): Promise<void>
}

/** What faults work on. */
export interface Scene {
  readonly ground: Ground
  readonly fleet: Fleet
  readonly rng: Rng
  readonly leaseMs: number
  /** Process id of the one that leads now, if that can be told. */
  leader(): Promise<number | undefined>
  /** Waits, shorter when calm is called for. */
  wait(ms: number): Promise<void>
  /** Notes the time of the body as one in which these processes, or the database, are under the fault. */
  during(name: string, pids: readonly number[] | "all", body: () => Promise<void>): Promise<void>
  /** Names a process that a fault started, so that it is ended with the run however that ends. */
  started(pid: number): void
}

/** A part of a lease, from `least` to `most`. */
export function leases({ rng, leaseMs }: Scene, least: number, most: number): number {
  return leaseMs * (least + rng.next() * (most - least))
}
