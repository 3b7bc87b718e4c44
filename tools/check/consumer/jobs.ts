import { defineJob, type JobDefinition } from "drover"

/** A Standard Schema by hand: whole numbers. */
const wholeNumber = {
  "~standard": {
    version: 1,
    vendor: "consumer",
    validate: (value: unknown) =>
      Number.isInteger(value)
        ? { value: value as number }
        : { issues: [{ message: "not a whole number" }] },
    types: { input: 0, output: 0 },
  },
} as const

type DoublingJob = JobDefinition<number, { readonly doubled: number }>

/** The same job three times, for a thread and a process of its own load other files of the package. */
export const jobs: readonly DoublingJob[] = (["inline", "thread", "process"] as const).map(
  (isolation) =>
    defineJob(`double.${isolation}`, {
      input: wholeNumber,
      isolation,
      module: import.meta.url,
      run: ({ input }) => ({ doubled: input * 2 }),
    }),
)
