import type { WorkerView } from "../../client/index.ts"
import type { Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { table } from "../table.ts"
import { exitCodes } from "../terminal.ts"
import { plainJson } from "../plainText.ts"

/** `drover workers`: the processes that run jobs, whether their leases are fresh, and whose process leads. */
export const workers: Command = {
  name: "workers",
  summary: "list the worker processes",
  usage: ["workers"],
  options: {},
  async run(call) {
    if (call.positionals.length > 0) throw new UsageError("workers takes no arguments")
    const drover = await call.drover()
    const [views, leader] = [await drover.workers(), await drover.leader()]
    const leads = ({ host, pid }: WorkerView): boolean =>
      leader !== null && leader.host === host && leader.pid === pid
    if (call.json)
      for (const view of views) call.terminal.out(plainJson({ ...view, leads: leads(view) }))
    else if (views.length === 0) call.terminal.out("No workers.")
    else {
      const text = table(
        [
          { title: "worker", of: ({ workerId }: WorkerView) => workerId },
          { title: "host", of: ({ host }) => host },
          { title: "pid", of: ({ pid }) => pid, align: "right" },
          { title: "running", of: ({ running }) => running, align: "right" },
          { title: "started", of: ({ startedAt }) => startedAt.toISOString() },
          { title: "last beat", of: ({ beatAt }) => beatAt.toISOString() },
          { title: "lease until", of: ({ leaseUntil }) => leaseUntil.toISOString() },
          { title: "leads", of: (view) => (leads(view) ? `term ${leader?.term}` : "") },
        ],
        views,
      )
      call.terminal.out(text)
    }
    return exitCodes.ok
  },
}
