/** The one place of the reviewer's engine that asks the platform for time: how long things take, never what day it is. */
import { setImmediate } from "node:timers/promises"

/** Monotonic milliseconds. */
export function monotonicMs(): number {
  return performance.now()
}

/** The system is asked again after this long: the question takes as long as a small rule on a small file. */
const STALE_MS = 5
let askedMono = -Infinity
let computed = 0

/**
 * Milliseconds that this thread has computed, up to 5 ms behind, whatever else the machine does: limits by it are the
 * same everywhere.
 */
export function computedMs(): number {
  const nowMono = performance.now()
  if (nowMono - askedMono < STALE_MS) return computed
  askedMono = nowMono
  const { user, system } = process.threadCpuUsage()
  computed = (user + system) / 1000
  return computed
}

/** Lets timers, signals and messages through before the next piece of work. */
export async function nextTurn(): Promise<void> {
  await setImmediate()
}

/** Calls back once, unless it is called off. @returns what calls it off */
export function after(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}
