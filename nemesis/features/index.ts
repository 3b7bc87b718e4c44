import { delayed } from "./delayed.ts"
import type { Feature } from "./feature.ts"
import { flaky } from "./flaky.ts"
import { late } from "./late.ts"
import { leadership } from "./leadership.ts"
import { limited } from "./limited.ts"
import { long } from "./long.ts"
import { narrow } from "./narrow.ts"
import { operated } from "./operated.ts"
import { plain } from "./plain.ts"
import { poison } from "./poison.ts"
import { scheduled } from "./scheduled.ts"
import { unique } from "./unique.ts"

/** Everything the fleet is given to do. A feature that is written is added here, and nowhere else. */
export const features: readonly Feature[] = [
  plain,
  delayed,
  late,
  unique,
  flaky,
  long,
  narrow,
  operated,
  poison,
  limited,
  leadership,
  scheduled,
]
