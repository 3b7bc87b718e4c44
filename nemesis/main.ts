/**
 * `npm run nemesis`: a fleet of real processes on a real database, faults of every kind, and a judgement of what they
 * left. Exits with 1 when anything that was promised does not hold, or when a planted bug was not caught.
 */
import { help, readArguments } from "./cli/arguments.ts"
import { runCommand } from "./cli/command.ts"

const interrupted = new AbortController()
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)))
// Whoever started it and went away must not keep it.
process.on("disconnect", () => interrupted.abort(new Error("whoever started this has gone")))

try {
  const given = readArguments(process.argv.slice(2))
  if (given.help) process.stdout.write(help)
  else process.exitCode = await runCommand(given, interrupted.signal)
} catch (error) {
  const text = error instanceof Error && interrupted.signal.aborted ? error.message : error
  process.stderr.write(`${text instanceof Error ? text.stack : String(text)}\n`)
  process.exitCode = interrupted.signal.aborted ? 130 : 2
}
// Its channel would keep this process.
process.disconnect?.()
