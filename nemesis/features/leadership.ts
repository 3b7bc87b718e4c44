import { singletons } from "../checks/terms.ts"
import { systemClock } from "../../packages/drover/src/time/index.ts"
import type { WorkerTestimony } from "../history/testimony.ts"
import type { Feature } from "./feature.ts"

/** One client leads at a time: it maintains the store, and runs a singleton of the user's. */
export const leadership: Feature = {
  name: "leadership",
  define: () => [],
  attend(drover, say) {
    tellStalls(say)
    let current = 0
    drover.onlyOnLeader("nemesis", {
      start({ term }) {
        current = term
        say({ event: "led", what: "start", term })
      },
      stop() {
        say({ event: "led", what: "stop", term: current })
      },
    })
  },
  // Leaders come and go with the processes; there is nothing to enqueue.
  produce: () => Promise.resolve(),
  check: (history) => singletons(history),
}

const TURN_MS = 20
// Half of the margin by which a leader of these runs stops before another may begin: what is shorter excuses nothing.
const GAP_MS = 50

/** Tells of every gap in which the event loop did not turn, so that nothing could stop in time. */
function tellStalls(say: (testimony: WorkerTestimony) => void): void {
  let fromMono = systemClock.monotonic()
  const turn = (): void => {
    const mono = systemClock.monotonic()
    if (mono - fromMono > TURN_MS + GAP_MS) say({ event: "turned", fromMono })
    fromMono = mono
    systemClock.setTimer(TURN_MS, turn, { ref: false })
  }
  turn()
}
