/** cron-without-leader: every instance does what one should. */
import { withoutComments } from "../analysis/program/comments.ts"
import type { Witness } from "../analysis/program/evidence.ts"
import type { File } from "../analysis/program/file.ts"
import { idleLockOf } from "../analysis/leadership/idleLocks.ts"
import { deploymentOf, instancesOf } from "../analysis/program/instances.ts"
import {
  makesNew,
  type Mutation,
  mutationWithin,
  takesAway,
} from "../analysis/effects/mutations.ts"
import { dotted } from "../analysis/program/names.ts"
import type { Located, Program } from "../analysis/program/program.ts"
import { resolveCall } from "../analysis/program/resolve.ts"
import { nameOfWork, registrationsOf } from "../analysis/waits/schedulers.ts"
import { walk } from "../ir/children.ts"
import type { At, Func } from "../ir/nodes.ts"
import type { Draft, Rule } from "./rule.ts"

/** What lets one instance through: locks, leaders, claims. Looked for in names, annotations and SQL. */
const ONE_OF_MANY =
  /(?<![bcBC]|unb|UNB)lock(?!down)|Lock|LOCK(?!DOWN)|leader(?!board)|Leader(?!board)|\b[eE]lect|[eE]lection|[sS]ingleton|[cC]laim|[aA]cquire|[sS]emaphore|[sS]et_?(?:NX|nx|Nx)|setIfAbsent|\bNX\b|\bnx\b|(?:on|ON) (?:conflict|CONFLICT)|[iI]dempoten|[dD]edup|unique_?(?:key|violation|constraint)|[uU]nique(?:Key|Violation|Constraint|Id)|[dD]uplicate_?[kK]ey|E11000|\bis_?[pP]rimary|[aA]dvisory|[qQ]uartz|\bonce\b|[a-z]Once\b|[uU]psert|[tT]ry_?[sS]et|\b(?:is|am)_?\w{0,40}(?:Mine|_mine)\b|\b(?:is|am)_?[mM]y_?[A-Z]|[sS]harding|\b(?:n?ack|acknowledge)\b|[sS]hard(?:Item|Index|Key|_item|_index)|[rR]esponsible/

/** Locks of one process let every process through. */
const IN_PROCESS =
  /\b\w{0,20}(?:mu|mutex|Mutex|mtx)\.(?:R?Lock|R?Unlock|lock|unlock|acquire|release|runExclusive)\b|\b(?:asyncio|threading|multiprocessing)\.(?:R?Lock|Semaphore)\b|\bReentrantLock\b|\bsync\.(?:\w*Mutex|Once)\b|\b\w{0,30}[oO]nce\.Do\b|\bsynchronized\b/g

/** What is measured twice is measured. */
const ASIDE = /telemetry|metric|analytics|statistic|heart_?beat|health|warm_?up/i

const STEPS = 3

export const cronWithoutLeader: Rule = {
  id: "cron-without-leader",
  title: "Cron in every instance",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /[cC]ron|[sS]chedul|periodic_task|repeat_every|time\.Until|total_seconds/,
  docs: {
    what: "A program that runs in several instances registers a timed job that changes something (or sleeps until the next time of the clock and then does it), and nothing lets only one instance run it.",
    why: "Each instance does it at the same moment: invoices are sent twice, rows are processed twice, and the database gets all of them at once.",
    silent: [
      "The job takes a lock, asks whether it leads, or claims its work by a condition, itself or in what it calls.",
      "It only reads, or only touches what is the instance's own.",
      "It only takes away what is old, unless a number of replicas says that several instances run.",
      "A setting turns it on: whoever runs several instances can let one of them do it.",
      "Nothing says that several instances run (replicas, worker processes, a lock over instances elsewhere), and it sends no letters, moves no money and makes nothing new, or is not deployed as a service: then it is of tier context.",
    ],
    reach: {
      sees: [
        "In TypeScript node-cron, cron, croner, node-schedule, toad-scheduler's CronJob and Nest's `@Cron`; in Go robfig/cron and gocron; in Python APScheduler, schedule, aiocron, Huey's and Celery's `@periodic_task`, and `@repeat_every`; in Java and Kotlin `@Scheduled` of any framework.",
        "In Go and Python a loop that sleeps until the next time of the clock (`time.Until(next)`, `(target - now).total_seconds()`) and then works.",
        "What the job changes, itself and up to three calls deep: rows, documents, messages, mail, money, and calls to other machines with a verb of changing.",
        "What lets one through, as far away: words of locks, leaders, claims, NX, ON CONFLICT, upserts, unique keys, sharding; locks of one process do not count.",
        "ShedLock's `@SchedulerLock` of Spring that nothing reads, because no `@EnableSchedulerLock` and no LockProvider stands anywhere.",
        "Signs of several instances: replicas and autoscaling of Kubernetes, compose and Terraform, workers of gunicorn and uvicorn, PM2, locks over instances elsewhere in the service, documents that speak of replicas; else of a deployment (Dockerfile, Deployment, Procfile).",
      ],
      misses: [
        "Timers that are no schedule: `setInterval`, Java's ScheduledExecutorService, a Go ticker, a loop of TypeScript that sleeps until midnight.",
        "Schedules that are kept elsewhere: Celery's `beat_schedule`, Quartz, CronJobs of Kubernetes and of clouds.",
        "Whether the platform runs one instance, where nothing in the repository says so.",
      ],
    },
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
        if (!one.fn.body || isSwitched(file, at)) continue
        const effect =
          mutationWithin(program, one.file, one.fn.body, STEPS, (found) => !takesAway(found)) ??
          mutationWithin(program, one.file, one.fn.body, STEPS)
        if (!effect || isForOne(program, one, STEPS, effect.via.end)) continue
        report(
          draftOf(
            program,
            file,
            at,
            one,
            effect.isGrave ? effect : newMadeBy(program, one, effect),
          ),
        )
      }
    }
  },
}

/** What the job makes anew, where something keeps only the rest of it to one instance. */
function newMadeBy(program: Program, { file, fn }: Located, effect: Mutation): Mutation {
  const made = fn.body && mutationWithin(program, file, fn.body, STEPS, makesNew)
  return made && !isForOne(program, { file, fn }, STEPS, made.via.end) ? made : effect
}

function draftOf(program: Program, file: File, at: At, work: Located, effect: Mutation): Draft {
  const isGrave = effect.isGrave || /pay|charge|bill|invoice|mail|notif|remind/i.test(work.fn.name)
  const isHarmless = takesAway(effect)
  const idle = work.file === file ? idleLockOf(program, file, work.fn) : null
  const several = isHarmless ? program.evidence.fleet(file.path) : instancesOf(program, file.path)
  // A letter or a row that comes twice is seen, and a new version starts before the old one has ended.
  const isSeen = isGrave || (makesNew(effect) && !ASIDE.test(`${file.path} ${work.fn.name}`))
  const deployed = !several && isSeen ? deploymentOf(program, file.path) : null
  const shown = (one: Witness): string => `${one.path}:${one.line} ${one.text}`
  return {
    at,
    tier: several || deployed ? "likely" : "context",
    severity: several ? (isGrave ? "high" : "medium") : deployed && isGrave ? "medium" : "low",
    message: deployed
      ? `every instance that runs does ${nameOfWork(work)}: with a second one, and while a new version takes over, it comes twice`
      : `every instance runs ${nameOfWork(work)} at the same time: nothing lets only one do it`,
    because: [
      { text: "registered in every instance", at },
      {
        text: `changes something that all share: ${dotted(effect.call.callee)}`,
        at: effect.call,
        file: effect.file,
      },
      ...(idle
        ? [{ text: "this locks nothing: no `@EnableSchedulerLock` and no LockProvider", at: idle }]
        : []),
      ...(several
        ? [{ text: `several instances run, or are reckoned with: ${shown(several)}` }]
        : []),
      ...(deployed ? [{ text: `it is deployed as a service: ${shown(deployed)}` }] : []),
    ],
    checked: [
      `no lock, leader or claim within ${STEPS} calls of the job`,
      idle ? "nothing reads the annotation that should lock it" : "no annotation that locks it",
      ...(several ? [] : ["nothing was found that says that several instances run"]),
    ],
  }
}

const SWITCH =
  /worker|primary|master|leader|\brole|instance|(?:enable|run|start|disable|with|use|is)_?(?:the_?)?(?:cron|sched|job|background|task)|(?:cron|scheduler?|jobs?|tasks?)_?\w{0,12}(?:enabled|disabled|on\b|off\b)/i

/** A job that a setting turns on: whoever runs several can let one of them do it. */
function isSwitched(file: File, at: At): boolean {
  const call = file.calls.find((one) => one.start === at.start && one.end === at.end)
  if (!call) return false
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind !== "if") continue
    if (SWITCH.test(file.textOf(outer.test))) return true
  }
  return false
}

/** Whether anything on the way says that one of many is let through; what comes after the effect no longer does. */
function isForOne(
  program: Program,
  { file, fn }: Located,
  steps: number,
  until: number = Infinity,
  seen = new Set<Func>(),
): boolean {
  if (seen.has(fn)) return false
  seen.add(fn)
  const idle = idleLockOf(program, file, fn)
  const text = withoutComments(file, (idle && fn.body) ?? fn).replaceAll(IN_PROCESS, "")
  if (
    fn.annotations.some((one) => one !== idle && ONE_OF_MANY.test(one.name)) ||
    ONE_OF_MANY.test(text)
  )
    return true
  if (steps === 0 || !fn.body) return false
  let found = false
  walk(fn.body, (node) => {
    if (!found && node.kind === "call" && node.start < until) {
      found = resolveCall(program, file, node).some((target) =>
        isForOne(program, target, steps - 1, Infinity, seen),
      )
    }
    return !found
  })
  return found
}
