import type { CallEffect, Fault } from "./fault.ts"

/** What happens to one call. */
export interface CallFault {
  readonly effect: CallEffect | "full" | "outage"
  readonly ms: number
}

interface ArmedCall {
  readonly fault: Extract<Fault, { readonly kind: "call" }>
  left: number
}

type Window =
  | Extract<Fault, { readonly kind: "full" | "outage" | "deaf" }>
  | {
      readonly kind: "slow_beat"
      readonly atMs: number
      readonly forMs: number
      readonly process: number
      readonly ms: number
    }

/**
 * The faults of a run that strike calls of the store, looked up by instant. A call fault waits for the first
 * calls that match it, so it strikes also when other faults were taken out of the list and time shifted.
 */
export class FaultPlan {
  readonly #calls: ArmedCall[]
  readonly #windows: Window[]
  #healedAtMs = Number.POSITIVE_INFINITY

  constructor(faults: readonly Fault[]) {
    this.#calls = faults.flatMap((fault) =>
      fault.kind === "call" ? [{ fault, left: fault.count }] : [],
    )
    this.#windows = faults.filter(
      (fault) => fault.kind === "full" || fault.kind === "outage" || fault.kind === "deaf",
    )
  }

  /** Opens the windows of a brownout, which is aimed at a process when it begins. */
  dim(fault: Extract<Fault, { readonly kind: "brownout" }>, process: number): void {
    const { atMs, forMs, ms, goneMs } = fault
    this.#windows.push({ kind: "slow_beat", atMs, forMs, process, ms })
    this.#windows.push({ kind: "outage", atMs: atMs + forMs, forMs: goneMs, process })
  }

  /** From now on nothing goes wrong. */
  heal(nowMs: number): void {
    this.#healedAtMs = nowMs
    this.#calls.length = 0
  }

  /** The fault that strikes this call; it is used up. */
  take(process: number, op: string, isWrite: boolean, nowMs: number): CallFault | undefined {
    if (nowMs >= this.#healedAtMs) return undefined
    for (const window of this.#windows) {
      if (!isOpen(window, nowMs)) continue
      if (window.kind === "full" && isWrite) return { effect: "full", ms: 0 }
      if (window.kind === "slow_beat" && op === "beat" && window.process === process) {
        return { effect: "late_reply", ms: window.ms }
      }
      if (window.kind === "outage" && (window.process ?? process) === process) {
        return { effect: "outage", ms: 0 }
      }
    }
    const index = this.#calls.findIndex(
      ({ fault }) =>
        fault.atMs <= nowMs &&
        fault.process === process &&
        (fault.op === op || (fault.op === "any" && op !== "open")),
    )
    if (index < 0) return undefined
    const armed = this.#calls[index]!
    armed.left--
    if (armed.left === 0) this.#calls.splice(index, 1)
    return { effect: armed.fault.effect, ms: armed.fault.ms }
  }

  /** Whether hints reach this process now. */
  hears(process: number, nowMs: number): boolean {
    if (nowMs >= this.#healedAtMs) return true
    return !this.#windows.some(
      (window) => window.kind === "deaf" && window.process === process && isOpen(window, nowMs),
    )
  }
}

function isOpen(window: { readonly atMs: number; readonly forMs: number }, nowMs: number): boolean {
  return window.atMs <= nowMs && nowMs < window.atMs + window.forMs
}
