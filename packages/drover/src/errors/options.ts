import { DroverError } from "./droverError.ts"
import { show } from "./shown.ts"

// Further apart than this, a suggestion would be a guess.
const FARTHEST = 3

/**
 * Rejects options that do not exist: a misspelt option that is silently ignored is a limit that silently
 * does not hold.
 * @param given the options object as the caller wrote it.
 * @param known every name that is an option.
 * @param where what is configured, for the message: `"retry"`, `"queues.media"`.
 * @param advice what to write instead of names that people bring along from elsewhere.
 * @throws DroverError `DROVER_CONFIG` naming the unknown option and the nearest known one.
 */
export function checkOptions(
  given: unknown,
  known: readonly string[],
  where: string,
  advice: Readonly<Record<string, string>> = {},
): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    // A text may be an address with a password.
    const got = typeof given === "string" ? "a text" : show(given)
    throw new DroverError("DROVER_CONFIG", `${where}: expected an object of options, got ${got}`, {
      details: { where },
    })
  }
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const own = Object.hasOwn(advice, name) ? advice[name] : undefined
    const suggestion = own === undefined ? nearest(name, known) : undefined
    const hint =
      own ??
      (suggestion === undefined
        ? `known options: ${known.join(", ")}`
        : `did you mean "${suggestion}"?`)
    throw new DroverError("DROVER_CONFIG", `${where}: there is no option "${name}"; ${hint}`, {
      details: { where, option: name, suggestion },
    })
  }
}

/**
 * What an option says, or what holds when it says nothing. Only `undefined` says nothing: whoever writes `null` means
 * something by it, often "none", so it goes on to the check of the option, which refuses it.
 */
export function orDefault<T, D>(value: T | undefined, otherwise: D): T | D {
  return value === undefined ? otherwise : value
}

/** The known name that is most like `name`, or `undefined` when none is alike. For "did you mean" in messages. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.min(FARTHEST, Math.ceil(name.length / 2)) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

// Levenshtein distance, one row at a time. Names are short, so its square cost does not matter.
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
