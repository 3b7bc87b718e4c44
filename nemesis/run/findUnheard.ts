import { isFinal } from "../../packages/drover/src/store/index.ts"
import type { Store } from "../../packages/drover/src/store/index.ts"
import { systemClock } from "../../packages/drover/src/time/index.ts"
import type { Ground } from "../ground/ground.ts"
import { HistoryFile } from "../history/operation.ts"

const JOBS = 3
const KIND = "nemesis.plain"
// Hints of what ended before are over by then.
const SILENCE_MS = 1_500
// Workers look five times a second; also those of a machine that is busy with others come round by then.
const PATIENCE_MS = 10_000
const LOOK_MS = 50

/** Writes jobs of which nobody is told, one after the other. @returns those that no worker found, in words. */
export async function findUnheard(parts: {
  readonly enqueue: NonNullable<Ground["enqueueUnheard"]>
  readonly control: Store
  readonly newId: () => string
  readonly folder: string
}): Promise<readonly string[]> {
  const { enqueue, control, newId, folder } = parts
  const history = new HistoryFile(folder, "unheard")
  const lost: string[] = []
  await systemClock.sleep(SILENCE_MS)
  for (let job = 0; job < JOBS && lost.length === 0; job++) {
    const id = newId()
    const call = history.invoke("enqueue", { jobs: [id], kind: KIND })
    await enqueue({ id, kind: KIND, input: { ms: 1 } })
    call.ok({ tries: 1, duplicates: [] })
    if (!(await hasEnded(control, id)))
      lost.push(`job ${id}, of which nobody was told, was not run within ${PATIENCE_MS} ms`)
  }
  return lost
}

async function hasEnded(control: Store, id: string): Promise<boolean> {
  const endMono = systemClock.monotonic() + PATIENCE_MS
  while (systemClock.monotonic() < endMono) {
    const row = await control.get(id)
    if (row !== null && isFinal(row.state)) return true
    await systemClock.sleep(LOOK_MS)
  }
  return false
}
