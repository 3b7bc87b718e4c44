import { expect, test } from "vitest"
import { NOTHING_KNOWN } from "../analysis/known.ts"
import { checkInThreads } from "./checkPool.ts"
import type { CheckTask } from "./checkTask.ts"

const EMPTY: CheckTask = {
  sources: [],
  patterns: [],
  evidence: [],
  rules: [],
  isFleet: undefined,
  known: NOTHING_KNOWN,
  services: undefined,
}

test("threads that die leave their files to whoever called", async () => {
  const broken = { ...EMPTY, evidence: null } as unknown as CheckTask
  const checked: string[] = []
  const files = Array.from({ length: 40 }, (_, i) => [`f${i}.py`, `f${i}.py`] as const)
  await checkInThreads(broken, files, {
    threads: 2,
    spare: [],
    signal: undefined,
    goesOn: () => Promise.resolve(true),
    onChecked: (path) => checked.push(path),
    onStored: () => undefined,
  })
  expect(checked).toEqual([])
}, 60_000)

test("a check that is called off ends with its reason", async () => {
  const files = [["a.py", "a.py"]] as const
  const work = checkInThreads(EMPTY, files, {
    threads: 1,
    spare: [],
    signal: AbortSignal.any([AbortSignal.abort(new Error("enough"))]),
    goesOn: () => Promise.reject(new Error("enough")),
    onChecked: () => undefined,
    onStored: () => undefined,
  })
  await expect(work).rejects.toThrow("enough")
}, 60_000)
