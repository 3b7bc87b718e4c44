import type { RunHistory } from "../history/runHistory.ts"

// Gaps of the event loop that are not told of: in one of them a singleton may be on its way to its end.
const STOP_MS = 70
// Faults in which a process does not turn its event loop.
const STILL: ReadonlySet<string> = new Set(["pause", "block"])
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
 * one; and where the database tells the order of commits, nothing of a term is committed after a later one began.
 */
export function terms(history: RunHistory): string[] {
  const elections = history.testimonies.flatMap((record): Election[] =>
    record.event === "elected" ? [record] : [],
  )
  return [...growing(elections), ...lateWrites(history), ...lateCommits(history)]
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

function lateCommits({ storedTerms }: RunHistory): string[] {
  let newest = 0
  return storedTerms.flatMap(({ term, what }) => {
    if (what !== "begun") {
      return term >= newest
        ? []
        : [`the turn of ${what} was taken in term ${term} after term ${newest} had begun`]
    }
    const before = newest
    newest = Math.max(newest, term)
    return term > before ? [] : [`term ${term} began after term ${before}`]
  })
}

/**
 * Users' singletons of two terms never run at once, but while a process that cannot turn its event loop still has to
 * hear that its term is over.
 */
export function singletons(history: RunHistory): string[] {
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
    // It was told too late only if it could not be told: stood still from before the later one began until its end.
    if (stoodStill(history, earlier, later.fromMono)) return []
    return [
      `the singletons of terms ${earlier.term} and ${later.term} ran at once in processes ${earlier.pid} and ${later.pid}`,
    ]
  })
}

/** Whether a process turned its event loop at no time in which its term was over and it had not stopped. */
function stoodStill(
  history: RunHistory,
  { pid, toMono }: { readonly pid: number; readonly toMono: number },
  overMono: number,
): boolean {
  let stall: { fromMono: number; toMono: number } | undefined
  for (const record of history.testimonies) {
    if (record.event !== "turned" || record.pid !== pid) continue
    // One after the other, with no time between to do anything in.
    if (stall !== undefined && record.fromMono <= stall.toMono) stall.toMono = record.mono
    else stall = { fromMono: record.fromMono, toMono: record.mono }
    if (stall.fromMono <= overMono && stall.toMono + STOP_MS >= toMono) return true
  }
  // A process that was killed while it stood still never told of it.
  if (!history.deaths.has(pid)) return false
  return history.faults.some(
    ({ name, pids, fromMono, toMono: untilMono }) =>
      STILL.has(name) &&
      pids !== "all" &&
      pids.includes(pid) &&
      fromMono <= overMono &&
      untilMono >= overMono,
  )
}
