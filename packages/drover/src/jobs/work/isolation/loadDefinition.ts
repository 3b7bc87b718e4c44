import { DroverError } from "../../../errors/index.ts"
import { isJobDefinition } from "../../define/jobDefinition.ts"
import type { JobDefinition } from "../../define/jobDefinition.ts"
import type { ChildSetup } from "./childProtocol.ts"

/**
 * Imports a module and finds the definition of a kind among its exports: by itself, in an array or in an object.
 * @throws DroverError `DROVER_CONFIG` when it is not there or the module cannot be loaded.
 */
export async function loadDefinition({ kind, module }: ChildSetup): Promise<JobDefinition> {
  const exports = await load(kind, module)
  for (const value of Object.values(exports)) {
    for (const candidate of candidates(value)) {
      if (isJobDefinition(candidate) && candidate.kind === kind) return candidate
    }
  }
  throw new DroverError(
    "DROVER_CONFIG",
    `${kind}.module: ${module} does not export the definition of "${kind}"; export it, so that an isolated thread or process can find it`,
    { details: { kind, module } },
  )
}

async function load(kind: string, module: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(module)) as Readonly<Record<string, unknown>>
  } catch (cause) {
    throw new DroverError(
      "DROVER_CONFIG",
      `${kind}.module: ${module} cannot be loaded in a thread or process of its own: ${String(cause)}`,
      { details: { kind, module }, cause },
    )
  }
}

function candidates(value: unknown): readonly unknown[] {
  if (typeof value !== "object" || value === null) return []
  return isJobDefinition(value) ? [value] : Object.values(value)
}
