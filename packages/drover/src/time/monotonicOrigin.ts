import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"

let origin: string | undefined
let isRead = false

/**
 * Names what the monotonic clock of this process counts from. Two processes with the same name may compare their
 * readings; `undefined` where nobody can tell.
 */
export function monotonicOrigin(): string | undefined {
  // A process changes neither its machine nor its namespaces.
  if (!isRead) {
    isRead = true
    origin = process.platform === "linux" ? linuxOrigin() : `${process.platform} ${hostname()}`
  }
  return origin
}

// Elsewhere a boot has no name that is cheap to read, and needs none: a clock that began anew shows less than has
// passed, which is as good as knowing nothing. Only another machine's clock could show more.
function linuxOrigin(): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
    return `linux ${boot} ${timeNamespace()}`
  } catch {
    return undefined
  }
}

// A container may have a monotonic clock of its own; kernels before 5.6 have one for all.
function timeNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/time")
  } catch {
    return "-"
  }
}
