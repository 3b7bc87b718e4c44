import type { Mutant } from "./mutant.ts"

/** Bugs of limits. */
export const limitMutants: readonly Mutant[] = [
  {
    name: "limit-counted-before",
    what: "A claim goes by what its process counted in the claim before, not by what runs now.",
    changes: [
      {
        file: "sqlite/meters.ts",
        find: "class ClaimMeter implements Meter {",
        replace:
          "const counts = new WeakMap()\n\nfunction countBefore(limits, id, now) {\n  const known = counts.get(limits) ?? new Map()\n  counts.set(limits, known)\n  const before = known.get(id)\n  known.set(id, now)\n  return before ?? now\n}\n\nclass ClaimMeter implements Meter {",
      },
      {
        file: "sqlite/meters.ts",
        find: 'this.#before = tx.statements.first("count_uses", limit.id, key)?.[0] as number',
        replace:
          'this.#before = countBefore(tx.limits, `${limit.id} ${key}`, tx.statements.first("count_uses", limit.id, key)?.[0])',
      },
    ],
  },
  {
    name: "rescue-keeps-mark",
    what: "A rescue hands jobs back and leaves the jobs standing aside that wait for their keys.",
    changes: [
      {
        file: "sqlite/handBack.ts",
        find: "freeKeys(tx, ",
        replace: 'if (cause.actor !== "rescue") freeKeys(tx, ',
      },
    ],
  },
  {
    name: "token-bucket",
    what: "A rate is a bucket of tokens that fills evenly, so nearly twice the limit starts around a full one.",
    changes: [
      {
        file: "sqlite/meters.ts",
        find: "class ClaimMeter implements Meter {",
        replace:
          "const buckets = new Map()\n\nfunction tokensOf(tx, limit, key) {\n  const max = maxOf(limit)\n  const known = buckets.get(`${limit.id} ${key}`)\n  // From a run before.\n  if (known === undefined || known.at > tx.now) return max\n  return Math.min(max, known.left + ((tx.now - known.at) * max) / lengthOf(limit))\n}\n\nclass ClaimMeter implements Meter {",
      },
      {
        file: "sqlite/meters.ts",
        find: "  const first = tx.statements.first(",
        replace:
          "  return { used: maxOf(limit) - Math.floor(tokensOf(tx, limit, key)), total }\n  const first = tx.statements.first(",
      },
      {
        file: "sqlite/meters.ts",
        find: "    const { statements, now } = this.#tx\n",
        replace:
          "    const { statements, now } = this.#tx\n    const left = tokensOf(this.#tx, this.limit, this.key) - this.#taken\n    buckets.set(`${this.limit.id} ${this.key}`, { left, at: now })\n",
      },
    ],
  },
  {
    name: "window-on-the-minute",
    what: "Windows begin at whole multiples of their length, so twice the limit starts around such an instant.",
    changes: [
      {
        file: "sqlite/meters.ts",
        find: 'tx.statements.first("window_start", limit.id, key, tx.now - lengthOf(limit))',
        replace:
          'tx.statements.first("window_start", limit.id, key, tx.now - (tx.now % lengthOf(limit)) - 1)',
      },
      {
        file: "sqlite/meters.ts",
        find: "?? tx.now) + perMs",
        replace: "?? tx.now) * 0 + tx.now - (tx.now % perMs) + perMs",
      },
    ],
  },
  {
    name: "blocked-key-blocks-others",
    what: "A claim ends at the first job whose key has no room.",
    changes: [
      {
        file: "sqlite/limitedClaim.ts",
        find: '    group.leave(from)\n    this.#tx.statements.run("block_track"',
        replace: '    group.clear()\n    this.#tx.statements.run("block_track"',
      },
    ],
  },
  {
    name: "lowering-ignored",
    what: "A process goes on with the highest value of a limit that it has seen.",
    changes: [
      {
        file: "sqlite/meters.ts",
        find: "class ClaimMeter implements Meter {",
        replace:
          "const highest = new WeakMap()\n\nfunction highestOf(limits, limit) {\n  const known = highest.get(limits) ?? new Map()\n  highest.set(limits, known)\n  const max = Math.max(maxOf(limit), known.get(limit.name) ?? 0)\n  known.set(limit.name, max)\n  return max\n}\n\nclass ClaimMeter implements Meter {",
      },
      {
        file: "sqlite/meters.ts",
        find: "Math.max(0, maxOf(this.limit) - this.#before - this.#taken)",
        replace: "Math.max(0, highestOf(this.#tx.limits, this.limit) - this.#before - this.#taken)",
      },
    ],
  },
  {
    name: "raise-keeps-mark",
    what: "A limit that is raised leaves the jobs standing aside that the lower one held back.",
    changes: [
      {
        file: "sqlite/limitSettings.ts",
        find: 'tx.statements.run("unblock_limit", stored.id)',
        replace: "",
      },
    ],
  },
  {
    name: "limit-begins-empty",
    what: "A limit that begins does not count what runs already.",
    changes: [
      {
        file: "sqlite/limitSettings.ts",
        find: ' else if (limit.type === "concurrency" && old === undefined) useWhatRuns(tx, [limit])',
        replace: "",
      },
    ],
  },
  {
    name: "retry-is-no-start",
    what: "Only a job's first attempt counts as a start under a rate.",
    changes: [
      {
        file: "sqlite/meters.ts",
        find: "    this.#taken += 1\n",
        replace: '    if (this.limit.type === "concurrency" || attempt === 1) this.#taken += 1\n',
      },
    ],
  },
  {
    name: "turns-by-rank",
    what: "The keys of a fair queue do not take turns: who came first goes on until nothing of it waits.",
    changes: [
      {
        file: "sqlite/turnGroup.ts",
        find: "return [this.#turnOf(source), source.rank, source.seq]",
        replace: "return [0, source.rank, source.seq]",
      },
    ],
  },
  {
    name: "turns-saved-up",
    what: "A key of a fair queue that comes late, or comes back, has all the turns that it did not have before.",
    changes: [
      {
        file: "sqlite/tracks.ts",
        find: "return Math.max(lastTurnOf(tx, limit), own)",
        replace: "return own",
      },
      {
        file: "sqlite/turnGroup.ts",
        find: "this.#lastTurn = lastTurnOf(tx, fair)",
        replace: "this.#lastTurn = 0",
      },
    ],
  },
]
