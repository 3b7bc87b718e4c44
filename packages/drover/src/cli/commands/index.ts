import type { Command } from "../command.ts"
import { doctor } from "./doctor.ts"
import { enqueue } from "./enqueue.ts"
import { init } from "./init.ts"
import { jobs } from "./jobs.ts"
import { limits } from "./limits.ts"
import { migrate } from "./migrate.ts"
import { move } from "./move.ts"
import { queues } from "./queues.ts"
import { review } from "./review.ts"
import { schedules } from "./schedules.ts"
import { tail } from "./tail.ts"
import { work } from "./work.ts"
import { workers } from "./workers.ts"

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  init,
  migrate,
  work,
  enqueue,
  jobs,
  queues,
  limits,
  schedules,
  workers,
  tail,
  doctor,
  move,
  review,
]
