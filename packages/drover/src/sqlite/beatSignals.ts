import type { DroverErrorCode } from "../errors/index.ts"
import type { FileIdentity } from "./safety.ts"

/** What the beat thread is started with. */
export interface BeatWorkerData {
  readonly file: FileIdentity
  readonly ref: number
  readonly token: number
  readonly leaseMs: number
  readonly everyMs: number
  readonly stallMs: number
  /** [STOP] = 1 ends the thread; [TOUCHED] is the main thread's latest touch, see `monoMark`. */
  readonly shared: Int32Array<SharedArrayBuffer>
}

/** What the beat thread says. Errors travel as data: a clone of an error loses its class and its code. */
export type BeatMessage =
  | { readonly type: "ready" }
  | { readonly type: "beat"; readonly sentMono: number }
  | { readonly type: "lost" }
  | { readonly type: "error"; readonly code: DroverErrorCode; readonly message: string }

/** Index in `shared`. */
export const STOP = 0
/** Index in `shared`. */
export const TOUCHED = 1

/** A monotonic reading as 32 bits, for atomic exchange. Differences are right up to 24 days. */
export function monoMark(mono: number): number {
  return Math.floor(mono) | 0
}
