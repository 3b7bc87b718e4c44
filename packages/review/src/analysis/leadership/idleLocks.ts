/** Annotations of ShedLock in a program that never switches them on: they are read by nothing, and lock nothing. */
import type { Annotation, Func } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import type { Program } from "../program/program.ts"

/** What reads the annotations, and what keeps the locks; in code, XML or a build file's dependency. */
const SWITCHED_ON = /EnableSchedulerLock|LockProvider\b|shedlock-(?:provider|cdi|micronaut)/

/** A `@SchedulerLock` of Spring's that nothing reads; null where there is none, or where something may read it. */
export function idleLockOf(program: Program, file: File, fn: Func): Annotation | null {
  const lock = fn.annotations.find(({ name }) => /(?:^|\.)SchedulerLock$/.test(name))
  if (!lock) return null
  const isShedLock = file.unit.imports.some(({ module }) =>
    /^net\.javacrumbs\.shedlock\.spring(?:\.|$)/.test(module),
  )
  if (!isShedLock) return null
  return program.evidence.find(file.path, SWITCHED_ON, "everywhere", "switched-on locks")
    ? null
    : lock
}
