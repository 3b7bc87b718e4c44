import type { DroverError } from "../errors/index.ts"
import type { Events } from "../events/index.ts"
import { Service } from "./service.ts"
import type { ServiceScope, Startable } from "./service.ts"

/** What a group is made of. */
export interface ServiceGroupOptions {
  readonly name: string
  readonly events: Events
  /** In the order in which they are started; they are stopped in the reverse order. */
  readonly services: readonly Startable[]
}

/**
 * Several services as one: started one after the other, stopped one after the other in reverse. When one
 * cannot start, those before it are stopped and the start fails with its error. When one fails while it
 * runs, the group stops and fails with it.
 */
export function serviceGroup(options: ServiceGroupOptions): Service {
  return new Service({
    name: options.name,
    events: options.events,
    start: async (scope) => {
      for (const service of options.services) await startMember(scope, service)
    },
  })
}

/** Starts a service as a part of another one: it stops with it, and its failure is the other's. */
export async function startMember(scope: ServiceScope, member: Startable): Promise<void> {
  scope.signal.throwIfAborted()
  scope.defer(member.onFailed((error) => scope.fail(error)))
  scope.defer((reason) => member.stop(reason))
  // The cleanups wait for this body, so a stop during the member's start has to be passed on at once.
  const onAbort = (): void => void member.stop(scope.signal.reason as DroverError).catch(() => {})
  scope.signal.addEventListener("abort", onAbort, { once: true })
  try {
    await member.start()
  } finally {
    scope.signal.removeEventListener("abort", onAbort)
  }
}
