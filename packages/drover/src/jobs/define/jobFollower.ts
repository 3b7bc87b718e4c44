import { checkOptions, DroverError, isDroverError, orDefault } from "../../errors/index.ts"
import { finalStates } from "../../store/index.ts"
import { parseDuration } from "../../time/index.ts"
import type { Duration, Rng } from "../../time/index.ts"
import type { Job } from "./jobView.ts"
import type { ResultOptions } from "./resultWaiter.ts"

/** How to follow a job. */
export interface FollowOptions {
  /** The longest pause between two looks; each is shorter by chance, by up to a quarter. At least 10 ms. @default "500ms" */
  readonly every?: Duration
  /** Ends it: the iteration throws exactly `signal.reason`; the job goes on. */
  readonly signal?: AbortSignal
}

/** What a follower needs of the client. */
export interface FollowerParts {
  readonly rng: Rng
  get(id: string): Promise<Job | null>
  /** Waits for the end of the job; see `ResultWaiter`. */
  result(id: string, options: ResultOptions): Promise<unknown>
}

const LEAST_EVERY_MS = 10
const DEFAULT_EVERY = "500ms"
// Many who follow began together, with the page that they look at.
const SPREAD = 0.25

/** Checks the options and follows the job. See `JobHandle.follow`. @throws DroverError `DROVER_CONFIG`. */
export function followJob(
  parts: FollowerParts,
  id: string,
  options: FollowOptions = {},
): AsyncGenerator<Job, void, undefined> {
  checkOptions(options, ["every", "signal"], "follow")
  const everyMs = parseDuration(orDefault(options.every, DEFAULT_EVERY), "follow.every")
  if (everyMs < LEAST_EVERY_MS) {
    const message = `follow.every: ${everyMs} ms is too often; at least ${LEAST_EVERY_MS} ms`
    throw new DroverError("DROVER_CONFIG", message, { details: { everyMs } })
  }
  return follow(parts, id, everyMs, options.signal)
}

async function* follow(
  parts: FollowerParts,
  id: string,
  everyMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Job, void, undefined> {
  let last: string | undefined
  for (;;) {
    signal?.throwIfAborted()
    const job = await parts.get(id)
    signal?.throwIfAborted()
    if (job === null) {
      throw new DroverError("DROVER_JOB_NOT_FOUND", `Job ${id} is not there`, {
        details: { jobId: id },
      })
    }
    const { state, attempt, progress } = job
    const seen = JSON.stringify([state, attempt, progress])
    if (seen !== last) yield job
    last = seen
    if (finalStates.includes(state)) return
    await pause(parts, id, everyMs * (1 - SPREAD * parts.rng.next()), signal)
  }
}

// How a wait ends after which the next look tells more.
const LOOK_AGAIN: readonly string[] = [
  "DROVER_RESULT_TIMEOUT",
  "DROVER_DISCARDED",
  "DROVER_CANCELLED",
  "DROVER_EXPIRED",
  "DROVER_JOB_NOT_FOUND",
]

// The end of the job cuts the pause short: it is worth a look at once.
async function pause(
  { result }: FollowerParts,
  id: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await result(id, { timeout: Math.ceil(timeoutMs), ...(signal !== undefined && { signal }) })
  } catch (error) {
    if (!isDroverError(error) || !LOOK_AGAIN.includes(error.code)) throw error
  }
}
