/** What a faulty call of the store does. */
export type CallEffect =
  /** Carried out `ms` late. */
  | "delay"
  /** Carried out at once, the reply comes `ms` late. */
  | "late_reply"
  /** Not carried out; an error after `ms`. */
  | "error_before"
  /** Carried out, but the caller gets an error after `ms`. */
  | "lost_reply"
  /** Not carried out; "busy" after `ms`. */
  | "busy"
  /** Carried out twice; the caller gets the second reply. */
  | "twice"
  /** Carried out, the caller gets an error, and `ms` later the call is delivered once more. */
  | "ghost"
  /** The process is killed before it is carried out; started again after `ms`. */
  | "die_before"
  /** Carried out, then the process is killed before it knows; started again after `ms`. */
  | "die_after"
  /** A graceful stop begins while the call is on its way. */
  | "stop_during"

/** One thing that goes wrong, at a planned instant. Independent of all others, so that any subset can be replayed. */
export type Fault =
  /** SIGKILL of this process, or of the next one that runs a handler; started again after `downMs`. */
  | {
      readonly kind: "crash"
      readonly atMs: number
      readonly process: number
      readonly downMs: number
    }
  /** SIGSTOP for `forMs` of this process, or of the next one that runs a handler. */
  | {
      readonly kind: "pause"
      readonly atMs: number
      readonly process: number
      readonly forMs: number
    }
  /** The event loop is busy with something else. As a pause, but short and frequent. */
  | {
      readonly kind: "block"
      readonly atMs: number
      readonly process: number
      readonly forMs: number
    }
  /** The wall clock is set; of one process (`null`: of the whole machine). */
  | {
      readonly kind: "jump"
      readonly atMs: number
      readonly process: number | null
      readonly byMs: number
    }
  /** Hints that something changed do not reach this process. */
  | {
      readonly kind: "deaf"
      readonly atMs: number
      readonly process: number
      readonly forMs: number
    }
  /** No space left: every write of everybody fails. */
  | { readonly kind: "full"; readonly atMs: number; readonly forMs: number }
  /** The database cannot be reached by one process (`null`: by any). */
  | {
      readonly kind: "outage"
      readonly atMs: number
      readonly process: number | null
      readonly forMs: number
    }
  /** Beats of this process, or of the next one that runs a handler, are answered `ms` late; then it reaches nothing for `goneMs`. */
  | {
      readonly kind: "brownout"
      readonly atMs: number
      readonly process: number
      readonly forMs: number
      readonly ms: number
      readonly goneMs: number
    }
  /** SIGTERM: a graceful stop, then a new start after `downMs`. */
  | {
      readonly kind: "deploy"
      readonly atMs: number
      readonly process: number
      readonly downMs: number
    }
  /** The first `count` calls of this operation from `atMs` on. */
  | {
      readonly kind: "call"
      readonly atMs: number
      readonly process: number
      readonly op: string
      readonly effect: CallEffect
      readonly ms: number
      readonly count: number
    }

/** The kinds of faults, in the order in which a swarm draws them: append, or old seeds mean something else. */
export const faultKinds = [
  "crash",
  "pause",
  "block",
  "jump",
  "deaf",
  "full",
  "outage",
  "deploy",
  "call",
  "brownout",
] as const

export type FaultKind = (typeof faultKinds)[number]

/** How a report names a fault: its kind, and for calls the effect and the operation. */
export function faultName(fault: Fault): string {
  return fault.kind === "call" ? `call.${fault.effect}` : fault.kind
}

/** One line for people. */
export function describeFault(fault: Fault): string {
  const { kind, atMs, ...rest } = fault
  const details = Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`)
  return `${(atMs / 1000).toFixed(1)}s ${kind} ${details.join(" ")}`
}
