/** How far hot-loop sees. */
import type { Reach } from "../rule.ts"

export const hotLoopReach: Reach = {
  sees: [
    "A loop with an empty body that asks a variable, in Go, Python, Java and Kotlin.",
    "Go's `select` with a `default` that does nothing, alone in an endless loop.",
    "An endless loop that tries a call over the network first and only logs its failure; also where the pause stands behind the call in the same `try`; in Go `if err != nil { …; continue }`, and reads of a stream or a websocket that is broken already.",
    "A query (`fetch…`, `find…`, `claim…`, `lpop` …) that brings nothing, and `continue`.",
    "A take from a list of Redis that answers at once (`lpop`, `rpop`, `zpopmin`), where an empty answer only comes round: in an endless loop, and in a function of JavaScript that calls itself by `setImmediate`, `process.nextTick`, `queueMicrotask` or a `setTimeout` of zero.",
    "In Python, Java and Kotlin a queue in memory that is asked whether it is empty, round after round.",
  ],
  misses: [
    "A call that comes back at once under a name of waiting: `poll`, `get`, `read`, `next`, `run`, `wait` and their like are taken for calls that block.",
    "Other functions that call themselves and timers of zero (immediate-rearm looks at those).",
    "Loops whose test is a flag with a name that says nothing of running or stopping.",
  ],
}
