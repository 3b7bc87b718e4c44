/** interval-overlap: the next round starts while the last one still runs. */
import { numberOf } from "../analysis/program/constants.ts"
import { leaves } from "../analysis/program/failures.ts"
import type { File } from "../analysis/program/file.ts"
import { asksItself, holdsBack, isGuarded } from "../analysis/sharing/guards.ts"
import { boundNames } from "../analysis/sharing/heldLocks.ts"
import { dotted } from "../analysis/program/names.ts"
import type { Located, Program } from "../analysis/program/program.ts"
import { resolveCall, resolveFunction } from "../analysis/program/resolve.ts"
import { spawnsIn, workOf } from "../analysis/waits/spawns.ts"
import { targetOf, targetWithin } from "../analysis/program/targets.ts"
import { type Wait, waitsOf } from "../analysis/waits/waits.ts"
import { walk } from "../ir/children.ts"
import type { Call, Func, Loop, Node } from "../ir/nodes.ts"
import type { Draft, Rule } from "./rule.ts"

/** Calls whose repetition changes nothing: two at once are as good as one. */
const IDEMPOTENT =
  /heart_?beat|keep_?alive|ping|touch|renew|extend|health|metric|stats|report|log|gauge|probe|\bp?expire$/i

/** Rounds that only read anew: two at once waste a query and break nothing. */
const REFRESH =
  /^(?:count|size|stats|cache|refresh|reload|load|get|check|monitor|measure|sample|collect|observe|watch|detect|compute|calc)/i

export const intervalOverlap: Rule = {
  id: "interval-overlap",
  title: "Interval that overlaps itself",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /setInterval|[tT]icker|time\.Tick|create_task|ensure_future|@Scheduled|scheduleAtFixedRate|launch|submit|execute|runAsync|\bgo (?:func|\w+[.(])/,
  docs: {
    what: "A timer starts work over the network at a fixed beat and does not wait for it, nor look whether the last round still runs.",
    why: "When the database or the network is slow, rounds pile up: the same rows are read and written by several rounds at once, and the load grows just when there is least room for it.",
    silent: [
      "A flag, a lock or a queue in the callback, or in the call that does the work, lets one round run at a time.",
      "The scheduler itself waits for the round: a timer armed anew at its end, Java's scheduleAtFixedRate.",
      "The work is a heartbeat or renews a lease, or stays within the process.",
    ],
    reach: {
      sees: [
        "In TypeScript `setInterval` whose callback waits for, or lets float, work that goes over the network, up to three calls deep.",
        "In Go, Python, Java and Kotlin work that is started and left (`go`, `create_task`, `ensure_future`, executors, `runAsync`, `launch`) by a loop with a ticker or a pause.",
        "In Java and Kotlin `scheduleAtFixedRate` whose task starts work elsewhere, and Spring's `@Async @Scheduled`.",
        "Guards, also two calls deep: a flag that is tested and switched on and off, a set of what runs, locks, semaphores, `compareAndSet`, `SetNX`, a conditional update.",
      ],
      misses: [
        "Cron libraries of JavaScript and Python, which start a round beside the last one too.",
        "A guard that another file's middleware or wrapper of the scheduler puts around the round.",
        "How long a round takes: intervals of an hour and more, and rounds that only read, are of tier context.",
      ],
    },
    fix: "Arm a timer anew when the round has ended, or leave the round out while a flag (cleared in finally) says that one runs.",
    reference:
      "https://developer.mozilla.org/en-US/docs/Web/API/Window/setInterval#ensure_that_execution_duration_is_shorter_than_interval_frequency",
    examples: {
      go: {
        bad: "for range ticker.C {\n\tgo syncOrders(ctx, db)\n}",
        good: "for range ticker.C {\n\tsyncOrders(ctx, db)\n}",
      },
      python: {
        bad: "while True:\n    asyncio.create_task(sync_orders(db))\n    await asyncio.sleep(5)",
        good: "while True:\n    await sync_orders(db)\n    await asyncio.sleep(5)",
      },
      typescript: {
        bad: "setInterval(async () => {\n  await db.flush()\n}, 1_000)",
        good: "let isFlushing = false\nsetInterval(async () => {\n  if (isFlushing) return\n  isFlushing = true\n  try {\n    await db.flush()\n  } finally {\n    isFlushing = false\n  }\n}, 1_000)",
      },
      java: {
        bad: "@Async\n@Scheduled(fixedRate = 5000)\npublic void syncOrders() {\n  orderClient.sync();\n}",
        good: "@Scheduled(fixedDelay = 5000)\npublic void syncOrders() {\n  orderClient.sync();\n}",
      },
      kotlin: {
        bad: "while (isActive) {\n  launch { orderClient.sync() }\n  delay(5_000)\n}",
        good: "while (isActive) {\n  orderClient.sync()\n  delay(5_000)\n}",
      },
    },
  },
  check(file, program, report) {
    const isScript = file.language === "javascript" || file.language === "typescript"
    for (const wait of waitsOf(program, file)) {
      if (wait.form === "interval" && wait.callback && isScript) {
        for (const target of resolveFunction(program, file, wait.callback))
          ofInterval(program, file, wait, target, report)
      } else if (
        wait.form === "interval" &&
        wait.callback &&
        wait.call.name === "scheduleAtFixedRate"
      ) {
        for (const target of resolveFunction(program, file, wait.callback))
          ofSpawns(program, target.file, target.fn, wait.call, report)
      }
    }
    if (!isScript)
      for (const loop of loopsOf(file))
        if (isBeat(program, file, loop)) ofSpawns(program, file, loop.body, loop, report)
    if (file.language === "java" || file.language === "kotlin")
      for (const fn of file.functions) ofAnnotations(program, file, fn, report)
  },
}

type Say = (draft: Draft) => void

/** `setInterval(async () => { … })`, `setInterval(() => void f())`. */
function ofInterval(
  program: Program,
  file: File,
  { call: timer, delay, unitMs }: Wait,
  { file: at, fn }: Located,
  say: Say,
): void {
  const work = remoteWork(program, at, fn)
  if (!work || !fn.body || asksItself(program, at, fn.body)) return
  if (IDEMPOTENT.test(dotted(work.callee)) || IDEMPOTENT.test(fn.name)) return
  if (isHeartbeat(file, timer)) return
  const isHere = at === file && work.start >= timer.start && work.end <= timer.end
  const isNear = file.text.slice(timer.start, work.start).split("\n").length <= FAR
  const everyMs = (numberOf(program, file, delay) ?? 0) * unitMs
  say({
    at: isHere && isNear ? work : timer,
    tier: isRead(work.name) || isRead(fn.name) || everyMs >= LONG_MS ? "context" : "likely",
    severity: "medium",
    message: `the interval starts ${nameOf(work)} again while the last round may still run`,
    because: [
      { text: "comes round whether or not the last round has ended", at: timer },
      { text: "goes over the network, and the timer does not wait for it", at: work, file: at },
    ],
    checked: CHECKED,
  })
}

function nameOf(work: Call): string {
  const name = dotted(work.callee)
  return name === "" ? "its work" : `\`${name}\``
}

/** Whoever refreshes a token twice at once makes one of the two invalid. */
function isRead(name: string): boolean {
  return REFRESH.test(name) && !/(?:tokens?|credentials?)$/i.test(name)
}

/** Rounds that far apart hardly meet. */
const LONG_MS = 3_600_000

/** Lines after which a reader of the work no longer sees the timer. */
const FAR = 12

const CHECKED = [
  "no flag is tested and set in the callback or in what it calls",
  "no lock, semaphore or queue holds the next round back",
  "the work is no heartbeat",
]

/** The call that a round waits for, or lets float, and that leaves the process. */
function remoteWork(program: Program, file: File, fn: Func): Call | null {
  const floating = spawnsIn(program, file, fn).map((spawn) => spawn.work)
  let found: Call | null = null
  walk(fn, (node) => {
    if ((found && !isAside(found)) || (node.kind === "call" && isGuardedWork(program, file, node)))
      return false
    const isAwaited =
      node.kind === "await" || (node.kind === "return" && node.implicit === true && fn.isLambda)
    const call = isAwaited ? node.value : floating.includes(node) ? node : null
    if (call?.kind !== "call" || !leavesProcess(program, file, call)) return undefined
    if (isGuardedWork(program, file, call)) return undefined
    // What a round reads first, it does something with.
    if (!found || !isAside(call)) found = call
    return undefined
  })
  return found
}

/** A read, or a sign of life. */
function isAside(call: Call): boolean {
  return isRead(call.name) || IDEMPOTENT.test(dotted(call.callee))
}

/** `ensureHeartbeat`, `leaseExtender = setInterval(…)`: a sign of life, whatever the call is named. */
function isHeartbeat(file: File, timer: Call): boolean {
  const words = [
    file.functionOf(timer)?.name ?? "",
    ...boundNames(file, timer),
    ...timer.args.slice(1).map(dotted),
  ]
  return words.some((one) => /heart_?beat|keep_?alive|lease_?(?:ext|renew)|renew|extend/i.test(one))
}

/** A function that lets one run at a time, or a wrapper that does: `await withLock(async () => …)`. */
function isGuardedWork(program: Program, file: File, call: Call): boolean {
  return (
    isGuarded(program, file, call, 0) ||
    resolveCall(program, file, call).some(
      (target) => target.fn.body !== null && holdsBack(program, target.file, target.fn.body),
    )
  )
}

function leavesProcess(program: Program, file: File, call: Call): boolean {
  return targetOf(program, file, call, 3) === "remote"
}

function loopsOf(file: File): Loop[] {
  const loops = new Set<Loop>()
  for (const fn of file.functions) {
    walk(fn, (node) => {
      if (node.kind === "loop") loops.add(node)
      return undefined
    })
  }
  return [...loops]
}

/** A loop with a beat of its own: a ticker's channel, or a wait that every round comes to. */
function isBeat(program: Program, file: File, loop: Loop): boolean {
  if (loop.iterable && /[tT]ick/.test(file.textOf(loop.iterable))) return true
  let hasTicker = false
  walk(loop.body, (node) => {
    if (node.kind === "receive" && /[tT]ick/.test(dotted(node.channel))) hasTicker = true
    return !hasTicker
  })
  if (hasTicker) return true
  return waitsOf(program, file).some((wait) =>
    loop.body.body.some((statement) => holdsDirectly(statement, wait.call)),
  )
}

function holdsDirectly(statement: Node, call: Call): boolean {
  const at = statement.kind === "await" ? statement.value : statement
  return at === call
}

/** Work that a beat starts and does not wait for. */
function ofSpawns(program: Program, file: File, body: Node, beat: Node, say: Say): void {
  for (const spawn of spawnsIn(program, file, body)) {
    if (isPerItem(file, spawn.at, beat) || endsBeat(file, spawn.at, beat)) continue
    const targets = workOf(program, file, spawn)
    const isRemote =
      targets.some(({ file: at, fn }) => targetWithin(program, at, fn, 2) === "remote") ||
      targetWithin(program, file, spawn.work, 2) === "remote"
    if (
      !isRemote ||
      isGuarded(program, file, body, 0) ||
      targets.some(({ file: at, fn }) => fn.body !== null && isGuarded(program, at, fn.body))
    )
      continue
    if (isIdempotent(file, spawn.work)) continue
    say({
      at: spawn.at,
      tier: "likely",
      severity: "medium",
      message: "every beat starts the work again while the last round may still run",
      because: [
        { text: "comes round whether or not the last round has ended", at: beat },
        { text: "started here and not waited for", at: spawn.at, file },
      ],
      checked: CHECKED,
    })
  }
}

function isIdempotent(file: File, work: Node): boolean {
  const at = work.kind === "call" ? work.callee : work
  return IDEMPOTENT.test(at.kind === "lambda" ? file.textOf(at).split("(", 2)[0]! : dotted(at))
}

/** Started once, and then the beat is left: `create_task(stop()); break`. */
function endsBeat(file: File, at: Node, beat: Node): boolean {
  for (const outer of file.ancestorsOf(at)) {
    if (outer === beat) return false
    if (outer.kind === "block" && leaves(outer.body, "loop")) return true
  }
  return false
}

/** Started once for each of several items: fan-out, which another rule judges. */
function isPerItem(file: File, at: Node, beat: Node): boolean {
  for (const outer of file.ancestorsOf(at)) {
    if (outer === beat) return false
    if (outer.kind === "loop") return true
  }
  return false
}

/** Spring runs `@Async @Scheduled` methods beside each other. */
function ofAnnotations(program: Program, file: File, fn: Func, say: Say): void {
  const owner = file.classOf(fn)
  const names = [...fn.annotations, ...(owner?.annotations ?? [])].map((one) =>
    one.name.split(".").at(-1),
  )
  const scheduled = fn.annotations.find((one) => one.name.endsWith("Scheduled"))
  if (!scheduled || !names.includes("Async") || !fn.body || names.includes("SchedulerLock")) return
  if (targetWithin(program, file, fn.body, 3) !== "remote" || isGuarded(program, file, fn.body))
    return
  say({
    at: scheduled,
    tier: "likely",
    severity: "medium",
    message: `\`${fn.name}\` is scheduled and asynchronous: the next round starts while the last one may still run`,
    because: [
      {
        text: "@Async hands each round to another thread, so the scheduler does not wait for it",
        at: scheduled,
      },
    ],
    checked: CHECKED,
  })
}
