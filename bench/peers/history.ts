import { median } from "../measure.ts"
import type { Lab } from "./lab.ts"
import type { System } from "./systems.ts"
import { drain } from "./throughput.ts"

const CHUNK = 250_000

/** Jobs a second without a history and with a long one. */
export interface WithHistory {
  readonly empty: number
  readonly full: number
}

/** Drains in an empty database and in one that holds many finished jobs, which the system itself has finished. */
export async function withHistory(
  lab: Lab,
  system: System,
  size: { readonly finished: number; readonly jobs: number; readonly rounds: number },
): Promise<WithHistory> {
  const empty: number[] = []
  const full: number[] = []
  await using old = await lab.world(system, system.historyProfile ?? system.profile)
  const enqueuer = await old.side()
  await enqueuer.call("prepare")
  for (let done = 0; done < size.finished; done += CHUNK) {
    const count = Math.min(CHUNK, size.finished - done)
    await enqueuer.call("bulk", { count })
    await drain(old, enqueuer, count)
  }
  // In turn, so that a machine that slows down slows both.
  for (let round = 0; round < size.rounds; round++) {
    await using young = await lab.world(system, system.historyProfile ?? system.profile)
    const other = await young.side()
    await other.call("prepare")
    await other.call("bulk", { count: size.jobs })
    empty.push(await drain(young, other, size.jobs))
    await enqueuer.call("bulk", { count: size.jobs })
    full.push(await drain(old, enqueuer, size.jobs))
  }
  return { empty: median(empty), full: median(full) }
}
