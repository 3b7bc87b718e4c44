import type { StoreContext } from "./context.ts"

// A claim of a queue is one statement, or two. From so many queues on, one more that names those with work costs less.
const MANY_QUEUES = 4

/**
 * Which of these queues, each given by its lanes, to claim from: all of them when they are few. A worker of many queues
 * asks in all of them after each hint, and nearly always there is work in one.
 */
export async function worthAClaim(
  { database, marks, limited }: StoreContext,
  queues: readonly (readonly number[])[],
): Promise<readonly boolean[]> {
  const isMany = queues.filter((lanes) => lanes.length > 0).length >= MANY_QUEUES
  if (!isMany || marks.isOwed) return queues.map(() => true)
  const all = [...new Set(queues.flat())]
  const outlooks = all.map((lane) => marks.outlook(lane))
  const values = [all, outlooks.map(([below]) => below), outlooks.map(([, from]) => from)]
  const sentMono = database.clock.monotonic()
  const rows = await database.statement("exchange", "lanes_worth_a_claim", values, { reads: true })
  const found = new Set(rows.map(([lane]) => lane as number))
  // Nothing anywhere, also below the marks: as good as a claim that looked everywhere.
  if (found.size === 0 && outlooks.every(([below, from]) => below === from)) marks.looked(sentMono)
  return queues.map((lanes) => limited.includes(lanes) || lanes.some((lane) => found.has(lane)))
}
