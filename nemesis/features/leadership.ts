import { terms } from "../checks/terms.ts"
import type { Feature } from "./feature.ts"

/** One client leads at a time: it maintains the store, and runs a singleton of the user's. */
export const leadership: Feature = {
  name: "leadership",
  define: () => [],
  attend(drover, say) {
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
  check: (history) => terms(history),
}
