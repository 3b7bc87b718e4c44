/** The words that are commands and not paths. */
export const COMMAND_NAMES = [
  "why",
  "explain",
  "rules",
  "init",
  "github",
  "gitlab",
  "issue",
  "mcp",
  "lsp",
] as const

export type CommandName = (typeof COMMAND_NAMES)[number]
