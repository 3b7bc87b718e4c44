import { hash } from "node:crypto"
import { DroverError } from "../errors/index.ts"
import type { ScheduleChange, ScheduleRow } from "../store/index.ts"
import { planNew, planTexts } from "./planChange.ts"
import type { PlannedChange } from "./planChange.ts"
import type { ScheduleDefinition } from "./schedule.ts"
import { readPatch } from "./scheduleSettings.ts"
import type { Ids } from "./planTick.ts"

/** The schedules that a program declares, and what it is called. */
export interface Configuration {
  readonly deployment: string
  readonly definitions: readonly ScheduleDefinition[]
}

/** What tells one configuration from another: the schedules, whatever their order. */
export function hashOf({ definitions }: Configuration): string {
  const texts = definitions.map(({ name, declared }) => `${name}\0${declared}`).toSorted()
  return hash("sha256", texts.join("\n"), "hex")
}

/**
 * What a configuration changes about the schedules that are stored: those that are new or declared otherwise, and those
 * that it declares no more. What operators decided stays, field by field; so does a removal by an operator.
 * @throws DroverError `DROVER_CONFIG` when a schedule belongs to another deployment.
 */
export function planDeployment(
  configuration: Configuration,
  rows: readonly ScheduleRow[],
  parts: { readonly now: number; readonly ids: Ids; readonly actor: string },
): readonly ScheduleChange[] {
  const { deployment, definitions } = configuration
  const known = new Map(rows.map((row) => [row.name, row]))
  const declared = new Set(definitions.map(({ name }) => name))
  const { now, ids, actor } = parts
  const change = (
    name: string,
    row: ScheduleRow | undefined,
    action: string,
    planned: PlannedChange,
    detail: object | null,
  ): ScheduleChange => {
    const text = detail === null ? null : JSON.stringify(detail)
    const version = row?.version ?? null
    return { id: ids.next(), name, version, ...planned, actor, action, detail: text }
  }
  const changes: ScheduleChange[] = []
  for (const definition of definitions) {
    const row = known.get(definition.name)
    const planned = planDefinition(configuration, definition, row, now)
    if (planned === null) continue
    const detail = differences(row, definition.declared)
    changes.push(change(definition.name, row, "declared", planned, detail))
  }
  for (const row of rows) {
    const isOurs = row.deployment === deployment && row.declared !== null
    if (!isOurs || row.retiredAt !== null || declared.has(row.name)) continue
    const planned = { patch: { retired: true, fireAt: null }, passed: [] }
    changes.push(change(row.name, row, "retired", planned, null))
  }
  return changes
}

function planDefinition(
  { deployment }: Configuration,
  { name, declared }: ScheduleDefinition,
  row: ScheduleRow | undefined,
  now: number,
): PlannedChange | null {
  if (row === undefined) return planNew(name, { declared, changed: "{}", deployment }, now)
  const isOthers = row.deployment !== null && row.deployment !== deployment
  if (isOthers && row.retiredAt === null) {
    throw new DroverError(
      "DROVER_CONFIG",
      `schedule ${name}: deployment "${row.deployment}" declares it; give it another name here, or give both programs the same deployment`,
      { details: { schedule: name, deployment: row.deployment } },
    )
  }
  if (!isOthers && row.declared === declared && row.retiredAt === null) return null
  const { patch, passed } = planTexts(row, { declared }, now)
  return { patch: { ...patch, deployment, retired: false }, passed }
}

// Which fields the code declares otherwise than before.
function differences(row: ScheduleRow | undefined, declared: string): object | null {
  if (row === undefined || row.declared === null) return null
  const before = readPatch(row.declared, row.name) as Readonly<Record<string, unknown>>
  const after = readPatch(declared, row.name) as Readonly<Record<string, unknown>>
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  const changed = [...names].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
  return changed.length === 0
    ? null
    : Object.fromEntries(
        changed.map((name) => [name, { from: before[name] ?? null, to: after[name] ?? null }]),
      )
}
