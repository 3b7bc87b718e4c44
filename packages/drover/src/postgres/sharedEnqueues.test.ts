import { expect, test } from "vitest"
import { DroverError } from "../errors/index.ts"
import type { EnqueueOutcome, NewJob } from "../store/index.ts"
import { testJob } from "./fixtures/openTestStore.ts"
import { SharedEnqueues } from "./sharedEnqueues.ts"

/** A store that answers when told to, and what it was sent. */
function held(refuses: (job: NewJob) => DroverError | undefined = () => undefined): {
  readonly shared: SharedEnqueues
  readonly sent: (readonly NewJob[])[]
  answer(): void
} {
  const sent: (readonly NewJob[])[] = []
  const answers: (() => void)[] = []
  const send = (jobs: readonly NewJob[]): Promise<readonly EnqueueOutcome[]> =>
    new Promise((resolve, reject) => {
      sent.push(jobs)
      answers.push(() => {
        const refusal = jobs.map(refuses).find((error) => error !== undefined)
        if (refusal !== undefined) reject(refusal)
        else resolve(jobs.map(({ id }) => ({ id, status: "enqueued", state: "available" })))
      })
    })
  const shared = new SharedEnqueues(send, (a, b) => a.kind === b.kind)
  return { shared, sent, answer: () => answers.shift()?.() }
}

const ids = (jobs: readonly NewJob[] | undefined): readonly string[] =>
  (jobs ?? []).map(({ id }) => id)

test("an enqueue goes at once while others may, and what comes meanwhile goes together", async () => {
  const { shared, sent, answer } = held()
  const jobs = Array.from({ length: 6 }, () => testJob())
  const replies = jobs.map((job) => shared.enqueue([job]))
  expect(sent.map(ids)).toEqual([[jobs[0]!.id], [jobs[1]!.id]])
  answer()
  await replies[0]
  while (sent.length < 3) await Promise.resolve()
  expect(ids(sent[2])).toEqual(jobs.slice(2).map(({ id }) => id))
  answer()
  answer()
  const outcomes = await Promise.all(replies)
  expect(outcomes.map(([outcome]) => outcome?.id)).toEqual(jobs.map(({ id }) => id))
})

test("what cannot share a statement does not, and none of it is forgotten", async () => {
  const { shared, sent, answer } = held()
  const jobs = ["a", "a", "b", "a", "b"].map((kind) => testJob({ kind }))
  const replies = jobs.map((job) => shared.enqueue([job]))
  for (const reply of replies) {
    answer()
    answer()
    await reply
  }
  expect(sent.map((batch) => batch.map(({ kind }) => kind))).toEqual([
    ["a"],
    ["a"],
    ["b", "b"],
    ["a"],
  ])
})

test("jobs of one call that differ go by themselves and wait for nobody", () => {
  const { shared, sent } = held()
  void shared.enqueue([testJob()])
  void shared.enqueue([testJob()])
  void shared.enqueue([testJob({ kind: "a" }), testJob({ kind: "b" })])
  expect(sent[2]).toHaveLength(2)
})

test("one caller's job that is refused fails that caller alone", async () => {
  const bad = testJob()
  const refusal = new DroverError("DROVER_STORE_QUERY", "no")
  const { shared, sent, answer } = held(({ id }) => (id === bad.id ? refusal : undefined))
  const replies = [testJob(), testJob(), testJob(), bad, testJob()].map((job) =>
    shared.enqueue([job]),
  )
  const all = Promise.allSettled(replies)
  let ended = false
  void all.then(() => (ended = true))
  while (!ended) {
    answer()
    await Promise.resolve()
  }
  expect((await all).map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ])
  expect(sent.map((jobs) => jobs.length)).toEqual([1, 1, 3, 1, 1, 1])
})

test("a database that is away fails everybody at once, without asking again for each", async () => {
  const away = new DroverError("DROVER_STORE_UNREACHABLE", "away")
  const { shared, sent, answer } = held(() => away)
  const replies = Array.from({ length: 5 }, () => shared.enqueue([testJob()]))
  const all = Promise.allSettled(replies)
  answer()
  answer()
  await Promise.allSettled(replies.slice(0, 2))
  answer()
  expect((await all).every(({ status }) => status === "rejected")).toBe(true)
  expect(sent.map((jobs) => jobs.length)).toEqual([1, 1, 3])
})
