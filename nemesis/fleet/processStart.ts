import { readFileSync } from "node:fs"

/** When a process of this machine was started, in ticks since boot; `undefined` when there is none. */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    // The name may hold spaces and brackets; the fields begin behind its last one.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]
  } catch {
    return undefined
  }
}
