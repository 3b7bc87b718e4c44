import { AsyncLocalStorage } from "node:async_hooks"
import type { Clock } from "../../time/index.ts"

/** An attempt that can be told of an error which its code let loose outside of its handler's promise. */
export interface StrayOwner {
  /** A floating rejection, a throw in a timer, an `error` event that nobody listened to. */
  strayed(error: unknown): void
}

// One for the process: the handlers below are the process's, and every async resource knows its attempt.
const owners = new AsyncLocalStorage<StrayOwner>()
let users = 0
let deferred: Clock["defer"] | undefined

/**
 * Runs a handler so that every error that its code lets loose, now or in anything it started, is known to be
 * its own. One call of this for an attempt is all that attribution costs.
 */
export function runOwned<A, R>(owner: StrayOwner, run: (argument: A) => R, argument: A): R {
  return owners.run(owner, run, argument)
}

/** Runs something that belongs to no attempt although an attempt's code is on the stack. */
export function runUnowned<R>(run: () => R): R {
  return owners.exit(run)
}

/**
 * Tells whether an error that was let loose is no more than the abort coming back: the signal's reason, or the
 * AbortError that Node makes of it. Never throws: code can let loose anything.
 */
export function isEcho(error: unknown, reason: Error | null): boolean {
  if (reason === null || error === reason) return reason !== null
  try {
    return error instanceof Error && error.name === "AbortError" && error.cause === reason
  } catch {
    return false
  }
}

/**
 * Watches the process for stray errors until the returned function is called; shared by all workers of the
 * process. An error whose attempt is known fails that attempt alone. Any other is none of ours: it has
 * exactly the effect that it would have without a worker, which ends the process unless somebody else listens.
 * Who listens may count the listeners, as test runners do to see whether the program takes care of its errors, so
 * ours are not there then.
 */
export function watchStrayErrors(clock: Clock): () => void {
  deferred = (callback) => clock.defer(callback)
  if (users++ === 0) install()
  let watching = true
  return () => {
    if (!watching) return
    watching = false
    if (--users === 0) uninstall()
  }
}

function install(): void {
  // A watch may have begun anew while the one before stood aside.
  uninstall()
  // First, or who counts would have counted them.
  process.prependListener("unhandledRejection", onRejection)
  process.prependListener("uncaughtException", onException)
}

function uninstall(): void {
  process.off("unhandledRejection", onRejection)
  process.off("uncaughtException", onException)
}

function onRejection(reason: unknown, promise: Promise<unknown>): void {
  const owner = owners.getStore()
  if (owner !== undefined) owner.strayed(reason)
  else if (process.listenerCount("unhandledRejection") > 1) leaveToOthers()
  else leaveToNode(() => void passOn(promise))
}

function onException(error: unknown, origin: string): void {
  const owner = owners.getStore()
  if (owner !== undefined && origin === "uncaughtException") owner.strayed(error)
  else if (process.listenerCount("uncaughtException") > 1) leaveToOthers()
  else {
    leaveToNode(() => {
      throw error
    })
  }
}

// A promise of its own that rejects with the same reason and that nobody handles.
async function passOn(promise: Promise<unknown>): Promise<void> {
  await promise
}

// The others are called next, in this very step; after it the watch goes on.
function leaveToOthers(): void {
  uninstall()
  void Promise.resolve().then(() => users > 0 && install())
}

// Steps aside and lets the error happen once more, so that Node's flags and exit codes apply to it. If the process
// survives (--unhandled-rejections=warn), the watch goes on.
function leaveToNode(again: () => void): void {
  uninstall()
  const defer = deferred!
  defer(() => {
    defer(() => defer(() => users > 0 && install()))
    again()
  })
}
