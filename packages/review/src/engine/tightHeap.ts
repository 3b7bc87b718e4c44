/**
 * A heap that is kept close to what lives in it. V8 lets a heap grow to several times what lives in it before it looks for
 * garbage, and gives the young generation, which never shrinks again, up to 64 MB. In a large tree, where hundreds of
 * megabytes live, that is much of what the program takes. Held tight, it takes more processor time (docs/review/speed.md).
 */
import { setFlagsFromString } from "node:v8"

const TIGHT = ["--heap-growing-percent=15", "--semi-space-growth-factor=1"]
/** What V8 begins with. */
const ITS_OWN = ["--heap-growing-percent=0", "--semi-space-growth-factor=2"]

/** Reviews of one process share its heap: it is tight while one of them wants it so. */
let wanted = 0

export class TightHeap {
  #isTight = true

  /** From here on: how large a tree is shows when it has been read, and the young generation has grown by then. */
  constructor() {
    wanted += 1
    if (wanted === 1) set(TIGHT)
  }

  /** Lets the heap grow again. Doing so twice does no more. */
  loosen(): void {
    if (!this.#isTight) return
    this.#isTight = false
    wanted -= 1
    if (wanted === 0) set(ITS_OWN)
  }
}

function set(flags: readonly string[]): void {
  for (const flag of flags) setFlagsFromString(flag)
}
