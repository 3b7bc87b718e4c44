/** One line on a terminal for runs that take longer than a second, wiped when they end. */
import type { Terminal } from "./terminal.ts"

const FIRST_AFTER_MS = 1_000
const EVERY_MS = 100

export interface Progress {
  /** Says how far a stage is. */
  update(stage: string, done: number, total: number): void
  /** Wipes the line, before something else is printed. */
  wipe(): void
}

/** A progress line on standard error; where nobody looks, or it is not wanted, nothing. */
export function progressOn(terminal: Terminal, wanted: boolean): Progress {
  if (!wanted || !terminal.errIsTerminal || terminal.env["CI"])
    return { update: () => {}, wipe: () => {} }
  const startMono = terminal.nowMono()
  let shownMono = startMono + FIRST_AFTER_MS - EVERY_MS
  let isShown = false
  return {
    update(stage, done, total) {
      const nowMono = terminal.nowMono()
      if (nowMono - shownMono < EVERY_MS) return
      shownMono = nowMono
      isShown = true
      const line = total > 0 ? `${stage} ${done} of ${total}` : stage
      terminal.err(`\r\u001b[2K${line.slice(0, Math.max(10, terminal.columns - 1))}`)
    },
    wipe() {
      if (isShown) terminal.err("\r\u001b[2K")
      isShown = false
    },
  }
}
