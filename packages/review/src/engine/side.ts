/** One tree of a review: its texts, its sources, and the program that is made of them when somebody looks something up. */
import type { Services } from "../analysis/program/evidence.ts"
import { NOTHING_KNOWN, type KnownNames } from "../analysis/program/known.ts"
import { Program } from "../analysis/program/program.ts"
import type { TextFile } from "../files/tree.ts"
import type { SievedSource } from "./analyse.ts"
import type { Mentions } from "./mentions.ts"
import { isEvidence, isSourcePath } from "./wanted.ts"

export class Side {
  /** Source files, in the order of `sources`. */
  readonly files: readonly TextFile[]
  readonly evidence: readonly TextFile[]
  readonly texts: ReadonlyMap<string, TextFile>
  readonly isFleet: boolean | undefined
  readonly known: KnownNames
  readonly services: Services | undefined
  sources: readonly SievedSource[] = []
  /** Of this tree and of the one that it is compared with. */
  mentions: Mentions | null = null
  #program: Program | null = null

  constructor(
    files: readonly TextFile[],
    options: {
      readonly isFleet?: boolean | undefined
      readonly known?: KnownNames | undefined
      readonly services?: Services | undefined
    },
  ) {
    this.files = files.filter(({ path }) => isSourcePath(path))
    this.evidence = files.filter(({ path, text }) => isEvidence(path, text))
    // Data that is neither is let go.
    this.texts = new Map([...this.files, ...this.evidence].map((file) => [file.path, file]))
    this.isFleet = options.isFleet
    this.known = options.known ?? NOTHING_KNOWN
    this.services = options.services
  }

  get program(): Program {
    this.#program ??= new Program({
      sources: this.sources,
      evidence: this.evidence,
      known: this.known,
      mentioning: this.mentions ? (word) => this.mentions!.among(this.sources, word) : undefined,
      services: this.services,
      ...(this.isFleet === undefined ? {} : { isFleet: this.isFleet }),
    })
    return this.#program
  }
}
