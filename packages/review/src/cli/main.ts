#!/usr/bin/env node
import { text } from "node:stream/consumers"
import { isatty } from "node:tty"
import type { Terminal } from "./terminal.ts"

// Before anything else of ours is loaded, because an older Node cannot even load it and does not say why.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(
    `drover-review needs Node 24.15 or newer; this is Node ${process.versions.node}\n`,
  )
  process.exit(2)
}
const { run } = await import("./run.ts")

/** The `drover-review` command: hands this process to `run`. */
const terminal: Terminal = {
  out: (chunk) => process.stdout.write(chunk),
  err: (chunk) => process.stderr.write(chunk),
  readInput: () => text(process.stdin),
  cwd: process.cwd(),
  env: process.env,
  outIsTerminal: isatty(1),
  errIsTerminal: isatty(2),
  columns: process.stdout.columns ?? 120,
  // A server may live for weeks.
  get today() {
    return new Date().toISOString().slice(0, 10)
  },
  nowMono: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
  onStop(listener) {
    process.on("SIGINT", listener)
    process.on("SIGTERM", listener)
    return () => {
      process.off("SIGINT", listener)
      process.off("SIGTERM", listener)
    }
  },
}

// `drover-review | head` closes our output; that is not a fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0)
  throw error
})

process.exitCode = await run(process.argv.slice(2), terminal)
