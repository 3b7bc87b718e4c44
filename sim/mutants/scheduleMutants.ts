import type { Mutant } from "./mutant.ts"

/** Bugs of schedules. */
export const scheduleMutants: readonly Mutant[] = [
  {
    name: "tick-pointer-apart",
    what: "The pointer of a schedule moves in a transaction of its own, two seconds after the one with the jobs, and nothing keeps a planned instant from being written twice.",
    changes: [
      {
        file: "sqlite/ticks.ts",
        find: 'const FIRST_FINAL_STATE = stateCode("completed")',
        replace:
          'const FIRST_FINAL_STATE = stateCode("completed")\nlet moves: ((tx: WriteTx) => void)[] = []',
      },
      {
        file: "sqlite/ticks.ts",
        find: 'tx.statements.first("planned_tick", row.id, at) !== undefined',
        replace: "false",
      },
      {
        file: "sqlite/ticks.ts",
        find: '  tx.statements.run(\n    "move_schedule",\n    ...[nextAt, fireAt, heldAt, lastAt, lastJobId, failure, row.id, row.version],\n  )',
        replace:
          '  moves.push((later) =>\n    later.statements.run(\n      "move_schedule",\n      ...[nextAt, fireAt, heldAt, lastAt, lastJobId, failure, row.id, row.version],\n    ),\n  )',
      },
      {
        file: "schedules/ticker.ts",
        find: 'return await this.#ask(store.tickSchedules({ term, ticks }), "tickSchedules", signal)',
        replace:
          'const first = await this.#ask(store.tickSchedules({ term, ticks }), "tickSchedules", signal)\n      await this.#context.clock.sleep(2_000, { signal })\n      await this.#ask(store.tickSchedules({ term, ticks: [] }), "tickSchedules", signal)\n      return first',
      },
      {
        file: "sqlite/ticks.ts",
        find: '    look: () => (ticks.length === 0 ? [] : "write"),\n    write: (tx) => ticks.map((tick) => writeTick(tx, tick)),',
        replace:
          '    look: () => "write",\n    write: (tx) => {\n      if (ticks.length > 0) return ticks.map((tick) => writeTick(tx, tick))\n      for (const move of moves.splice(0)) move(tx)\n      return []\n    },',
      },
    ],
  },
  {
    name: "tick-by-own-clock",
    what: "The ticker decides by the clock of its process which ticks are due.",
    changes: [
      {
        file: "schedules/ticker.ts",
        find: "planTick(row, now, this.#ids)",
        replace: "planTick(row, Math.max(now, this.#context.clock.now() + 60_000), this.#ids)",
      },
    ],
  },
  {
    name: "tick-before-time",
    what: "A schedule is due two seconds before its time.",
    changes: [
      {
        file: "sqlite/ticks.ts",
        find: 'statements.all("due_schedules", now, limit)',
        replace: 'statements.all("due_schedules", now + 2_000, limit)',
      },
      {
        file: "sqlite/ticks.ts",
        find: "return { now, due, released,",
        replace: "return { now: now + 2_000, due, released,",
      },
      {
        file: "sqlite/ticks.ts",
        find: "row.fireAt > tx.now",
        replace: "row.fireAt > tx.now + 2_000",
      },
    ],
  },
  {
    name: "catch-up-without-cap",
    what: "Every missed tick runs, whatever the schedule's policy.",
    changes: [
      {
        file: "schedules/passing.ts",
        find: "  return catchUp.all\n",
        replace: "  return 1_000\n",
      },
      {
        file: "schedules/passing.ts",
        find: 'if (catchUp === "latest") return 1',
        replace: 'if (catchUp === "latest") return 1_000',
      },
    ],
  },
  {
    name: "missed-ticks-forgotten",
    what: "Ticks that are skipped after a downtime leave no line in the history.",
    changes: [
      {
        file: "schedules/passing.ts",
        find: "if (skipped !== null) passed.push(skipped)",
        replace: "if (skipped === undefined) passed.push(skipped)",
      },
    ],
  },
  {
    name: "pause-forgets-ticks",
    what: "A schedule that is resumed does not account for what was planned while it was paused.",
    changes: [
      {
        file: "schedules/planChange.ts",
        find: "if (nextAt === null || nextAt > now) return []",
        replace: "if (nextAt !== undefined) return []",
      },
    ],
  },
  {
    name: "retime-keeps-pointer",
    what: "A schedule that is given another timing still fires once at an instant of the old one.",
    changes: [
      {
        file: "schedules/planChange.ts",
        find: "const nextAt = timing.next(now)\n  const rests",
        replace: "const nextAt = row.nextAt\n  const rests",
      },
    ],
  },
  {
    name: "retime-forgets-ticks",
    what: "A schedule that is given another timing does not account for what the old one had planned.",
    changes: [
      {
        file: "schedules/planChange.ts",
        find: "return { patch, passed: passedUntil(row, before, now, reasonOf(row)) }",
        replace: "return { patch, passed: [] }",
      },
    ],
  },
  {
    name: "held-tick-forgotten",
    what: "A tick that waits for the former job to end is not remembered.",
    changes: [
      {
        file: "sqlite/ticks.ts",
        find: "moved: { ...row, heldAt: at } }",
        replace: "moved: row }",
      },
    ],
  },
  {
    name: "overlap-sees-running-only",
    what: "A tick that must not overlap takes a former job that waits for its retry for one that has ended.",
    changes: [
      {
        file: "sqlite/ticks.ts",
        find: "return state !== undefined && state < FIRST_FINAL_STATE",
        replace: "return state === 2",
      },
    ],
  },
]
