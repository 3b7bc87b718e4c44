/** How a process reaches the database. */
export type StoreAddress =
  | { readonly dialect: "sqlite"; readonly path: string }
  | { readonly dialect: "postgres"; readonly url: string }

/** What the driver tells a worker process when it starts it. */
export interface WorkerPlan {
  /** Its place: "worker-1". The process that replaces it has the same. */
  readonly name: string
  /** Where witnesses and the history are written. */
  readonly folder: string
  readonly address: StoreAddress
  readonly leaseMs: number
  readonly sweepMs: number
  /** Whether dead workers of this machine may be recognised before their lease ends. */
  readonly deadProof: boolean
  readonly seed: string
  readonly mutant: string | null
}

/** What the driver tells a worker process later. */
export type WorkerCommand =
  /** Let the event loop stand still. */
  | { readonly do: "block"; readonly ms: number }
  /** Put the wall clock of this process off by so much. */
  | { readonly do: "skew"; readonly ms: number }
  /** Write no more jobs. */
  | { readonly do: "calm" }

const VARIABLE = "DROVER_NEMESIS_PLAN"

export function planEnvironment(plan: WorkerPlan): Readonly<Record<string, string>> {
  return { [VARIABLE]: JSON.stringify(plan) }
}

/** Reads what the driver put into the environment. */
export function readWorkerPlan(): WorkerPlan {
  return JSON.parse(process.env[VARIABLE] ?? "null") as WorkerPlan
}
