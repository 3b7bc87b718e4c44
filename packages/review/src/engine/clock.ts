/** The one place of the reviewer's engine that asks the platform for time: how long things take, never what day it is. */
import { setImmediate } from "node:timers/promises"

/** Monotonic milliseconds. */
export function monotonicMs(): number {
  return performance.now()
}

/** Milliseconds that this thread has computed, whatever else the machine does: limits by it are the same everywhere. */
export function computedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
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
