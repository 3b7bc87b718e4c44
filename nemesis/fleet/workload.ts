import { randomBelow, systemClock } from "../../packages/drover/src/time/index.ts"
import { features } from "../features/index.ts"
import type { HistoryProducer } from "./historyProducer.ts"

/** Lets features take turns in writing jobs until it is told to be calm. @param paceMs mean pause between two turns. */
export async function work(
  producer: HistoryProducer,
  options: {
    readonly paceMs: number
    readonly calm: AbortSignal
    /** Whether there is enough to do already. */
    readonly isFull: () => Promise<boolean>
    /** Features that get every other turn, because a hunted bug shows in them. */
    readonly hunted: readonly string[]
  },
): Promise<void> {
  const { paceMs, calm, isFull, hunted } = options
  const favoured = features.filter(({ name }) => hunted.includes(name))
  const { rng } = producer
  while (!calm.aborted) {
    await systemClock.sleep(randomBelow(rng, 2 * paceMs), { signal: calm }).catch(() => {})
    if (calm.aborted || (await isFull())) continue
    const some = favoured.length > 0 && rng.next() < 0.5 ? favoured : features
    const feature = some[randomBelow(rng, some.length)]
    await feature?.produce(producer)
  }
  await producer.settled()
}
