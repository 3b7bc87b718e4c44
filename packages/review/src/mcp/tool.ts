import type { Arguments, InputSchema } from "./arguments.ts"

/** What tools work on: one repository, chosen when the server was started, and nothing outside of it. */
export interface ToolWorld {
  readonly root: string
  /** In ISO form. */
  today(): string
  readonly threads?: number | undefined
  readonly cacheDir?: string | null | undefined
}

export interface ToolCall {
  readonly arguments: Arguments
  readonly world: ToolWorld
  readonly signal: AbortSignal
  /** Tells the agent how far the work is, if it wants to know. */
  progress(done: number, total: number, step: string): void
}

export interface Tool {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly inputSchema: InputSchema
  readonly outputSchema: object
  /** @throws ToolError, InputError, ConfigError: told to the agent, which can do better */
  run(call: ToolCall): Promise<object>
}

/** The tool cannot do what was asked; the message says what would help. */
export class ToolError extends Error {
  override readonly name = "ToolError"
}
