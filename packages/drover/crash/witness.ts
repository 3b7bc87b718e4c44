import { join } from "node:path"
import type { SettleStatus } from "../src/store/index.ts"
import { systemClock } from "../src/time/index.ts"
import { AppendFile, readAppended } from "./appendFile.ts"

/** What a process saw happen to itself, written down outside of the database before it goes on. */
export type Testimony =
  | { readonly event: "acked"; readonly job: string }
  | {
      readonly event: "claimed"
      readonly job: string
      readonly attempt: number
      readonly token: number
      /** When the claim was sent, if that was noted. */
      readonly sentMono?: number
    }
  | { readonly event: "started" | "ended"; readonly job: string; readonly attempt: number }
  | {
      readonly event: "aborted"
      readonly job: string
      readonly attempt: number
      readonly code: string
    }
  | {
      readonly event: "settled"
      readonly job: string
      readonly attempt: number
      readonly token: number
      readonly to: string
      readonly status: SettleStatus
    }
  /** It is about to kill or to pause itself. */
  | { readonly event: "struck"; readonly point: string; readonly signal: string }
  /** Something went wrong that must not. */
  | { readonly event: "trouble"; readonly what: string }

/** A testimony with who gave it and when, by the machine's monotonic clock, which all processes share. */
export type Record = Testimony & { readonly pid: number; readonly mono: number }

/** Writes down what this process saw. */
export class Witness {
  readonly #file: AppendFile<Record>

  constructor(folder: string) {
    this.#file = new AppendFile(join(folder, `witness-${process.pid}.jsonl`))
  }

  write(testimony: Testimony): void {
    this.#file.append({ ...testimony, pid: process.pid, mono: systemClock.monotonic() })
  }
}

/** All that any process, or the one with this id, has written, in the order of time. */
export function readWitnesses(folder: string, pid?: number): readonly Record[] {
  const start = pid === undefined ? "witness-" : `witness-${pid}.`
  return readAppended<Record>(folder, start).toSorted((a, b) => a.mono - b.mono)
}
