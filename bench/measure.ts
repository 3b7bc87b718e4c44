/** One line of the benchmark's result. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** The ceiling's figure for the same work in the same run, where there is one. */
  readonly raw: number | null
  /** `value / raw`, or the ratio that the line is about. */
  readonly ratio: number | null
}

/** Makes a figure; numbers are rounded to three significant digits, because no more of them mean anything here. */
export function figure(name: string, value: number, unit: string, raw?: number): Figure {
  return {
    name,
    value: significant(value),
    unit,
    raw: raw === undefined ? null : significant(raw),
    ratio: raw === undefined || raw === 0 ? null : Math.round((value / raw) * 100) / 100,
  }
}

/** The value below which this share of the sorted-on-the-fly samples lies. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** The middle of a few repetitions. */
export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5)
}

/** Runs something and says how many of `count` it did in a second. */
export async function rate(count: number, work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return (count / (performance.now() - start)) * 1000
}

/** The machine's monotonic clock in ms: the same for all processes, which latencies between two of them need. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

function significant(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(3)) : value
}
