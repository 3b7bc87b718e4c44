import { fork } from "node:child_process"
import { once } from "node:events"
import { defineJob } from "drover"
import { figure, machineMs, percentile } from "./measure.ts"
import type { Figure } from "./measure.ts"
import { defaultDrover } from "./world.ts"
import type { Scratch } from "./world.ts"

/** From the call of `enqueue` to the handler's first line, when nothing else is going on. */
export async function* latencyFigures(scratch: Scratch, size: number): AsyncGenerator<Figure> {
  const count = Math.round(1000 * size)
  yield* percentiles("enqueue to start, one process", await inOneProcess(scratch.file(), count))
  yield* percentiles("enqueue to start, two processes", await acrossTwo(scratch.file(), count))
}

function* percentiles(name: string, samples: readonly number[]): Generator<Figure> {
  for (const [label, share] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    yield figure(`${name}, ${label}`, percentile(samples, share), "ms")
  }
}

async function inOneProcess(path: string, count: number): Promise<number[]> {
  const samples: number[] = []
  let onStart = (_startMs: number): void => undefined
  const probe = defineJob("bench.probe", {
    run: () => onStart(machineMs()),
  })
  await using drover = defaultDrover(path, { jobs: [probe] })
  await using _worker = await drover.work()
  for (let n = 0; n < count; n++) {
    const started = new Promise<number>((resolve) => (onStart = resolve))
    const sentMs = machineMs()
    await drover.enqueue(probe, null)
    samples.push((await started) - sentMs)
    await pause(2)
  }
  return samples.slice(Math.floor(count / 10))
}

async function acrossTwo(path: string, count: number): Promise<number[]> {
  const samples: number[] = []
  const child = fork(new URL("latencyWorker.ts", import.meta.url), [path], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  })
  await once(child, "message")
  const probe = defineJob("bench.probe", { run: () => undefined })
  await using drover = defaultDrover(path, { jobs: [probe] })
  for (let n = 0; n < count; n++) {
    const started = once(child, "message")
    const sentMs = machineMs()
    await drover.enqueue(probe, null)
    const [startedMs] = (await started) as [number]
    samples.push(startedMs - sentMs)
    // Not in step with any poll of the other process.
    await pause(5 + Math.random() * 20)
  }
  child.send("stop")
  await once(child, "exit")
  return samples.slice(Math.floor(count / 10))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
