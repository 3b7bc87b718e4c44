import { join } from "node:path"
import { AppendFile, readAppended } from "../../packages/drover/crash/appendFile.ts"
import { systemClock } from "../../packages/drover/src/time/index.ts"

/**
 * One line of the history. An operation is written before it is sent (`invoke`) and once more when its outcome is known:
 * it happened (`ok`), it did not (`fail`), or nobody can tell (`info`); one without a second line is `info` too.
 */
export interface Operation {
  /** Who asked: "driver", "worker-2/4711", "nemesis". */
  readonly process: string
  /** Number of the operation in its process; both of its lines have it. */
  readonly call: number
  readonly op: string
  readonly type: "invoke" | "ok" | "fail" | "info"
  readonly args: OperationArgs
  readonly result?: unknown
  readonly monoNs: number
}

/** What an operation was about. Further fields are for people. */
export interface OperationArgs {
  /** Ids of the jobs it names. */
  readonly jobs?: readonly string[]
  readonly [field: string]: unknown
}

/** Writes one process's part of the history. */
export class HistoryFile {
  readonly process: string
  readonly #file: AppendFile<Operation>
  #calls = 0

  constructor(folder: string, process: string) {
    this.process = process
    this.#file = new AppendFile(join(folder, `history-${process.replaceAll("/", "-")}.jsonl`))
  }

  invoke(op: string, args: OperationArgs): Call {
    const call = ++this.#calls
    const write = (type: Operation["type"], result?: unknown): void => {
      const monoNs = Math.round(systemClock.monotonic() * 1e6)
      const line = { process: this.process, call, op, type, args, monoNs }
      this.#file.append(result === undefined ? line : { ...line, result })
    }
    write("invoke")
    return {
      ok: (result) => write("ok", result),
      fail: (result) => write("fail", result),
      info: (result) => write("info", result),
    }
  }
}

/** An operation that was invoked; exactly one of these ends it. */
export interface Call {
  ok(result?: unknown): void
  fail(result?: unknown): void
  info(result?: unknown): void
}

/** An operation with its outcome. */
export interface Outcome {
  readonly process: string
  readonly op: string
  readonly type: "ok" | "fail" | "info"
  readonly args: OperationArgs
  readonly result: unknown
  readonly fromMono: number
  /** When the outcome was known; infinite when it never was. */
  readonly toMono: number
}

/** All operations of a folder, in the order in which they were invoked. */
export function readOperations(folder: string): Outcome[] {
  return outcomesOf(readAppended<Operation>(folder, "history-"))
}

/** Joins the lines of each operation. */
export function outcomesOf(lines: readonly Operation[]): Outcome[] {
  const calls = Map.groupBy(lines, ({ process, call }) => `${process} ${call}`)
  const outcomes = Array.from(calls.values(), (pair): Outcome | undefined => {
    const invoke = pair.find(({ type }) => type === "invoke")
    const end = pair.find(({ type }) => type !== "invoke")
    if (invoke === undefined) return undefined
    const { process, op, args, monoNs } = invoke
    return {
      process,
      op,
      args,
      type: end === undefined || end.type === "invoke" ? "info" : end.type,
      result: end?.result,
      fromMono: monoNs / 1e6,
      toMono: end === undefined ? Number.POSITIVE_INFINITY : end.monoNs / 1e6,
    }
  })
  return outcomes
    .filter((outcome) => outcome !== undefined)
    .toSorted((a, b) => a.fromMono - b.fromMono)
}
