const mark: unique symbol = Symbol.for("drover.child") as never

/** Marks this thread or process as one that Drover made to run isolated jobs. */
export function markAsChild(): void {
  Object.defineProperty(globalThis, mark, { value: true })
}

/** Whether this is a thread or a process that Drover made to run isolated jobs. It must not start workers of its own. */
export function isChild(): boolean {
  return mark in globalThis
}
