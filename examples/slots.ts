// Slots, useful without the rest of Drover: at most three downloads at once, however many are asked for; a
// large one takes two slots; the limit changes while they run.
import { setImmediate } from "node:timers/promises"
import { SlotPool } from "drover/slots"

const pool = new SlotPool({ limit: 3 })

async function download(name: string, weight: number): Promise<void> {
  // Waits its turn; the slots are free again when the block is left, however that happens.
  using _slots = await pool.acquire({ weight, timeout: "1m" })
  console.log(`${name} starts, ${pool.reserved} of ${pool.limit} slots in use`)
  for (let i = 0; i < 5; i++) await setImmediate()
}

const downloads = [
  download("a", 1),
  download("b", 1),
  download("large", 2),
  // Would fit beside a and b, but "large" came first.
  download("c", 1),
]
console.log(`${pool.waiting} wait`)
await Promise.all(downloads)
console.log(`never more than ${pool.stats.peak} at once`)

// A worker's way: reserve first, then look for work, then give back what was not needed.
pool.resize(8)
const batch = pool.reserveUpTo(100)
const found = ["d", "e"]
const running = found.map((name) => ({ name, slot: batch.take() }))
batch.giveBack()
console.log(`reserved ${running.length} for what was found, ${pool.free} of ${pool.limit} are free`)
for (const { slot } of running) slot.release()

const { granted, released } = pool.stats
console.log(`done: ${granted} granted, ${released} released`)
