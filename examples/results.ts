// Wait for what a job returns, wherever it runs, and tell the ways apart in which it can end.
import { cancel, defineJob, discard, Drover, isDroverError, retryIn } from "drover"
import type { JobContext } from "drover"
import { sqlite } from "drover/sqlite"

type Order = { readonly id: number; readonly fate: "ship" | "void" | "lost" | "late" | "broken" }

const ship = defineJob("order.ship", {
  retry: { maxAttempts: 2, backoff: "fixed", base: "10ms", jitter: "none" },
  async run({ input, attempt }: JobContext<Order>) {
    if (input.fate === "void") return cancel("the customer withdrew")
    if (input.fate === "lost") return discard("the parcel is gone")
    if (input.fate === "late" && attempt === 1) return retryIn("50ms")
    if (input.fate === "broken") throw new Error("printer on fire")
    return { tracking: `T${input.id}`, attempt }
  },
})

await using drover = new Drover({ store: sqlite(":memory:"), jobs: [ship] })
await using worker = await drover.work()

for (const [id, fate] of (["ship", "late", "void", "lost", "broken"] as const).entries()) {
  const handle = await drover.enqueue(ship, { id, fate })
  try {
    const { tracking, attempt } = await handle.result({ timeout: "10s" })
    console.log(`${fate}: ${tracking} in attempt ${attempt}`)
  } catch (error) {
    if (!isDroverError(error)) throw error
    const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ""
    console.log(`${fate}: ${error.code}${cause}`)
  }
}

// A wait that takes too long ends; the job goes on, and its result can be awaited again.
const slow = await drover.enqueue(ship, { id: 9, fate: "ship" }, { runIn: "200ms" })
await slow.result({ timeout: "10ms" }).catch((error: { code: string }) => console.log(error.code))
console.log((await slow.result()).tracking)

// The whole story of a job is kept: every transition, with its reason.
for (const { from, to, attempt, reason } of await slow.trail()) {
  console.log(`${from ?? "·"} → ${to}`, `attempt ${attempt}`, reason ?? "")
}
await worker.stop()
