/**
 * What runs in a thread or process of an isolated kind: loads the definition, then runs one attempt at a time.
 * Started by `childPort.ts`; never import it.
 */
import { isMainThread, parentPort, workerData } from "node:worker_threads"
import { systemClock } from "../../../time/index.ts"
import { ChildAttempt } from "./childAttempt.ts"
import { markAsChild } from "./childMark.ts"
import type { ChildSetup, FromChild, ToChild } from "./childProtocol.ts"
import { packEnding } from "./childProtocol.ts"
import { loadDefinition } from "./loadDefinition.ts"

markAsChild()
const setup: ChildSetup = isMainThread
  ? (JSON.parse(process.argv[2]!) as ChildSetup)
  : (workerData as ChildSetup)
let running: ChildAttempt | undefined

function send(message: FromChild): void {
  if (isMainThread) process.send?.(message)
  else parentPort?.postMessage(message)
}

function listen(onMessage: (message: ToChild) => void): void {
  if (!isMainThread) {
    parentPort?.on("message", onMessage)
    return
  }
  process.on("message", onMessage)
  // The parent is gone: whatever runs here has lost its lease and its slot.
  process.on("disconnect", () => process.exit(1))
  // A terminal signals the whole group. The parent decides what becomes of the job.
  process.on("SIGINT", () => {})
  process.on("SIGTERM", () => {})
}

// Only one attempt runs here, so it is the one that let the error loose.
function onStray(error: unknown): void {
  const attempt = running
  running = undefined
  if (attempt === undefined) {
    send({ type: "refused", error: packError(error) })
    return
  }
  attempt.flush()
  send({
    type: "ended",
    ending: packEnding(attempt.threw(error)),
    signalRead: attempt.signalRead,
    spent: true,
  })
}

function packError(error: unknown): Extract<FromChild, { type: "refused" }>["error"] {
  const packed = packEnding({ how: "threw", error })
  return packed.how === "threw" ? packed.error : { name: "Error", message: "the child failed" }
}

process.on("uncaughtException", onStray)
process.on("unhandledRejection", onStray)

try {
  const definition = await loadDefinition(setup)
  listen((message) => {
    if (message.type === "abort") {
      running?.abort(message.code, message.message)
      return
    }
    const { claimed, payloadLimit } = message
    const attempt = new ChildAttempt(definition, claimed, payloadLimit, send, (callback) =>
      systemClock.defer(callback),
    )
    running = attempt
    void attempt.run().then((ending) => {
      // After a stray error, the attempt has been answered for already.
      if (running !== attempt) return
      running = undefined
      attempt.flush()
      send({
        type: "ended",
        ending: packEnding(ending),
        signalRead: attempt.signalRead,
        spent: false,
      })
    })
  })
  send({ type: "ready" })
} catch (error) {
  send({ type: "refused", error: packError(error) })
}
