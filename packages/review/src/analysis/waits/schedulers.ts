/** Where work is registered to run at certain times: cron libraries and timers of every language. */
import { walk } from "../../ir/children.ts"
import type { At, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { argNamed, dotted, receiverOf, rootOf } from "../program/names.ts"
import type { Located, Program } from "../program/program.ts"
import { resolveCall, resolveFunction } from "../program/resolve.ts"

export interface Registration {
  readonly at: At
  /** What runs. */
  readonly work: readonly Located[]
}

const MODULES =
  /^(?:node-cron|cron|croner|node-schedule|toad-scheduler|@nestjs\/schedule|(?:flask_)?apscheduler.*|schedule|rocketry|github\.com\/robfig\/cron.*|github\.com\/go-co-op\/gocron.*|github\.com\/jasonlvhit\/gocron|aiocron|huey.*)$/

const CALLS =
  /^(?:schedule|scheduleJob|CronJob|Cron|add_job|AddFunc|AddJob|NewJob|Do|do|cron|crontab|scheduled_job|every|scheduleWithFixedDelay)$/

const ANNOTATIONS =
  /^(?:.*\.)?(?:Scheduled|Cron|scheduled_job|cron|periodic_task|aiocron\.crontab|repeat_every|scheduler\.task)$/

/** Every registration of a file, in the order of the text. */
export function registrationsOf(program: Program, file: File): readonly Registration[] {
  const found: Registration[] = []
  for (const call of file.calls) {
    if (!CALLS.test(call.name) || !isOfScheduler(file, call.callee)) continue
    const inner = receiverOf(call)
    // `schedule.every(5).minutes.do(job)` is one registration, not two.
    if (call.name === "every" && !argNamed(call, "func")) continue
    if (inner && /\.every\(\)/.test(`.${dotted(inner)}`) && call.name !== "do") continue
    if (call.name === "NewJob" && isShared(program, file)) continue
    const given =
      argNamed(call, "func", "onTick") ??
      call.args.find(
        (arg) =>
          arg.kind === "lambda" ||
          isReference(program, file, arg) ||
          wrappedIn(program, file, arg) !== null,
      )
    const callback = given && (wrappedIn(program, file, given) ?? given)
    const work = callback ? resolveFunction(program, file, callback) : []
    if (work.length > 0) found.push({ at: call, work })
  }
  for (const fn of file.functions) {
    const annotation = fn.annotations.find((one) => ANNOTATIONS.test(one.name))
    if (annotation && isScheduling(file, annotation.name))
      found.push({ at: annotation, work: [{ file, fn }] })
  }
  return [...found, ...byTheClock(file)].sort((a, b) => a.at.start - b.at.start)
}

/** gocron's own locker or elector over instances, given to the scheduler where it is made. */
const SHARED = /\bWithDistributed(?:Elector|Locker|JobLocker)\(/

function isShared(program: Program, file: File): boolean {
  return program.evidence.find(file.path, SHARED, "sources", "gocron over instances") !== null
}

/** The time until the next day, hour or date, as each language writes it. */
const UNTIL_NEXT =
  /time\.Until\(\s*\w*(?:[nN]ext|[tT]arget|[mM]idnight|[tT]omorrow)|(?:next|target|midnight|tomorrow)\w*(?:\.getTime\(\)|\.valueOf\(\))?\s*-\s*\w*(?:now|Date\.now\(\)|datetime\.now)|(?:next|target|midnight|tomorrow)\w*\.Sub\(\s*\w*now/i

/** A loop that sleeps until the next time of the clock and then works: a timed job without a library. */
function byTheClock(file: File): Registration[] {
  if (!UNTIL_NEXT.test(file.text)) return []
  return file.functions.flatMap((fn): Registration[] => {
    if (!fn.body || fn.name === "main" || !UNTIL_NEXT.test(file.textOf(fn))) return []
    let loop: Node | null = null
    walk(fn.body, (node) => {
      if (node.kind === "function") return false
      const isOurs = node.kind === "loop" && UNTIL_NEXT.test(file.textOf(node))
      if (isOurs && waits(file, node)) loop ??= node
      return loop === null
    })
    return loop ? [{ at: loop, work: [{ file, fn }] }] : []
  })
}

function waits(file: File, loop: Node): boolean {
  return file.calls.some(
    (call) =>
      call.start >= loop.start &&
      call.end <= loop.end &&
      /^(?:[sS]leep|After|NewTimer|Reset|setTimeout|delay|wait|wait_for)$/.test(call.name),
  )
}

/** The job within `withCheckIn("digests", sendDigests)`; what a wrapper with a lock is given is let be. */
function wrappedIn(program: Program, file: File, node: Node): Node | null {
  if (node.kind !== "call" || /lock|leader|once|single|exclusive/i.test(node.name)) return null
  const guards = resolveCall(program, file, node).some(
    ({ file: from, fn }) =>
      fn.body !== null && /lock|leader|acquire|claim|once/i.test(from.textOf(fn.body)),
  )
  if (guards) return null
  return node.args.find((arg) => arg.kind === "lambda" || isReference(program, file, arg)) ?? null
}

function isReference(program: Program, file: File, node: Node): boolean {
  return (
    (node.kind === "name" || node.kind === "member") &&
    resolveFunction(program, file, node).length > 0
  )
}

function isOfScheduler(file: File, callee: Node): boolean {
  const root = rootOf(callee)
  if (root === null) return false
  const link = file.unit.imports.find((one) => one.local === root)
  // A scheduler that another file of the repository has made is known by what only schedulers have.
  if (link)
    return (
      MODULES.test(link.module) ||
      (/sched|cron/i.test(root) && /\.(?:add_job|AddFunc|AddJob)$/.test(dotted(callee)))
    )
  const imports = file.unit.imports.some((one) => MODULES.test(one.module))
  const name = dotted(callee)
  return (
    imports &&
    (/cron|sched|job/i.test(name) || /\.(?:AddFunc|AddJob|scheduled_job|add_job)$/.test(name))
  )
}

/** `@cron` of anything may mean anything; Spring's and Nest's are known by their import. */
function isScheduling(file: File, name: string): boolean {
  const last = name.split(".").at(-1)!
  if (last === "Scheduled") return file.language === "java" || file.language === "kotlin"
  return (
    file.unit.imports.some((one) => MODULES.test(one.module)) ||
    /^(?:scheduled_job|periodic_task|repeat_every)$/.test(last)
  )
}

/** The name that a reader knows a piece of work by. */
export function nameOfWork({ fn }: { readonly fn: Func }): string {
  return fn.name === "" ? "the job" : `\`${fn.name}\``
}
