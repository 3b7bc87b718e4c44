import { systemClock } from "../../packages/drover/src/time/index.ts"
import type { Clock } from "../../packages/drover/src/time/index.ts"

/** Real time, but the wall clock can be put off, as on a machine that is not well kept. */
export class SkewedClock implements Clock {
  skewMs = 0

  now(): number {
    return systemClock.now() + this.skewMs
  }

  monotonic(): number {
    return systemClock.monotonic()
  }

  get monotonicOrigin(): string | undefined {
    return systemClock.monotonicOrigin
  }

  setTimer(...given: Parameters<Clock["setTimer"]>): ReturnType<Clock["setTimer"]> {
    return systemClock.setTimer(...given)
  }

  defer(callback: () => void): void {
    systemClock.defer(callback)
  }

  sleep(...given: Parameters<Clock["sleep"]>): Promise<void> {
    return systemClock.sleep(...given)
  }
}
