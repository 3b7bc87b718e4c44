/**
 * Outlives the driver by a moment: when the driver's end of the pipe closes, however the driver died, it kills what the
 * driver had started and frees what it had mounted. Told by lines: "process PID", "mount PATH", "forget WHAT".
 */
import { execFileSync } from "node:child_process"
import { createInterface } from "node:readline"
import { startOf } from "../fleet/processStart.ts"

const known = new Map<string, () => void>()

for await (const line of createInterface({ input: process.stdin })) {
  const [word = "", ...rest] = line.split(" ")
  const what = rest.join(" ")
  if (word === "forget") known.delete(what)
  else if (word === "mount") known.set(what, () => execFileSync("umount", ["-l", what]))
  else known.set(what, killer(Number(what)))
}
for (const undo of known.values()) {
  try {
    undo()
  } catch {
    // It is gone already.
  }
}

/** A process id may be given anew; what began at another time is not ours. */
function killer(pid: number): () => void {
  const start = startOf(pid)
  return () => {
    if (start !== undefined && startOf(pid) === start) process.kill(pid, "SIGKILL")
  }
}
