import type { AbortReason, DroverError } from "../../../errors/index.ts"
import { reviveError } from "../../../store/index.ts"
import type { Clock, Timer } from "../../../time/index.ts"
import type { JobDefinition } from "../../define/jobDefinition.ts"
import type { Attempt } from "../attempt.ts"
import type { Ending } from "../decide.ts"
import { startProcess, startThread } from "./childPort.ts"
import type { ChildPort } from "./childPort.ts"
import { unpackEnding } from "./childProtocol.ts"
import type { FromChild } from "./childProtocol.ts"

/** What a pool of children needs. */
export interface ChildPoolOptions {
  readonly clock: Clock
  readonly definition: JobDefinition
  readonly maxHeapMb: number | undefined
}

// How long a child without work stays warm.
const IDLE_MS = 30_000

/** One child, and what it is doing. */
class Child {
  readonly port: ChildPort
  readonly ready: PromiseWithResolvers<void> = Promise.withResolvers()
  attempt: Attempt | undefined
  ended: PromiseWithResolvers<Ending> | undefined
  idleTimer: Timer | undefined
  readonly #onEnd: (child: Child, reusable: boolean) => void

  constructor(options: ChildPoolOptions, onEnd: (child: Child, reusable: boolean) => void) {
    const { definition, maxHeapMb } = options
    this.#onEnd = onEnd
    // Somebody else may be the first to look.
    this.ready.promise.catch(() => {})
    const setup = { kind: definition.kind, module: definition.module! }
    const start = definition.isolation === "thread" ? startThread : startProcess
    this.port = start(setup, maxHeapMb, {
      onMessage: (message) => this.#onMessage(message),
      onGone: (error) => this.#onGone(error),
    })
  }

  run(attempt: Attempt, payloadLimit: number): Promise<Ending> {
    this.attempt = attempt
    this.ended = Promise.withResolvers()
    this.port.ref(true)
    this.port.send({ type: "run", claimed: attempt.claimed, payloadLimit })
    attempt.onAbort((reason: AbortReason) =>
      this.port.send({ type: "abort", code: reason.code, message: reason.message }),
    )
    return this.ended.promise
  }

  #onMessage(message: FromChild): void {
    switch (message.type) {
      case "ready":
        this.ready.resolve()
        return
      case "refused":
        this.ready.reject(reviveError(message.error))
        this.#onEnd(this, false)
        return
      case "log":
        this.attempt?.reports.add(
          message.level,
          message.message,
          message.fields === null ? undefined : JSON.parse(message.fields),
        )
        return
      case "dropped":
        this.attempt?.reports.addDropped(message.lines)
        return
      case "progress":
        this.attempt?.reports.setProgress(JSON.parse(message.value))
        return
      case "ended":
        if (message.signalRead) this.attempt?.readSignal()
        this.#end(unpackEnding(message.ending))
        this.#onEnd(this, !message.spent)
    }
  }

  #onGone(error: DroverError): void {
    this.ready.reject(error)
    this.#end({ how: "crashed", error })
    this.#onEnd(this, false)
  }

  #end(ending: Ending): void {
    const { ended } = this
    this.attempt = undefined
    this.ended = undefined
    ended?.resolve(ending)
  }
}

/**
 * The threads or processes of one isolated kind. There are as many as attempts of it run, so the slots of its queue
 * bound them; those without work stay warm for a while. A child that dies takes down the one attempt it ran.
 */
export class ChildPool {
  readonly #options: ChildPoolOptions
  readonly #children: Set<Child> = new Set()
  readonly #idle: Child[] = []
  readonly #byAttempt: Map<Attempt, Child> = new Map()

  constructor(options: ChildPoolOptions) {
    this.#options = options
  }

  /** Starts a child and waits until it can run the kind. @throws why it cannot. */
  async warm(): Promise<void> {
    const child = this.#spawn()
    await child.ready.promise
    this.#toIdle(child)
  }

  /** @throws why no child can run the kind. */
  async run(attempt: Attempt, payloadLimit: number): Promise<Ending> {
    const child = this.#idle.pop() ?? this.#spawn()
    child.idleTimer?.cancel()
    this.#byAttempt.set(attempt, child)
    try {
      await child.ready.promise
      // Killed, or aborted, while its child was starting.
      if (!this.#children.has(child)) return { how: "threw", error: attempt.abortReason }
      if (attempt.abortReason !== null) {
        this.#toIdle(child)
        return { how: "threw", error: attempt.abortReason }
      }
      return await child.run(attempt, payloadLimit)
    } finally {
      this.#byAttempt.delete(attempt)
    }
  }

  kill(attempt: Attempt): void {
    this.#byAttempt.get(attempt)?.port.kill()
  }

  close(): void {
    for (const child of this.#children) {
      child.idleTimer?.cancel()
      child.port.kill()
    }
    this.#children.clear()
    this.#idle.length = 0
  }

  #spawn(): Child {
    const child = new Child(this.#options, (ended, reusable) => {
      if (reusable && this.#children.has(ended)) this.#toIdle(ended)
      else this.#drop(ended)
    })
    this.#children.add(child)
    return child
  }

  #toIdle(child: Child): void {
    child.port.ref(false)
    this.#idle.push(child)
    child.idleTimer = this.#options.clock.setTimer(IDLE_MS, () => this.#drop(child), { ref: false })
  }

  #drop(child: Child): void {
    child.idleTimer?.cancel()
    const place = this.#idle.indexOf(child)
    if (place >= 0) this.#idle.splice(place, 1)
    if (this.#children.delete(child)) child.port.kill()
  }
}
