/** From where on `doctor` warns. */
export interface DoctorLimits {
  /** A transaction that is open for longer. */
  readonly transactionMs: number
  /** Dead rows that nobody may clear away, counted in transactions since. */
  readonly xids: number
  /** Dead rows of one table, at least a fifth of it. */
  readonly deadRows: number
  /** Indexes with fewer pages of 8 KiB are not looked at. */
  readonly indexPages: number
  /** Part of the server's queue of notifications, 0 to 1. */
  readonly notifyQueue: number
  /** Difference between this machine's clock and the server's. */
  readonly skewMs: number
  /** A wait for a lock on a table of ours. */
  readonly lockMs: number
  /** Part of the server's connections that are in use, 0 to 1. */
  readonly connections: number
}

export const doctorLimits: DoctorLimits = {
  transactionMs: 5 * 60_000,
  xids: 1_000_000,
  deadRows: 100_000,
  // 64 MiB.
  indexPages: 8_192,
  notifyQueue: 0.25,
  skewMs: 2_000,
  lockMs: 2_000,
  connections: 0.9,
}
