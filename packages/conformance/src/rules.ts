import type { World } from "./world.ts"

/** Rules of the contract in words, each with how to see that it holds in a fresh world. */
export type Rules = Readonly<Record<string, (world: World) => Promise<void>>>
