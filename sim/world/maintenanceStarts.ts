import type { Rng } from "../../packages/drover/src/time/index.ts"
import type { Life } from "../engine/life.ts"

type Mood = "sound" | "broken" | "slow" | "deaf"

/**
 * How starting maintenance goes in one life of a process: mostly well; in some lives never, slowly, or so that it
 * hangs beyond the end of its term without listening, and then ends either way. Nobody can end such a wait, and a stop
 * does not wait for it. Once faults are healed, always well.
 */
export function maintenanceStarts(
  life: Life,
  rng: Rng,
  isHealed: () => boolean,
): () => Promise<void> {
  const drawn = rng.next()
  const mood: Mood =
    drawn < 0.6 ? "sound" : drawn < 0.72 ? "broken" : drawn < 0.84 ? "slow" : "deaf"
  return async () => {
    if (isHealed() || mood === "sound") return
    if (mood === "broken") throw new Error("simulated: maintenance cannot start here")
    if (mood === "slow") await life.linger(9_000 * rng.next())
    else if (rng.next() < 0.5) await life.linger(5_000 + 90_000 * rng.next() ** 2)
    if (mood === "deaf" && rng.next() < 0.5) throw new Error("simulated: a start failed late")
  }
}
