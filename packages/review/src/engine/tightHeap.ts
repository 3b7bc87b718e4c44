/**
 * V8 lets a heap grow to several times what lives in it before it looks for garbage. In a large tree, where hundreds of
 * megabytes live, that is most of what the program takes: collected after a quarter more, apache/kafka took two thirds of
 * the memory and a tenth more processor time (docs/review/speed.md).
 */
import { setFlagsFromString } from "node:v8"

const GROWTH_PERCENT = 25
/** What V8 begins with: it decides by itself. */
const ITS_OWN = 0

let running = 0

/** Runs something with a heap that grows in small steps. */
export async function withTightHeap<Value>(run: () => Promise<Value>): Promise<Value> {
  running += 1
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`)
  try {
    return await run()
  } finally {
    running -= 1
    if (running === 0) setFlagsFromString(`--heap-growing-percent=${ITS_OWN}`)
  }
}
