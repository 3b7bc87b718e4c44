import { describe, test } from "vitest"
import type { Harness } from "./harness.ts"
import type { Rules } from "./rules.ts"
import { subjects } from "./subjects.ts"
import { World } from "./world.ts"

/** A store to put to the test. */
export interface StoreUnderTest {
  readonly name: string
  /** Makes a fresh database with two processes over it. */
  open(): Promise<Harness>
}

/**
 * Declares the tests that every store passes. Each rule gets a world of its own; after each, whatever it
 * did, every trail is legal and both processes see the same.
 */
export function storeSuite(store: StoreUnderTest): void {
  describe(store.name, () => {
    describe.each(Object.entries(subjects))("%s", (_, rules) => {
      declare(store, rules)
    })
  })
}

function declare(store: StoreUnderTest, rules: Rules): void {
  for (const [words, body] of Object.entries(rules)) {
    test(words, { timeout: 120_000 }, async () => {
      const harness = await store.open()
      try {
        const world = new World(harness)
        await body(world)
        await world.audit()
      } finally {
        await harness.close()
      }
    })
  }
}
