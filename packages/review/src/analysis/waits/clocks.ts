/** Times that the clock of this machine gave: another machine's differs from it. */
import { walk } from "../../ir/children.ts"
import type { Node } from "../../ir/nodes.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { dotted } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"

/** Calls that ask this machine's clock, by their dotted names. */
const NOW =
  /(?:^|\.)(?:time\.Now|Date\.now|datetime\.(?:now|utcnow|today)|timezone\.now|timeutils?\.\w*now\w*|time\.time|time_ns|arrow\.(?:utc)?now|pendulum\.(?:utc)?now|System\.currentTimeMillis|System\.nanoTime|(?:Instant|LocalDateTime|ZonedDateTime|OffsetDateTime|LocalDate|DateTime|Timestamp|Clock\.System)\.now|currentTimeMillis|DateTime\.(?:utc|local)|dayjs|moment)(?:\(\))?$/i
const CLOCKS =
  /(?:^|[._])\w*(?:clock|timeGenerator|timeSource|timeProvider)\w*(?:\(\))?\.(?:now|millis|instant|currentTime\w*|nowMs|utcnow|nowUTC|NowUTC)$/i
/** Helpers that are called after what they give, wherever they come from. */
const HELPERS =
  /(?:^|\.)(?:get_?)?(?:current_?time(?:_?(?:ms|millis|seconds|utc))|now_?(?:ms|utc|millis|seconds|in_?millis)|utc_?now|unix_?(?:now|time))$/i
/** The database's own clock, named as a call. */
const STORE = /(?:^|\.)(?:func|fn|sql|db|f|database|models\.functions)\.now$|^Now$/

const MAX_STEPS = 4

/** The call from which this machine's time flows into an expression; null where it does not. */
export function appTimeIn(
  program: Program,
  file: File,
  node: Node,
  steps = MAX_STEPS,
): Node | null {
  let found: Node | null = null
  walk(node, (one) => {
    if (found) return false
    if (one.kind === "call") {
      const name = file.standardName(dotted(one.callee))
      if (STORE.test(name)) return false
      const isDate = one.isNew === true && one.name === "Date" && one.args.length === 0
      if (isDate || NOW.test(name) || CLOCKS.test(name) || HELPERS.test(name)) found = one
      else if (steps > 0) found = returned(program, file, one, steps - 1)
    } else if ((one.kind === "name" || one.kind === "member") && steps > 0) {
      for (const { value, file: from } of definitionsOf(program, file, one)) {
        if (value && value !== one && !found) found = appTimeIn(program, from, value, steps - 1)
      }
    }
    return one.kind !== "function"
  })
  return found
}

/** The time that a short function of this repository returns: `now()`, `self._now()`. */
function returned(
  program: Program,
  file: File,
  call: Node & { kind: "call" },
  steps: number,
): Node | null {
  if (!/now|time|clock|deadline|expir|until|millis/i.test(call.name)) return null
  for (const { file: from, fn } of resolveCall(program, file, call)) {
    let found: Node | null = null
    if (fn.body) {
      walk(fn.body, (node) => {
        if (node.kind === "return" && node.value && !found) {
          found = appTimeIn(program, from, node.value, steps)
        }
        return !found && node.kind !== "function"
      })
    }
    if (found) return found
  }
  return null
}
