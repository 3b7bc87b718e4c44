/** cron-without-leader: every instance does what one should. */
import { mutationWithin } from "../analysis/mutations.ts"
import type { File } from "../analysis/file.ts"
import { dotted } from "../analysis/names.ts"
import type { Located, Program } from "../analysis/program.ts"
import { resolveCall } from "../analysis/resolve.ts"
import { nameOfWork, registrationsOf } from "../analysis/schedulers.ts"
import { walk } from "../ir/children.ts"
import type { Func } from "../ir/nodes.ts"
import type { Rule } from "./rule.ts"

/** What lets one instance through: locks, leaders, claims. Looked for in names, annotations and SQL. */
const ONE_OF_MANY =
  /lock|leader|\belect|[eE]lection|skip locked|singleton|claim|acquire|mutex|semaphore|set_?nx|setifabsent|on conflict|idempoten|dedup|unique|is_?primary|advisory|quartz|shed|once|upsert|try_?set/i

const STEPS = 3

export const cronWithoutLeader: Rule = {
  id: "cron-without-leader",
  title: "Cron in every instance",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /[cC]ron|[sS]chedul|periodic_task|repeat_every/,
  docs: {
    what: "A program that runs in several instances registers a timed job that changes something, and nothing lets only one instance run it.",
    why: "Each instance does it at the same moment: invoices are sent twice, rows are processed twice, and the database gets all of them at once.",
    silent: [
      "The job takes a lock, asks whether it leads, or claims its work by a condition, itself or in what it calls.",
      "It only reads, or only touches what is the instance's own.",
      "Nothing says that several instances run: then it is of tier context.",
    ],
    fix: "Let one instance run it: a lock with an owner and an expiry, a leader, a claim by a unique (job, tick) row, or a scheduler that all instances share.",
    reference: "https://github.com/lukas-krecan/ShedLock#readme",
    examples: {
      go: {
        bad: 'c := cron.New()\nc.AddFunc("0 9 * * *", func() { billing.ChargeAll(ctx, db) })',
        good: 'c.AddFunc("0 9 * * *", func() {\n\tif locks.TryAcquire(ctx, "charge", today) {\n\t\tbilling.ChargeAll(ctx, db)\n\t}\n})',
      },
      python: {
        bad: 'scheduler.add_job(send_digests, "cron", hour=9)',
        good: 'def send_digests():\n    with redis.lock("digests", timeout=600):\n        mailer.send_all()',
      },
      typescript: {
        bad: 'cron.schedule("0 9 * * *", () => mailer.sendDigests())',
        good: 'cron.schedule("0 9 * * *", async () => {\n  if (await locks.tryAcquire(`digest:${today()}`)) await mailer.sendDigests()\n})',
      },
      java: {
        bad: '@Scheduled(cron = "0 0 9 * * *")\npublic void sendDigests() {\n  mailer.sendAll();\n}',
        good: '@Scheduled(cron = "0 0 9 * * *")\n@SchedulerLock(name = "digests", lockAtMostFor = "10m")\npublic void sendDigests() {\n  mailer.sendAll();\n}',
      },
      kotlin: {
        bad: '@Scheduled(cron = "0 0 9 * * *")\nfun sendDigests() {\n  mailer.sendAll()\n}',
        good: '@Scheduled(cron = "0 0 9 * * *")\n@SchedulerLock(name = "digests", lockAtMostFor = "10m")\nfun sendDigests() {\n  mailer.sendAll()\n}',
      },
    },
  },
  check(file, program, report) {
    for (const { at, work } of registrationsOf(program, file)) {
      for (const one of work) {
        if (!one.fn.body || isForOne(program, one, STEPS)) continue
        const effect = mutationWithin(program, one.file, one.fn.body, STEPS)
        if (!effect) continue
        const fleet = program.evidence.fleet(file.path)
        const isGrave = effect.isGrave || /pay|charge|bill|invoice|mail|notif/i.test(one.fn.name)
        report({
          at,
          tier: fleet ? "likely" : "context",
          severity: fleet ? (isGrave ? "high" : "medium") : "low",
          message: `every instance runs ${nameOfWork(one)} at the same time: nothing lets only one do it`,
          because: [
            { text: "registered in every instance", at },
            {
              text: `changes something that all share: ${dotted(effect.call.callee)}`,
              at: effect.call,
              file: effect.file,
            },
            ...(fleet
              ? [{ text: `several instances run: ${fleet.path}:${fleet.line} ${fleet.text}` }]
              : []),
          ],
          checked: [
            `no lock, leader or claim within ${STEPS} calls of the job`,
            "no annotation that locks it",
            ...(fleet ? [] : ["nothing was found that says that several instances run"]),
          ],
        })
      }
    }
  },
}

/** Whether anything on the way says that one of many is let through. */
function isForOne(
  program: Program,
  { file, fn }: Located,
  steps: number,
  seen = new Set<Func>(),
): boolean {
  if (seen.has(fn)) return false
  seen.add(fn)
  if (
    fn.annotations.some((one) => ONE_OF_MANY.test(one.name)) ||
    ONE_OF_MANY.test(withoutComments(file, fn))
  )
    return true
  if (steps === 0 || !fn.body) return false
  let found = false
  walk(fn.body, (node) => {
    if (!found && node.kind === "call") {
      found = resolveCall(program, file, node).some((target) =>
        isForOne(program, target, steps - 1, seen),
      )
    }
    return !found
  })
  return found
}

/** A comment that speaks of a lock is none. */
function withoutComments(file: File, fn: Func): string {
  let text = ""
  let at = fn.start
  for (const comment of file.unit.comments) {
    if (comment.start < at || comment.end > fn.end) continue
    text += file.text.slice(at, comment.start)
    at = comment.end
  }
  return text + file.text.slice(at, fn.end)
}
