/** Waits that something else may end early. */
import type { Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted } from "../program/names.ts"
import type { Wait } from "./waits.ts"

const STOPS = /Done|stop|quit|clos|exit|shutdown|cancel|timer|timeout|deadline|ctx|kill|abort|term/i

/** Whether what the wait stands in ends when a context, a stop signal or a deadline says so. */
export function canBeCutShort(file: File, wait: Wait): boolean {
  for (const outer of file.ancestorsOf(wait.call)) {
    if (outer.kind === "select") return outer.cases.some((one) => one.comm && isStop(one.comm))
    if (outer.kind === "loop" || outer.kind === "function") return false
  }
  return false
}

/** Arms that end the wait early: a cancelled context, a stop channel, a deadline's timer. */
export function isStop(comm: Node): boolean {
  const receive = comm.kind === "assign" ? comm.value : comm
  const name = receive?.kind === "receive" ? dotted(receive.channel) : dotted(comm)
  return STOPS.test(name)
}
