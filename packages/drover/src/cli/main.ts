#!/usr/bin/env node
import { hostname, userInfo } from "node:os"
import { text } from "node:stream/consumers"
import { run } from "./run.ts"
import type { Terminal } from "./terminal.ts"

/** The `drover` command: hands this process to `run`. */
const terminal: Terminal = {
  out: (line) => process.stdout.write(`${line}\n`),
  note: (line) => process.stderr.write(`${line}\n`),
  readInput: () => text(process.stdin),
  cwd: process.cwd(),
  enter: (folder) => process.chdir(folder),
  actor: `cli:${userName()}@${hostname()}`,
  onStop(listener) {
    process.on("SIGINT", listener)
    process.on("SIGTERM", listener)
    return () => {
      process.off("SIGINT", listener)
      process.off("SIGTERM", listener)
    }
  },
}

// `drover jobs | head` closes our output; that is not a fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0)
  throw error
})

process.exitCode = await run(process.argv.slice(2), terminal)

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A process without an entry in the user database, as in some containers.
    return String(process.getuid?.() ?? "unknown")
  }
}
