import { fork } from "node:child_process"
import { once } from "node:events"
import { StatementSync } from "node:sqlite"
import { figure } from "./measure.ts"
import type { Figure } from "./measure.ts"
import { defaultDrover, nothing } from "./world.ts"
import type { Scratch } from "./world.ts"

const COUNTED = ["run", "get", "all"] as const

/** What a worker costs that has nothing to do, and what it holds when a million jobs wait for later. */
export async function* idleFigures(scratch: Scratch, size: number): AsyncGenerator<Figure> {
  const seconds = Math.max(5, Math.round(30 * size))
  await using drover = defaultDrover(scratch.file())
  await using _worker = await drover.work()
  await pause(1000)
  const statements = countStatements()
  const before = process.cpuUsage()
  await pause(seconds * 1000)
  const used = process.cpuUsage(before)
  yield figure("idle, processor of one core", (used.user + used.system) / (seconds * 10_000), "%")
  yield figure("idle, statements", (statements() / seconds) * 60, "per minute")
}

/** Resident memory of a worker process beside a long backlog that is not due yet, and beside none (the ceiling). */
export async function* memoryFigures(scratch: Scratch, size: number): AsyncGenerator<Figure> {
  const many = Math.round(1_000_000 * size)
  const [full, empty] = [scratch.file(), scratch.file()]
  {
    await using drover = defaultDrover(full)
    const items = Array.from({ length: 50_000 }, (_, n) => ({
      input: { n },
      options: { runIn: "1d" },
    }))
    for (let done = 0; done < many; done += items.length) await drover.enqueueMany(nothing, items)
  }
  const emptyMiB = await workerMiB(empty)
  yield figure(
    `memory of a worker, ${many} waiting (raw: none)`,
    await workerMiB(full),
    "MiB",
    emptyMiB,
  )
}

async function workerMiB(path: string): Promise<number> {
  const child = fork(new URL("memoryWorker.ts", import.meta.url), [path], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  })
  const ended = once(child, "exit")
  const [bytes] = (await once(child, "message")) as [number]
  await ended
  return bytes / 1024 / 1024
}

/** Counts statements of this thread from now on. @returns reads the count and stops. */
function countStatements(): () => number {
  let count = 0
  const originals = COUNTED.map((name) => StatementSync.prototype[name])
  for (const [at, name] of COUNTED.entries()) {
    const original = originals[at] as (...values: unknown[]) => unknown
    Object.assign(StatementSync.prototype, {
      [name](this: StatementSync, ...values: unknown[]): unknown {
        count++
        return original.apply(this, values)
      },
    })
  }
  return () => {
    for (const [at, name] of COUNTED.entries())
      Object.assign(StatementSync.prototype, { [name]: originals[at] })
    return count
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
