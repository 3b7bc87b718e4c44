import type { Terminal } from "./terminal.ts"

/** A terminal for tests: keeps what is printed, and sends signals when told to. */
export class FakeTerminal implements Terminal {
  readonly cwd: string
  readonly actor = "cli:test@here"
  readonly lines: string[] = []
  readonly notes: string[] = []
  readonly entered: string[] = []
  readonly #input: string
  readonly #stopListeners: Set<(signal: string) => void> = new Set()
  readonly #printed: Set<() => void> = new Set()

  constructor(cwd: string, input = "") {
    this.cwd = cwd
    this.#input = input
  }

  /** All that was printed as results. */
  get text(): string {
    return this.lines.join("\n")
  }

  out(line: string): void {
    this.lines.push(line)
    for (const wake of this.#printed) wake()
  }

  note(line: string): void {
    this.notes.push(line)
    for (const wake of this.#printed) wake()
  }

  readInput(): Promise<string> {
    return Promise.resolve(this.#input)
  }

  enter(folder: string): void {
    this.entered.push(folder)
  }

  onStop(listener: (signal: string) => void): () => void {
    this.#stopListeners.add(listener)
    return () => this.#stopListeners.delete(listener)
  }

  /** As if the person pressed Ctrl-C, or a supervisor sent a signal. */
  signal(name: string): void {
    for (const listener of this.#stopListeners) listener(name)
  }

  /** Resolves when a line with this text was printed, as a result or beside them. */
  printed(text: string): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (![...this.lines, ...this.notes].some((line) => line.includes(text))) return
        this.#printed.delete(look)
        resolve()
      }
      this.#printed.add(look)
      look()
    })
  }
}
