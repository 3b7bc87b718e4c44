/** What a worker may claim now. */
export type Turn =
  /** Ordinary jobs. */
  | "ordinary"
  /** One job that runs alone. */
  | "solo"
  /** Nothing: it waits until what runs has ended, to run a job alone then. */
  | "wait"

// After a claim found nothing although the store had announced a job: somebody else has it, or has paused its queue.
const DEAF_MS = 1_000
// Caps the doubling below; a day of waiting is more than any handler needs.
const LONGEST_WINDOW_MS = 86_400_000

/**
 * Whose turn it is: ordinary jobs, which run side by side, or jobs that must run alone because their process died
 * under them once. An idle worker takes a job of the second kind at once. A busy one goes on for a while
 * (`patienceMs`), then claims nothing for as long, hoping to become idle; if a handler takes longer than that, it
 * goes back to work and tries again later for twice as long, so neither one long handler nor one suspect job brings
 * the worker to a halt. After each solo job, ordinary ones have their turn. Pure: the owner hands in readings.
 */
export class SoloTurn {
  readonly #patienceMs: number
  #waitingSinceMono: number | undefined
  #deafUntilMono = Number.NEGATIVE_INFINITY
  #runs = false
  #ordinaryFirst = false

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /** Whether a job that must run alone waits and nobody has asked for it yet. */
  get waits(): boolean {
    return this.#waitingSinceMono !== undefined && !this.#runs
  }

  /** Whether a job that must run alone waits or runs, so that an ordinary one may not start as a matter of course. */
  get engaged(): boolean {
    return this.#runs || this.#waitingSinceMono !== undefined
  }

  /** Whether a job that must run alone is waiting, as the store said just now. */
  seen(waiting: boolean, nowMono: number): void {
    if (!waiting) this.#waitingSinceMono = undefined
    else if (nowMono >= this.#deafUntilMono) this.#waitingSinceMono ??= nowMono
  }

  /**
   * @param running how many handlers run here.
   * @param ordinaryWaits whether an ordinary job may be claimed now.
   */
  turn(nowMono: number, running: number, ordinaryWaits: boolean): Turn {
    if (this.#runs) return "wait"
    if (this.#waitingSinceMono === undefined) return "ordinary"
    const { patient } = this.#window(nowMono, this.#waitingSinceMono)
    if (running > 0) return patient ? "ordinary" : "wait"
    return this.#ordinaryFirst && ordinaryWaits && patient ? "ordinary" : "solo"
  }

  /** When `turn` may change by the mere passing of time, or `undefined`. */
  changesAtMono(nowMono: number): number | undefined {
    if (this.#runs || this.#waitingSinceMono === undefined) return undefined
    return this.#window(nowMono, this.#waitingSinceMono).endMono
  }

  /** A claim of a solo job was answered. */
  claimed(found: boolean, nowMono: number): void {
    this.#waitingSinceMono = undefined
    this.#ordinaryFirst = false
    if (found) this.#runs = true
    else this.#deafUntilMono = nowMono + DEAF_MS
  }

  /** Ordinary jobs were claimed: they have had their turn. */
  claimedOrdinary(): void {
    this.#ordinaryFirst = false
  }

  /** The solo job ended. */
  ended(): void {
    this.#runs = false
    this.#ordinaryFirst = true
  }

  // Work for P, wait for P, work for P, wait for 2 P, work for 2 P, wait for 4 P, …
  #window(
    nowMono: number,
    sinceMono: number,
  ): { readonly patient: boolean; readonly endMono: number } {
    let endMono = sinceMono + this.#patienceMs
    let lengthMs = this.#patienceMs
    let patient = true
    while (nowMono >= endMono) {
      patient = !patient
      if (!patient && endMono > sinceMono + this.#patienceMs)
        lengthMs = Math.min(2 * lengthMs, LONGEST_WINDOW_MS)
      endMono += lengthMs
    }
    return { patient, endMono }
  }
}
