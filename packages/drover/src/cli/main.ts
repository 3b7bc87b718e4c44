#!/usr/bin/env node
import { hostname, userInfo } from "node:os"
import { text } from "node:stream/consumers"
import type { Terminal } from "./terminal.ts"

// Before anything else of ours is loaded, because an older Node cannot even load it and does not say why.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(`drover needs Node 24.15 or newer; this is Node ${process.versions.node}\n`)
  process.exit(1)
}
const { run } = await import("./run.ts")

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

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // `drover jobs | head` closes our output; that is not a fault.
  if (error.code === "EPIPE") process.exit(0)
  // A full disk, say. A worker ends too: nobody would read what it reports, and its jobs are rescued.
  terminal.note(`drover: cannot write the results: ${error.message}`)
  process.exit(1)
})
// There is nowhere left to say it; whether the command worked is told by its exit status.
process.stderr.on("error", () => {})

process.exitCode = await run(process.argv.slice(2), terminal)

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A process without an entry in the user database, as in some containers.
    return String(process.getuid?.() ?? "unknown")
  }
}
