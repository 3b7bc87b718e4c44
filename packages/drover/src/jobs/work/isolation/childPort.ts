import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Worker as Thread } from "node:worker_threads"
import { DroverError } from "../../../errors/index.ts"
import { ownFile } from "../../../store/index.ts"
import type { ChildSetup, FromChild, ToChild } from "./childProtocol.ts"

/** A running child, whatever it is made of. */
export interface ChildPort {
  send(message: ToChild): void
  /** Ends it at once, whatever it does. Safe to call twice. */
  kill(): void
  /** Whether it alone keeps this process alive. */
  ref(wanted: boolean): void
}

/** What a child tells. */
export interface ChildListener {
  onMessage(message: FromChild): void
  /** It is gone, and why; called once. */
  onGone(error: DroverError): void
}

const entry = (): URL => ownFile(import.meta.url, "childMain")

/** Starts a thread. It shares this process: its memory limit is its own, an exit of the process is not. */
export function startThread(
  setup: ChildSetup,
  maxHeapMb: number | undefined,
  listener: ChildListener,
): ChildPort {
  const limits =
    maxHeapMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: maxHeapMb } }
  const thread = new Thread(entry(), { workerData: setup, execArgv: childFlags(), ...limits })
  let failure: Error | undefined
  thread.on("message", (message: FromChild) => listener.onMessage(message))
  thread.on("error", (error: Error) => {
    failure = error
  })
  thread.once("exit", (code) => {
    const why = failure === undefined ? `exited with code ${code}` : `died: ${failure.message}`
    listener.onGone(crashed(`the thread of ${setup.kind} ${why}`, failure))
  })
  return {
    send: (message) => thread.postMessage(message),
    kill: () => void thread.terminate(),
    ref: (wanted) => (wanted ? thread.ref() : thread.unref()),
  }
}

/** Starts a process. Its output goes where this one's goes; it dies with this one. */
export function startProcess(
  setup: ChildSetup,
  maxHeapMb: number | undefined,
  listener: ChildListener,
): ChildPort {
  const heap = maxHeapMb === undefined ? [] : [`--max-old-space-size=${Math.ceil(maxHeapMb)}`]
  const child = fork(fileURLToPath(entry()), [JSON.stringify(setup)], {
    execArgv: [...childFlags(), ...heap],
    // Structured clone: messages carry what JSON would lose.
    serialization: "advanced",
  })
  let gone = false
  const end = (why: string, cause?: unknown): void => {
    if (gone) return
    gone = true
    listener.onGone(crashed(`the process of ${setup.kind} ${why}`, cause))
  }
  child.on("message", (message: FromChild) => listener.onMessage(message))
  child.on("error", (error) => end(`failed: ${error.message}`, error))
  child.on("exit", (code, signal) =>
    end(signal === null ? `exited with code ${code}` : `was killed by ${signal}`),
  )
  return {
    // A child that is dying cannot be told anything; its exit follows.
    send: (message) => child.connected && child.send(message, () => {}),
    kill: () => void child.kill("SIGKILL"),
    ref: (wanted) => {
      if (wanted) child.ref()
      else child.unref()
      // The channel keeps a process alive on its own.
      const channel = child.channel as { ref(): void; unref(): void } | null | undefined
      if (wanted) channel?.ref()
      else channel?.unref()
    },
  }
}

// What this process was started with (conditions, loaders), but not what only one process can have.
function childFlags(): string[] {
  return process.execArgv.filter(
    (flag) =>
      !/^--(inspect|max-old-space-size|watch|test|eval|print|input-type|cpu-prof|heap-prof)|^-[ep]$/.test(
        flag,
      ),
  )
}

function crashed(message: string, cause: unknown): DroverError {
  return new DroverError("DROVER_CRASHED", message, cause === undefined ? {} : { cause })
}
