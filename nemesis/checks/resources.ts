import type { RunHistory, Sample } from "../history/runHistory.ts"

interface Bound {
  /** How many times the baseline it may be in the end. */
  readonly times: number
  /** And this much more. */
  readonly more: number
}

// What a process holds may move a little: a query is under way, the heap was not yet collected.
const BOUNDS: Readonly<Record<string, Bound>> = {
  fds: { times: 1, more: 8 },
  sockets: { times: 1, more: 4 },
  rssMb: { times: 2, more: 120 },
  connections: { times: 1.5, more: 4 },
  transactions: { times: 1, more: 2 },
  walMb: { times: 1, more: 64 },
  children: { times: 1, more: 0 },
}

/** After the faults, everything that was taken is given back: each process and the database hold about what they held before. */
export function resources({ samples }: RunHistory): string[] {
  const ends = new Map(samples.filter(({ when }) => when === "end").map((end) => [end.of, end]))
  return samples
    .filter(({ when }) => when === "baseline")
    .flatMap((baseline) => {
      const end = ends.get(baseline.of)
      return end === undefined ? [] : grown(baseline, end)
    })
}

function grown(baseline: Sample, end: Sample): string[] {
  return Object.entries(end.counts).flatMap(([name, value]) => {
    const bound = BOUNDS[name]
    const before = baseline.counts[name]
    if (bound === undefined || before === undefined) return []
    const most = before * bound.times + bound.more
    if (value <= most) return []
    return [`${end.of} holds ${value} ${name} in the end; it held ${before} before the faults`]
  })
}
