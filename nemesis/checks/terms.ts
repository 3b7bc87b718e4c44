import { wasUnderFault } from "../history/runHistory.ts"
import type { RunHistory } from "../history/runHistory.ts"

// Between the death of a process and the moment in which the driver hears of it. Others may prove it dead before.
const HEARD_MS = 1_000

interface Election {
  readonly term: number
  readonly pid: number
  readonly sentMono: number
  readonly mono: number
}

/**
 * Terms only grow and each has one holder; nothing that was sent after a later term had written is written in an earlier
 * one; users' singletons of two terms never run at once in processes that nothing was done to.
 */
export function terms(history: RunHistory): string[] {
  const elections = history.testimonies.flatMap((record): Election[] =>
    record.event === "elected" ? [record] : [],
  )
  return [...growing(elections), ...lateWrites(history), ...singletons(history)]
}

function growing(elections: readonly Election[]): string[] {
  const violations: string[] = []
  const holders = new Map<number, number>()
  for (const { term, pid } of elections) {
    const holder = holders.get(term)
    if (holder !== undefined && holder !== pid)
      violations.push(`term ${term} was given to processes ${holder} and ${pid}`)
    holders.set(term, pid)
  }
  // Of two bids of which one was answered before the other was sent, the later one has the greater term.
  const answered = elections.toSorted((a, b) => a.mono - b.mono)
  for (const election of elections) {
    const former = answered.findLast(({ mono }) => mono < election.sentMono)
    // The same bid, sent again, gets the same term.
    if (former !== undefined && former.pid !== election.pid && former.term >= election.term)
      violations.push(`term ${election.term} was given out after term ${former.term}`)
  }
  return violations
}

function lateWrites({ testimonies }: RunHistory): string[] {
  const writes = testimonies.flatMap((record) =>
    record.event === "termWrite" || record.event === "elected" ? [record] : [],
  )
  // Written in the order in which they were answered.
  let newest = { term: 0, mono: 0 }
  const firsts: { readonly term: number; readonly mono: number }[] = []
  for (const { term, mono } of writes) {
    if (term <= newest.term) continue
    newest = { term, mono }
    firsts.push(newest)
  }
  return writes.flatMap((record) => {
    const later = firsts.find(({ term, mono }) => term > record.term && mono < record.sentMono)
    if (later === undefined) return []
    const what = record.event === "termWrite" ? record.op : "its bid"
    return [
      `process ${record.pid} wrote ${what} in term ${record.term}, ${Math.round(record.sentMono - later.mono)} ms after term ${later.term} had begun`,
    ]
  })
}

function singletons(history: RunHistory): string[] {
  const led = history.testimonies.flatMap((record) => (record.event === "led" ? [record] : []))
  const spans = led
    .filter(({ what }) => what === "start")
    .map(({ pid, term, mono }) => {
      const stop = led.find((end) => end.what === "stop" && end.pid === pid && end.term === term)
      const death = history.deaths.get(pid)
      const diedMono = death === undefined ? Number.POSITIVE_INFINITY : death.mono - HEARD_MS
      return { pid, term, fromMono: mono, toMono: stop?.mono ?? diedMono }
    })
    .toSorted((a, b) => a.fromMono - b.fromMono)
  return spans.flatMap((earlier, index) => {
    const later = spans
      .slice(index + 1)
      .find(({ pid, fromMono }) => pid !== earlier.pid && fromMono < earlier.toMono)
    if (later === undefined) return []
    const around = { fromMono: later.fromMono - history.leaseMs, toMono: later.fromMono }
    // A process that stands still, or cannot reach the store, learns late that its time is over.
    if (wasUnderFault(history, earlier.pid, around)) return []
    if (lapsed(history, earlier.pid, around)) return []
    return [
      `the singletons of terms ${earlier.term} and ${later.term} ran at once in processes ${earlier.pid} and ${later.pid}`,
    ]
  })
}

/** A process that got no processor, or was too slow to beat its lease, was too slow to step down as well. */
function lapsed(
  { testimonies, leaseMs }: RunHistory,
  pid: number,
  { fromMono, toMono }: { readonly fromMono: number; readonly toMono: number },
): boolean {
  return testimonies.some(
    (record) =>
      (record.event === "lapsed" || record.event === "stalled") &&
      record.pid === pid &&
      record.mono >= fromMono &&
      record.mono <= toMono + leaseMs,
  )
}
