import type { Rng } from "./rng.ts"

/**
 * A repeatable generator for tests and the simulator (sfc32 by Chris Doty-Humphrey, which passes PractRand).
 * The same seed gives the same numbers on every machine. Never use it for tokens in production.
 */
export class SeededRng implements Rng {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number | string) {
    const text = String(seed)
    let hash = 2166136261
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619)
    this.#a = hash | 0
    this.#b = Math.imul(hash, 0x9e3779b1) | 0
    this.#c = ~hash | 0
    for (let i = 0; i < 16; i++) this.#uint32()
  }

  next(): number {
    const high = this.#uint32() >>> 5
    const low = this.#uint32() >>> 6
    return (high * 67_108_864 + low) / 9_007_199_254_740_992
  }

  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.#uint32() & 0xff
  }

  /** A generator of its own for a part of the world, so that one part's draws do not shift another's. */
  fork(name: string): SeededRng {
    return new SeededRng(`${this.#uint32()}/${name}`)
  }

  #uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}
