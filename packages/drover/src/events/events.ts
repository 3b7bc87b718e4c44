import { channel } from "node:diagnostics_channel"
import type { Channel } from "node:diagnostics_channel"
import type { DroverEvents, EventName } from "./catalogue.ts"

/** Ends a subscription. Safe to call twice. */
export type Unsubscribe = () => void

/** Called with the data of one kind of event. What it throws or rejects with is reported, never passed on. */
export type EventListener<N extends EventName> = (data: DroverEvents[N]) => void

/** Called with every event. */
export type AnyEventListener = <N extends EventName>(name: N, data: DroverEvents[N]) => void

/** What `Events.next` may be told. */
export interface NextEventOptions {
  /** Ends the wait: it rejects with exactly `signal.reason`. */
  readonly signal?: AbortSignal
}

// What is kept for a name. Arrays are replaced, never changed, so an emit in progress is not disturbed by
// a listener that subscribes or unsubscribes.
interface Topic {
  listeners: readonly ((data: never) => unknown)[]
  // Held strongly: Node forgets a channel without subscribers and references, and later finds another one.
  readonly channel: Channel
}

/**
 * The one emitter of everything that happens. Emitting is synchronous and never throws; without listeners
 * an emit costs one map look-up, and hot paths ask `wanted` first so that they need not even build the data.
 *
 * Every event is also published on the `node:diagnostics_channel` channel `drover:<name>` while somebody
 * subscribes to it, which needs no reference to this object: that is the way in for tracing and metrics agents.
 */
export class Events {
  readonly #topics: Map<EventName, Topic> = new Map()
  #any: readonly AnyEventListener[] = []
  #warned = false

  /** Calls `listener` for every event of this name from now on, in the order of subscription. */
  on<N extends EventName>(name: N, listener: EventListener<N>): Unsubscribe {
    const topic = this.#topic(name)
    // Wrapped, so that the same function subscribed twice is two subscriptions.
    const own = (data: DroverEvents[N]): unknown => listener(data)
    topic.listeners = [...topic.listeners, own]
    return () => {
      topic.listeners = topic.listeners.filter((other) => other !== own)
    }
  }

  /** Calls `listener` for every event, after the listeners of that name. */
  onAny(listener: AnyEventListener): Unsubscribe {
    const own: AnyEventListener = (name, data) => listener(name, data)
    this.#any = [...this.#any, own]
    return () => {
      this.#any = this.#any.filter((other) => other !== own)
    }
  }

  /** Calls `listener` for the next event of this name only. */
  once<N extends EventName>(name: N, listener: EventListener<N>): Unsubscribe {
    const unsubscribe = this.on(name, (data) => {
      unsubscribe()
      return listener(data)
    })
    return unsubscribe
  }

  /**
   * Waits for the next event of this name that passes the filter. Events of the past are not seen.
   * @returns its data; rejects with exactly `signal.reason`, or with what the filter throws.
   */
  next<N extends EventName>(
    name: N,
    filter?: (data: DroverEvents[N]) => boolean,
    options: NextEventOptions = {},
  ): Promise<DroverEvents[N]> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    return new Promise((resolve, reject) => {
      const end = (): void => {
        unsubscribe()
        signal?.removeEventListener("abort", onAbort)
      }
      const onAbort = (): void => {
        end()
        reject(signal?.reason as Error)
      }
      const unsubscribe = this.on(name, (data) => {
        try {
          if (filter !== undefined && !filter(data)) return
        } catch (error) {
          end()
          const why = error as Error
          reject(why)
          return
        }
        end()
        resolve(data)
      })
      signal?.addEventListener("abort", onAbort, { once: true })
    })
  }

  /** Tells whether anybody listens to this event, here or on its diagnostics channel. Costs nanoseconds. */
  wanted(name: EventName): boolean {
    if (this.#any.length > 0) return true
    const topic = this.#topics.get(name) ?? this.#topic(name)
    return topic.listeners.length > 0 || topic.channel.hasSubscribers
  }

  /** Hands an event to all who listen. Never throws; see `drover.listener_failed`. */
  emit<N extends EventName>(name: N, data: DroverEvents[N]): void {
    const topic = this.#topics.get(name) ?? this.#topic(name)
    for (const listener of topic.listeners) {
      this.#call(name, () => (listener as (data: DroverEvents[N]) => unknown)(data))
    }
    for (const listener of this.#any) this.#call(name, () => listener(name, data))
    // Node itself keeps what a channel's subscriber throws away from the publisher.
    if (topic.channel.hasSubscribers) topic.channel.publish(data)
  }

  #topic(name: EventName): Topic {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      topic = { listeners: [], channel: channel(`drover:${name}`) }
      this.#topics.set(name, topic)
    }
    return topic
  }

  #call(name: EventName, listener: () => unknown): void {
    try {
      const result = listener()
      // An async listener is assignable where a sync one is asked for; its rejection must not end the process.
      if (isThenable(result)) result.then(undefined, (error) => this.#failed(name, error))
    } catch (error) {
      this.#failed(name, error)
    }
  }

  #failed(name: EventName, error: unknown): void {
    // A listener of the report that fails itself is reported by a process warning, never by another report.
    if (name !== "drover.listener_failed" && this.wanted("drover.listener_failed")) {
      this.emit("drover.listener_failed", { event: name, error })
      return
    }
    if (this.#warned) return
    this.#warned = true
    process.emitWarning(`A listener of the event "${name}" failed: ${describe(error)}`, {
      type: "DroverWarning",
      code: "DROVER_LISTENER_FAILED",
      detail: "Further failures of listeners are not printed; subscribe to drover.listener_failed.",
    })
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  )
}

// A thrown value may be anything, also one whose conversion to text throws.
function describe(error: unknown): string {
  try {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  } catch {
    return "a value that cannot be shown"
  }
}
