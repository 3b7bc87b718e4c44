import { spawn } from "node:child_process"
import type { Step } from "./steps.ts"

export interface StepResult {
  readonly step: Step
  readonly outcome: "ok" | "failed" | "skipped"
  readonly output: string
  readonly elapsedMs: number
}

export interface RunOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** How many steps run at once. */
  readonly width: number
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly onResult: (result: StepResult) => void
}

/** Runs the steps, each once those it comes after are ok; what comes after a failed step is skipped. */
export async function runSteps(
  steps: readonly Step[],
  options: RunOptions,
): Promise<readonly StepResult[]> {
  const results = new Map<string, StepResult>()
  const waiting = new Set(steps)
  const running = new Set<Promise<void>>()
  const settle = (result: StepResult): void => {
    results.set(result.step.name, result)
    options.onResult(result)
  }
  const start = async (step: Step): Promise<void> => settle(await runStep(step, options))
  while (waiting.size > 0 || running.size > 0) {
    while (running.size < options.width) {
      const step = takeReady(waiting, results)
      if (step === undefined) break
      const run = start(step).finally(() => running.delete(run))
      running.add(run)
    }
    if (running.size === 0) throw new Error("the steps wait for each other in a circle")
    await Promise.race(running)
    for (const step of takeHopeless(waiting, results)) {
      settle({ step, outcome: "skipped", output: "", elapsedMs: 0 })
    }
  }
  return [...results.values()]
}

function takeReady(waiting: Set<Step>, results: ReadonlyMap<string, StepResult>): Step | undefined {
  for (const step of waiting) {
    const isReady = (step.after ?? []).every((name) => results.get(name)?.outcome === "ok")
    if (!isReady) continue
    waiting.delete(step)
    return step
  }
  return undefined
}

function takeHopeless(
  waiting: Set<Step>,
  results: ReadonlyMap<string, StepResult>,
): readonly Step[] {
  const hopeless: Step[] = []
  const lost = new Set([...results.values()].filter(isLost).map(({ step }) => step.name))
  for (const step of waiting) {
    if (!(step.after ?? []).some((name) => lost.has(name))) continue
    // A set is walked in the order of the steps, so what hangs on this one is met later in this walk.
    lost.add(step.name)
    waiting.delete(step)
    hopeless.push(step)
  }
  return hopeless
}

function isLost({ outcome }: StepResult): boolean {
  return outcome !== "ok"
}

function runStep(step: Step, { cwd, env, now }: RunOptions): Promise<StepResult> {
  const [program = "", ...args] = step.command
  const startedMono = now()
  const { promise, resolve } = Promise.withResolvers<StepResult>()
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  const keep = (chunk: string): void => {
    output += chunk
  }
  child.stdout.setEncoding("utf8").on("data", keep)
  child.stderr.setEncoding("utf8").on("data", keep)
  child.on("error", (error) => keep(`${error.message}\n`))
  child.on("close", (code) => {
    const outcome = code === 0 ? "ok" : "failed"
    resolve({ step, outcome, output, elapsedMs: now() - startedMono })
  })
  return promise
}
