import fc from "fast-check"
import { expect, test } from "vitest"
import { NOTHING_KNOWN } from "../analysis/program/known.ts"
import { checkInThreads, Chunks } from "./checkPool.ts"
import { filesOfTask, type CheckTask } from "./checkTask.ts"

const EMPTY: CheckTask = {
  ...filesOfTask([], []),
  patterns: [],
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

test("threads begin apart, and whoever is done takes what another would take last", () => {
  const files = Array.from({ length: 64 }, (_, i) => [`f${i}`, `f${i}`] as const)
  const chunks = new Chunks(files, 2)
  const firstOf = (thread: number): string | undefined => chunks.next(thread)?.[0]?.[0]
  expect([firstOf(1), firstOf(1), firstOf(1)]).toEqual(["f32", "f48", "f16"])
  expect([firstOf(0), firstOf(0), firstOf(1)]).toEqual(["f0", undefined, undefined])
})

test("every file is handed out once, however many threads there are", () => {
  fc.assert(
    fc.property(
      fc.nat(200),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat(4)),
      (count, threads, order) => {
        const files = Array.from({ length: count }, (_, i) => [`f${i}`, `f${i}`] as const)
        const chunks = new Chunks(files, threads)
        const taken = order.flatMap((thread) => chunks.next(thread % threads) ?? [])
        for (let rest = chunks.next(0); rest; rest = chunks.next(0)) taken.push(...rest)
        expect(taken.map(([path]) => path).toSorted()).toEqual(
          files.map(([path]) => path).toSorted(),
        )
      },
    ),
  )
})
