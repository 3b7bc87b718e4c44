import type { HealthCheck } from "./upkeep.ts"

/** Under which name a worker says what its client would do as a leader; `null` for one that never leads. */
export const maintenanceInfo = "asLeader"

const NAMED = 5

/**
 * Judges whether all clients would maintain the database alike. Whichever leads decides, and that changes with every
 * restart: one that keeps jobs for ever loses them to one that does not.
 * @param infos what the live workers say of themselves, as JSON.
 */
export function judgeMaintenance(infos: readonly string[]): HealthCheck {
  const check = "maintenance"
  const said = infos.flatMap(settingsIn)
  const names = new Set(said.flatMap((settings) => Object.keys(settings)))
  const differences = [...names].flatMap((name) => {
    const values = [...new Set(said.map((settings) => JSON.stringify(settings[name]) ?? "nothing"))]
    return values.length > 1 ? [`${name} is ${values.toSorted().join(" or ")}`] : []
  })
  if (differences.length === 0) {
    return { check, status: "ok", message: "All clients that may lead would maintain it alike." }
  }
  const message = `Clients that may lead would maintain it differently: ${differences.slice(0, NAMED).join(", ")}. Whichever leads decides, so give all of them the same retention and maintenance, or lead: false.`
  return { check, status: "warn", message, value: differences.length }
}

// Older workers say nothing of it, and whatever else may stand there is no reason to fail.
function settingsIn(info: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    const settings = (JSON.parse(info) as Record<string, unknown> | null)?.[maintenanceInfo]
    if (typeof settings !== "object" || settings === null) return []
    return [settings as Record<string, unknown>]
  } catch {
    return []
  }
}
