import type { CommandName } from "./commandNames.ts"
import type { CommandEntry } from "./command.ts"

/** The review itself, which has no word of its own. */
export const reviewEntry: CommandEntry = {
  name: "",
  summary: "find coordination mistakes in files, folders or a diff",
  load: async () => (await import("./commands/review.ts")).reviewCommand,
}

/** Every other command, in the order of the help. */
export const commandEntries: readonly (CommandEntry & { readonly name: CommandName })[] = [
  {
    name: "why",
    summary: "explain a finding, or the silence, at FILE:LINE",
    load: async () => (await import("./commands/why.ts")).whyCommand,
  },
  {
    name: "explain",
    summary: "explain a rule: what, why, when it is silent, examples",
    load: async () => (await import("./commands/explain.ts")).explainCommand,
  },
  {
    name: "rules",
    summary: "list the rules",
    load: async () => (await import("./commands/rules.ts")).rulesCommand,
  },
  {
    name: "init",
    summary: "write a commented configuration and a CI file",
    load: async () => (await import("./commands/init.ts")).initCommand,
  },
  {
    name: "github",
    summary: "review a pull request on GitHub",
    load: async () => (await import("./commands/github.ts")).githubCommand,
  },
  {
    name: "gitlab",
    summary: "review a merge request on GitLab",
    load: async () => (await import("./commands/gitlab.ts")).gitlabCommand,
  },
  {
    name: "issue",
    summary: "print or file a finding as an issue",
    load: async () => (await import("./commands/issue.ts")).issueCommand,
  },
  {
    name: "mcp",
    summary: "serve coding agents over standard input and output",
    load: async () => (await import("./commands/mcp.ts")).mcpCommand,
  },
  {
    name: "lsp",
    summary: "serve editors over standard input and output",
    load: async () => (await import("./commands/lsp.ts")).lspCommand,
  },
]
