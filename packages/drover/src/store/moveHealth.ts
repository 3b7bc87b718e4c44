import type { MoveNote } from "./moveStore.ts"
import type { HealthCheck } from "./upkeep.ts"

/** Judges whether a database is shut because of a move: nothing can be enqueued or run there, and all else looks well. */
export function judgeMove(note: MoveNote | null): HealthCheck {
  const check = "move"
  if (note === null) return { check, status: "ok", message: "No move has shut it." }
  const { role, state, peer } = note
  if (role === "target" && state === "moved") {
    return { check, status: "ok", message: `It took in everything from ${peer}, and is in use.` }
  }
  const message =
    state === "moved"
      ? `It was moved to ${peer} and is shut for good: let all programs use that one.`
      : `It is shut, because ${role === "source" ? `it is being moved to ${peer}` : `it is being filled from ${peer}`}: repeat the same "drover move" to go on, or with --abort to give it up.`
  return { check, status: "fail", message, value: peer }
}
