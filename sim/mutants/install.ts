import { registerHooks } from "node:module"
import { mutate } from "./mutant.ts"
import type { Mutant } from "./mutant.ts"

const SOURCES = "/packages/drover/src/"

/**
 * Changes the sources of the runtime as they are loaded into this process, and nowhere else. Call it before
 * anything of the runtime is imported.
 * @returns a check that every change was met; call it when everything is loaded.
 */
export function installMutant(mutant: Mutant): () => void {
  const waiting = new Set(mutant.changes.map(({ file }) => file))
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      const place = url.lastIndexOf(SOURCES)
      const file = place < 0 ? "" : url.slice(place + SOURCES.length)
      if (!waiting.delete(file)) return loaded
      return { ...loaded, source: mutate(mutant, file, textOf(loaded.source)) }
    },
  })
  return () => {
    if (waiting.size === 0) return
    throw new Error(`mutant ${mutant.name}: ${[...waiting].join(", ")} was never loaded`)
  }
}

/** Node hands sources over as text or as bytes. */
function textOf(source: string | ArrayBuffer | NodeJS.TypedArray | undefined): string {
  return typeof source === "string" ? source : new TextDecoder().decode(source)
}
