import { DroverError, nearest } from "../errors/index.ts"
import { eventLevels } from "../events/index.ts"

/** Refuses a name that no event has: its listener would wait for ever. @throws DroverError `DROVER_CONFIG`. */
export function checkEventName(name: string): void {
  if (Object.hasOwn(eventLevels, name)) return
  const names = Object.keys(eventLevels)
  const suggestion =
    names.find((known) => known === `job.${name}` || known.endsWith(`.${name}`)) ??
    nearest(name, names)
  const hint = suggestion === undefined ? "" : `; did you mean "${suggestion}"?`
  throw new DroverError("DROVER_CONFIG", `on: there is no event "${name}"${hint}`)
}
