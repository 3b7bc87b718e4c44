import { Events } from "../../events/index.ts"
import type { MigrationStatus, Store } from "../../store/index.ts"
import { systemClock, systemRng } from "../../time/index.ts"
import type { Call, Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { table } from "../table.ts"
import { exitCodes } from "../terminal.ts"
import { plainJson } from "../plainText.ts"

/** `drover migrate`: shows and applies migrations, without opening the store as a client would. */
export const migrate: Command = {
  name: "migrate",
  summary: "show or apply the migrations of the database",
  usage: ["migrate [status]", "migrate up [--dry-run]"],
  options: { "dry-run": { type: "boolean", about: "say what `up` would apply, and do nothing" } },
  async run(call) {
    const [verb = "status", ...more] = call.positionals
    if (more.length > 0 || !["status", "up"].includes(verb)) {
      throw new UsageError(`migrate: "${call.positionals.join(" ")}" is neither status nor up`)
    }
    const config = await call.config()
    const store = config.store.connect({
      clock: config.clock ?? systemClock,
      rng: config.rng ?? systemRng,
      events: config.events ?? new Events(),
    })
    try {
      await (verb === "up" ? up(store, call) : status(store, call))
    } finally {
      await store.close()
    }
    return exitCodes.ok
  },
}

async function status(store: Store, call: Call): Promise<void> {
  print(await store.migrations(), call)
}

async function up(store: Store, call: Call): Promise<void> {
  const dryRun = call.values["dry-run"] === true
  const migrations = await store.migrate({ dryRun })
  if (call.json) print(migrations, call)
  else if (migrations.length === 0) call.terminal.out("The database is up to date.")
  else {
    for (const { number, name } of migrations) {
      call.terminal.out(`${dryRun ? "would apply" : "applied"} ${number} ${name}`)
    }
  }
}

function print(migrations: readonly MigrationStatus[], { terminal, json }: Call): void {
  if (json) {
    terminal.out(plainJson(migrations))
    return
  }
  const rows = table(
    [
      { title: "number", of: ({ number }: MigrationStatus) => number, align: "right" },
      { title: "name", of: ({ name }) => name },
      {
        title: "applied",
        of: ({ appliedAt }) => (appliedAt === null ? "pending" : new Date(appliedAt).toISOString()),
      },
    ],
    migrations,
  )
  terminal.out(rows)
}
