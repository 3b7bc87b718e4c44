import type { StoreAddress } from "../fleet/workerPlan.ts"
import type { StoredTerm } from "../history/runHistory.ts"

/** The database under test with all that can be done to it. It is started and judged by the driver. */
export interface Ground extends AsyncDisposable {
  readonly dialect: "sqlite" | "postgres"
  /** How one process of the fleet, or the driver's producer, reaches it; where there are proxies, through its own. */
  address(process: string): Promise<StoreAddress>
  /** How the driver reaches it past all faults on the way. */
  readonly control: StoreAddress
  /** Faults that cannot be had on this machine, and why. */
  readonly missing: ReadonlyMap<string, string>
  /** What the database holds now: connections, open transactions, the size of its log. */
  measure(): Promise<Readonly<Record<string, number>>>
  /** Called once the tables are there: lets the database itself write down what happens in terms of leadership. */
  watchTerms(): Promise<void>
  /** What it wrote down, in the order of commits. */
  storedTerms(): Promise<readonly StoredTerm[]>
  /** Writes a job of which nobody is told; `null` where a write is always noticed. */
  readonly enqueueUnheard: ((job: UnheardJob) => Promise<void>) | null
  /** Sockets that the driver holds now for connections of others that it passes on. */
  carried(): number
  /** Puts a copy of the database where it outlives the run, for who looks into a failure. */
  keep(): void
  /** The database's own judgement of itself: "ok", or what is broken. */
  integrity(): Promise<string>
}

/** A job that is found only by those who look. */
export interface UnheardJob {
  readonly id: string
  readonly kind: string
  readonly input: object
}
