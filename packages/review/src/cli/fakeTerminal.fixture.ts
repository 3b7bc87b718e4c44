import type { Terminal } from "./terminal.ts"

export interface FakeTerminal extends Terminal {
  readonly printed: string
  readonly told: string
}

/** A terminal that keeps what was written; nobody looks at it, and its clock stands still. */
export function fakeTerminal(parts: Partial<Terminal> = {}): FakeTerminal {
  let printed = ""
  let told = ""
  return {
    out: (text) => {
      printed += text
    },
    err: (text) => {
      told += text
    },
    readInput: () => Promise.resolve(""),
    cwd: "/",
    env: {},
    outIsTerminal: false,
    errIsTerminal: false,
    columns: 80,
    today: "2026-06-15",
    nowMono: () => 0,
    after: () => () => {},
    random: () => 0.5,
    onStop: () => () => {},
    ...parts,
    get printed() {
      return printed
    },
    get told() {
      return told
    },
  }
}
