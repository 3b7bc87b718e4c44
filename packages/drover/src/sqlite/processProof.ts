import { readFileSync, readlinkSync } from "node:fs"

/**
 * Proof that a process is gone, so that its jobs need not wait for its lease to end. Only Linux can give
 * one: a pid means something within one boot of one kernel and one pid namespace, and a pid that was given
 * out again has another start time. Where any of that cannot be read there is no proof, and the lease decides.
 */

/** What a worker stores beside its pid: the kernel, boot and pid namespace in which it is, and when it began. */
export function ownProof(): string {
  const realm = ownRealm()
  if (realm === undefined) return ""
  const start = startOf(process.pid)
  return typeof start === "string" ? `${realm} ${start}` : ""
}

/**
 * Tells whether the process with this pid and proof has ended for certain.
 * `false` says nothing: it may live, be elsewhere, or leave no proof.
 */
export function isProvedDead(worker: { readonly pid: number; readonly proof: string }): boolean {
  const realm = ownRealm()
  if (realm === undefined || !worker.proof.startsWith(`${realm} `)) return false
  const start = startOf(worker.pid)
  if (start === "unknown") return false
  return start === "gone" || `${realm} ${start}` !== worker.proof
}

let realm: string | undefined
let realmRead = false

function ownRealm(): string | undefined {
  // A process never changes its kernel or pid namespace.
  if (!realmRead) {
    realm = readRealm()
    realmRead = true
  }
  return realm
}

function readRealm(): string | undefined {
  if (process.platform !== "linux") return undefined
  try {
    // A /proc of another pid namespace (a container that sees its host's) numbers processes differently.
    if (readlinkSync("/proc/self") !== String(process.pid)) return undefined
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
    return `linux ${boot} ${readlinkSync("/proc/self/ns/pid")}`
  } catch {
    return undefined
  }
}

/** The start of a process in clock ticks since boot, as text; or that it is certainly gone; or that nobody can tell. */
function startOf(pid: number): string {
  try {
    // The signal 0 is asked first: with `hidepid`, /proc hides the processes of other users, but kill(2) does not.
    process.kill(pid, 0)
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    // EPERM: it lives and belongs to another user.
    if (code === "ESRCH") return "gone"
    if (code !== "EPERM") return "unknown"
  }
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1")
  } catch {
    return "unknown"
  }
  // The second field is the name in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  // A zombie has ended; it only waits for its parent to ask how.
  if (fields[0] === "Z" || fields[0] === "X") return "gone"
  const start = fields[19]
  return start !== undefined && /^\d+$/.test(start) ? start : "unknown"
}
