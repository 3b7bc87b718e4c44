import type { Mutant } from "./mutant.ts"

/** Planted bugs in who leads and what only the leader does. Most were met, or nearly, in River. */
export const leadershipMutants: readonly Mutant[] = [
  {
    name: "resign-without-term",
    what: "A resignation ends whatever term there is, so one that arrives late ends that of another.",
    changes: [
      {
        file: "sqlite/generated/queries.ts",
        find: "set token = null, until_at = ?1\nwhere term = ?2 and token = ?3 and until_at > ?1",
        replace:
          "set token = null, until_at = ?1\nwhere ?2 > 0 and ?3 is not null and until_at > ?1",
      },
    ],
  },
  {
    name: "stop-without-term-check",
    what: "A start that fails after its term has ended gives up the term that this client holds by then.",
    changes: [
      {
        file: "maintenance/termMaintenance.ts",
        find: "      if (term.end === undefined) onGivenUp(error)\n",
        replace: "      onGivenUp(error)\n",
      },
      {
        file: "leadership/elector.ts",
        find: "    if (term !== this.#term || term.end !== undefined) return\n",
        replace: "    const held = this.#term\n    if (held === undefined) return\n",
      },
      {
        file: "leadership/elector.ts",
        find: '    term.resign(new DroverError("DROVER_TERM_ENDED", text, { cause }))',
        replace: '    held.resign(new DroverError("DROVER_TERM_ENDED", text, { cause }))',
      },
      // What comes late must come at all: here nobody stops waiting for a hook.
      {
        file: "maintenance/termMaintenance.ts",
        find: "{ clock, rng, signal: term.signal, timeout: startTimeoutMs }",
        replace: "{ clock, rng, timeout: 10 * startTimeoutMs }",
      },
      {
        file: "maintenance/termMaintenance.ts",
        find: '      await answered(clock, call, { ms: startTimeoutMs, what: "onMaintenanceStart", signal })',
        replace: "      await call",
      },
    ],
  },
  {
    name: "retry-in-the-consumer",
    what: "Whoever hears of elections starts the maintenance itself, so it hears of nothing while a start hangs.",
    changes: [
      {
        file: "maintenance/maintainer.ts",
        find: "  moved({ to, term }: Transition): void {",
        replace: "  moved({ to, term }: Transition): any {",
      },
      {
        file: "maintenance/maintainer.ts",
        find: "    this.singletons.begin(term)\n",
        replace: "    this.singletons.begin(term)\n    return maintenance.gone\n",
      },
      {
        file: "maintenance/termMaintenance.ts",
        find: "      await this.#keepRunning()\n",
        replace:
          "      await this.#options.onMaintenanceStart?.({ term: term.ref, signal: term.signal })\n      await this.#keepRunning()\n",
      },
    ],
  },
  {
    name: "generic-abort-reason",
    what: "What runs under a term is aborted without a reason that says why.",
    changes: [
      {
        file: "leadership/term.ts",
        find: "    this.#abort.abort(reason)\n",
        replace: "    this.#abort.abort(reason === undefined ? reason : undefined)\n",
      },
    ],
  },
  {
    name: "no-stand-back",
    what: "A client whose maintenance failed bids again at once, and wins.",
    changes: [
      {
        file: "leadership/standBack.ts",
        find: "    this.#untilMono = nowMono + forMs\n",
        replace: "    this.#untilMono = nowMono\n",
      },
    ],
  },
  {
    name: "start-outside-the-guard",
    what: "A start goes on after its term has ended, and knows nothing of what else was started meanwhile.",
    changes: [
      {
        file: "maintenance/termMaintenance.ts",
        find: "Promise.all([predecessors, this.#services])",
        replace: "Promise.race([predecessors, this.#services, 0])",
      },
      {
        file: "maintenance/termMaintenance.ts",
        find: '      await answered(clock, call, { ms: startTimeoutMs, what: "onMaintenanceStart", signal })',
        replace: "      await call",
      },
      {
        file: "maintenance/termMaintenance.ts",
        find: "    signal.throwIfAborted()\n    const running",
        replace: "    const running",
      },
      {
        file: "maintenance/termMaintenance.ts",
        find: "      if (term.signal.aborted) onTermOver()\n",
        replace: "",
      },
    ],
  },
  {
    name: "unfenced-maintenance-write",
    what: "Writes of the leader do not ask whether its term lives.",
    changes: [
      {
        file: "sqlite/terms.ts",
        find: '  return tx.statements.first("live_term", term, token, tx.now) !== undefined',
        replace:
          '  return term > 0 || tx.statements.first("live_term", term, token, tx.now) !== undefined',
      },
    ],
  },
]
