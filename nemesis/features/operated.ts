import { defineJob } from "drover"
import type { JobContext } from "drover"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import type { RunHistory } from "../history/runHistory.ts"
import { rowsOf, unlike } from "./expectation.ts"
import type { Feature } from "./feature.ts"

const PAUSED = "nemesis.paused"
const CANCELLED = "nemesis.cancelled"
const QUEUE = "stopgo"

/** What operators do: pause and resume a queue, and cancel jobs. What was acknowledged holds from then on. */
export const operated: Feature = {
  name: "operated",
  define: (handlers) => [
    defineJob(PAUSED, {
      queue: QUEUE,
      maxCrashes: 1_000,
      run: (context: JobContext<object>) =>
        handlers.witnessed(context, () => handlers.sleep(30, context.signal)),
    }),
    defineJob(CANCELLED, {
      maxCrashes: 1_000,
      run: (context: JobContext<object>) =>
        handlers.witnessed(context, () => handlers.sleep(200, context.signal)),
    }),
  ],
  async produce({ rng, newId, enqueue, operate }) {
    const turn = randomBelow(rng, 6)
    if (turn === 0) await operate("pauseQueue", { queue: QUEUE })
    else if (turn === 1) await operate("resumeQueue", { queue: QUEUE })
    else if (turn < 4) await enqueue([{ id: newId(), kind: PAUSED, input: {} }])
    else {
      const id = newId()
      const options = { runIn: randomBelow(rng, 1_000) }
      const isThere = await enqueue([{ id, kind: CANCELLED, input: {}, options }])
      if (isThere && turn === 5) await operate("cancel", { jobs: [id] })
    }
  },
  check(history) {
    return [
      ...unlike(rowsOf(history, PAUSED), "completed"),
      ...claimsWhilePaused(history),
      ...startsAfterCancel(history),
    ]
  },
}

/**
 * After a pause was acknowledged nothing is claimed from the queue until somebody asks to resume it. Operators of
 * several processes overlap, so only times in which nobody resumed count.
 */
export function claimsWhilePaused(history: RunHistory): string[] {
  const pauses = history.operations.filter(({ op, type }) => op === "pauseQueue" && type === "ok")
  const resumes = history.operations.filter(({ op }) => op === "resumeQueue")
  const own = new Set(rowsOf(history, PAUSED).map(({ id }) => id))
  const claims = history.records.filter(
    (record) => record.event === "claimed" && own.has(record.job),
  )
  return pauses.flatMap((pause) => {
    // One that was asked for before the pause was known may be carried out after it.
    const isOpen = resumes.some(
      ({ fromMono, toMono }) => fromMono < pause.toMono && toMono > pause.fromMono,
    )
    if (isOpen) return []
    const endMono = resumes.find(({ fromMono }) => fromMono > pause.toMono)?.fromMono
    return claims.flatMap((claim) => {
      if (claim.event !== "claimed" || claim.sentMono === undefined) return []
      if (claim.sentMono <= pause.toMono || claim.mono >= (endMono ?? Infinity)) return []
      return [`job ${claim.job} was claimed from ${QUEUE} while it was paused`]
    })
  })
}

/** After a cancel was acknowledged, no attempt of the job is claimed, and it never completes in a later one. */
export function startsAfterCancel(history: RunHistory): string[] {
  const cancels = history.operations.filter(({ op, type }) => op === "cancel" && type === "ok")
  return cancels.flatMap(({ args, toMono }) => {
    const [id = ""] = args.jobs ?? []
    return history.records.flatMap((record) => {
      if (record.event !== "claimed" || record.job !== id) return []
      if (record.sentMono === undefined || record.sentMono <= toMono) return []
      return [`job ${id} was claimed after its cancel was acknowledged`]
    })
  })
}
