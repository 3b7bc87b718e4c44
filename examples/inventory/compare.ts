import { measureFile } from "./measure.ts"
import { bytesOf } from "./fileName.ts"
import { walk } from "./walk.ts"
import type { Request } from "./arguments.ts"

/** Does the same measuring without Drover, with as many files at once. @returns how long it took, in ms. */
export async function measureWithoutDrover(request: Request, atOnce: number): Promise<number> {
  const startedMs = performance.now()
  const root = Buffer.from(`${request.root}/`)
  const own = new Set(request.own)
  const files = walk(Buffer.from(request.root), new Set(request.skip))
  const never = new AbortController().signal
  const lane = async (): Promise<void> => {
    for await (const found of { [Symbol.asyncIterator]: () => ({ next: () => files.next() }) }) {
      if (found.kind !== "file" || own.has(found.name.path)) continue
      // What cannot be read is left out here as there.
      await measureFile(Buffer.concat([root, bytesOf(found.name)]), never).catch(() => undefined)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return performance.now() - startedMs
}
