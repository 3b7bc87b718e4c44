import { median } from "../measure.ts"
import type { Figure } from "../measure.ts"
import { baselineName } from "./systems.ts"

/** One line of the comparison. */
export interface PeerFigure extends Figure {
  readonly system: string
  /** Every round, in order. */
  readonly rounds: readonly number[]
}

type Better = "more" | "less"

/** Collects what each system did in each round of one measure, and prints it beside Drover on Postgres. */
export class Report {
  readonly #json: boolean

  constructor(json: boolean) {
    this.#json = json
  }

  /**
   * Prints one measure of all systems. `raw` is the baseline's figure in the same run and `ratio` how many times
   * better the baseline is: the middle of the ratios round by round, because the systems of a round ran side by side
   * in time.
   */
  print(
    name: string,
    unit: string,
    better: Better,
    bySystem: ReadonlyMap<string, readonly number[]>,
  ): void {
    const baseline = bySystem.get(baselineName)
    if (!this.#json) console.log(`\n${name}, ${unit}`)
    for (const [system, rounds] of bySystem) {
      if (rounds.length === 0) continue
      const ratios = rounds.map((value, round) => {
        const other = baseline?.[round] ?? Number.NaN
        return better === "more" ? other / value : value / other
      })
      const ratio = median(ratios.filter((value) => Number.isFinite(value)))
      this.#line({
        name: `${name}: ${system}`,
        system,
        value: significant(median(rounds)),
        unit,
        raw: baseline === undefined ? null : significant(median(baseline)),
        ratio: Number.isFinite(ratio) ? Math.round(ratio * 100) / 100 : null,
        rounds: rounds.map(significant),
      })
    }
  }

  /** What is not a figure: who takes part, with what, and who does not. */
  note(text: string): void {
    if (this.#json) console.error(text)
    else console.log(text)
  }

  #line(figure: PeerFigure): void {
    if (this.#json) {
      console.log(JSON.stringify(figure))
      return
    }
    const spread = figure.rounds.length > 1 ? `  (${figure.rounds.join(", ")})` : ""
    const ratio = figure.ratio === null ? "" : `${figure.ratio} x`
    console.log(
      `  ${figure.system.padEnd(24)} ${String(figure.value).padStart(9)} ${ratio.padStart(9)}${spread}`,
    )
  }
}

function significant(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(3)) : value
}
