/** toctou-counter: a place is found free under a limit, and taken later, when others found it free as well. */
import { changesOf, type Change } from "../analysis/sharing/counters.ts"
import { type ContextLimit, contextLimits } from "../analysis/sharing/contextLimits.ts"
import type { File } from "../analysis/program/file.ts"
import { dotted } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import {
  firstAct,
  guardsOf,
  isCompared,
  isReserved,
  isReservedAnywhere,
  type Act,
  type Guard,
} from "../analysis/sharing/reservations.ts"
import { type RowLimit, rowLimits } from "../analysis/rows/rowLimits.ts"
import { isCalledHeld, sectionsAt, shareSection } from "../analysis/sharing/sections.ts"
import {
  courseOf,
  isCooperative,
  runsInPlace,
  yieldBetween,
  yieldShown,
} from "../analysis/program/yields.ts"
import { walk } from "../ir/children.ts"
import type { Call, Node } from "../ir/nodes.ts"
import type { Draft, DraftFact, Rule } from "./rule.ts"

export const toctouCounter: Rule = {
  id: "toctou-counter",
  title: "Limit checked before it is taken",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /max|Max|MAX|limit|Limit|LIMIT|[cC]ap|CAP|[cC]oncurren|quota|Quota|[sS]lots|Count|_count|[pP]ermits|[pP]aralle|[sS]ize|allow|[bB]alance|[cC]redits|[sS]tock|[qQ]uantity|[pP]oints|[sS]eats|[fF]unds|[iI]nventory|[rR]emaining|[cC]oins|reduce\(|\.count\(|count_documents/,
  docs: {
    what: "Code compares a shared count with a limit, and the count goes up only later: after the lock was released, after an await, or in a task that starts on its own. Or it looks whether a balance is enough, and takes the amount off without saying so again.",
    why: "Between the check and the increment others check too and see the same free place. All of them take it, and the limit is exceeded by as many as ran at once.",
    silent: [
      "The check and the increment stand in one critical section, or no await lies between them in single-threaded code.",
      "The limit is checked again, under the lock or after the await, before the count goes up.",
      "The increment itself is the check: its result is compared, or a semaphore counts.",
      "The row that holds the count is locked, or the write that takes a place says the limit itself.",
      "Nothing shows that several callers can be there at once: no lock, no atomic, no await.",
    ],
    reach: {
      sees: [
        "Numbers, atomics, sizes of collections and counters of Redis that are compared with a limit (max, limit, capacity, quota, slots … or a constant above one) and go up later, in the function or up to two calls deep.",
        "Where one thread hands over: an await in between; among threads: an increment outside of the lock, after it was given back, or in what is started (`go`, a channel, an executor).",
        "Rows that are counted, or a count in a row, before one is added; and a balance, stock or number of seats that is compared before it is taken off: SQL, Prisma, Drizzle, TypeORM, Mongoose, Django, SQLAlchemy, GORM, Spring Data; also where functions of the program, up to three calls away, count, read or write them.",
        "Collections of a context that is handed in (`ctx.state.sessions.size`).",
      ],
      misses: [
        "Counts of attempts, failures, pages, positions, versions and bytes: nobody reserves those.",
        "A check in one file and the place taken in another, but within a package of Go, and for rows, where the function that checks calls the one that takes.",
        "Counters of stores other than Redis.",
      ],
    },
    fix: "Reserve first: check and increment in one critical section (or before the await), and give the place back when the work fails.",
    reference: "https://cwe.mitre.org/data/definitions/367.html",
    examples: {
      go: {
        bad: "q.mu.Lock()\nfull := q.active >= q.limit\nq.mu.Unlock()\nif full {\n\treturn ErrFull\n}\nq.mu.Lock()\nq.active++\nq.mu.Unlock()",
        good: "q.mu.Lock()\nif q.active >= q.limit {\n\tq.mu.Unlock()\n\treturn ErrFull\n}\nq.active++\nq.mu.Unlock()",
      },
      python: {
        bad: "if len(self.active) >= self.limit:\n    raise Full()\nconn = await self.connect()\nself.active.add(conn)",
        good: "if self.reserved >= self.limit:\n    raise Full()\nself.reserved += 1\nconn = await self.connect()",
      },
      typescript: {
        bad: 'if (this.active >= this.limit) throw new Error("full")\nconst session = await this.open()\nthis.active++',
        good: 'if (this.active >= this.limit) throw new Error("full")\nthis.active++\nconst session = await this.open()',
      },
      java: {
        bad: "if (active.get() >= limit) {\n  return false;\n}\nactive.incrementAndGet();",
        good: "if (active.incrementAndGet() > limit) {\n  active.decrementAndGet();\n  return false;\n}",
      },
      kotlin: {
        bad: "if (active >= limit) return null\nval session = open()\nmutex.withLock { active++ }",
        good: "mutex.withLock {\n  if (active >= limit) return null\n  active++\n}\nval session = open()",
      },
    },
  },
  check(file, program, report) {
    const reported = new Set<string>()
    for (const guard of guardsOf(program, file)) {
      const finding = findingAt(program, file, guard)
      const once = `${guard.check.reading.state.key}@${guard.fn.start}`
      if (!finding || reported.has(once)) continue
      reported.add(once)
      report(finding)
    }
    for (const limit of rowLimits(program, file)) report(ofRows(limit))
    for (const limit of contextLimits(program, file)) report(ofContext(limit))
  },
}

function findingAt(program: Program, file: File, guard: Guard): Draft | null {
  const { check, fn } = guard
  const { state } = check.reading
  // A channel of Netty calls its handlers one after the other.
  if (fn.params.some((param) => /(?:^|\.)ChannelHandlerContext$/.test(param.type ?? "")))
    return null
  const getterFile = check.reading.getter?.file
  const all = changesOf(program, file, state, getterFile ? [getterFile] : [])
  const ups = all.filter((one) => one.by === "up")
  if (ups.length === 0) return null
  const act = firstAct(program, file, guard, ups)
  if (check.reading.isRemote) return act ? remoteDraft(guard, act) : null
  // What never goes down again is a statistic, a name or a version, not places that are taken;
  // an atomic that is compared with a limit and goes up in the same course is used up.
  const isUsedUp = check.reading.isAtomic && act?.at === act?.change.at && act?.change.isAtomic
  if (!all.some((one) => one.by !== "up") && !isUsedUp) return null
  if (isCooperative(file, fn))
    return act ? afterYield(program, file, guard, act) : storedJob(file, guard, ups)
  if (!act) return startedElsewhere(program, file, guard, all)
  // Coroutines that hold no lock still hand over where they suspend.
  const isSuspending = file.language === "kotlin" && fn.isAsync && !isLocked(program, file, act.at)
  return (
    outsideSection(program, file, guard, act, all) ??
    (isSuspending ? afterYield(program, file, guard, act) : null)
  )
}

function isLocked(program: Program, file: File, at: Node): boolean {
  return sectionsAt(program, file, at).length > 0
}

// --- one thread that hands over -----------------------------------------------------------------------------------

function afterYield(program: Program, file: File, guard: Guard, act: Act): Draft | null {
  const { check, fn } = guard
  const { at } = check.reading
  const from = at.end <= check.at.start ? at.end : guard.from
  let gap = yieldBetween(program, file, fn, from, act.at)
  const isThroughCall = act.change.at !== act.at
  if (!gap && isThroughCall) {
    const inner = courseOf(act.change.file, act.change.at)
    if (inner && isReserved(program, act.change)) return null
    gap = inner?.body
      ? yieldBetween(program, act.change.file, inner, inner.body.start, act.change.at)
      : null
    if (gap)
      return isHeldAround(program, file, guard, act)
        ? null
        : draftOf(guard, act, gap, act.change.file, "likely")
    return null
  }
  if (!gap || isHeldAround(program, file, guard, act)) return null
  if (isThroughCall && isReserved(program, act.change)) return null
  if (isCompared(file, act.at) || isSingleFlight(file, guard)) return null
  return draftOf(guard, act, gap, file, "likely")
}

function isHeldAround(program: Program, file: File, guard: Guard, act: Act): boolean {
  return (
    shareSection(program, file, guard.check.at, act.at) ||
    isCalledHeld(program, { file, fn: guard.fn })
  )
}

/** `if (this.running) return; this.running = true` before the check lets one caller in. */
function isSingleFlight(file: File, { fn, from }: Guard): boolean {
  return file.assignments.some(
    (assign) =>
      assign.start >= fn.start &&
      assign.end <= from &&
      !assign.declares &&
      assign.value?.kind === "bool" &&
      assign.value.value,
  )
}

/** A job is taken from a queue when there is room, and the job itself counts, but not as its first step. */
function storedJob(file: File, guard: Guard, ups: readonly Change[]): Draft | null {
  let started: Call | null = null
  walk(guard.region, (node) => {
    if (node.kind === "function" || started) return false
    if (node.kind === "call" && node.start >= guard.from && isStored(file, node)) started = node
    return undefined
  })
  const late = ups.find((one) => one.file === file && isLateInJob(file, one.at))
  if (!started || !late || ups.some((one) => !isLateInJob(one.file, one.at))) return null
  return draftOf(guard, { at: started, change: late }, started, file, "likely")
}

/** A call of something that was taken out of a collection. */
function isStored(file: File, call: Call): boolean {
  if (call.callee.kind === "call") return /^(?:dequeue|shift|pop|get|next)$/.test(call.callee.name)
  if (call.callee.kind !== "name") return false
  const name = call.callee.name
  return file.assignments.some(
    (assign) =>
      assign.end <= call.start &&
      assign.value?.kind === "call" &&
      /^(?:dequeue|shift|pop|poll|removeFirst)$/.test(assign.value.name) &&
      assign.targets.some((target) => dotted(target) === name) &&
      file.functionOf(assign) === file.functionOf(call),
  )
}

function isLateInJob(file: File, at: Node): boolean {
  const fn = file.functionOf(at)
  if (!fn?.isLambda || !fn.isAsync || runsInPlace(file, fn)) return false
  const [first] = fn.body?.body ?? []
  return first !== undefined && at.start >= first.end
}

// --- threads --------------------------------------------------------------------------------------------------------

function outsideSection(
  program: Program,
  file: File,
  guard: Guard,
  act: Act,
  all: readonly Change[],
): Draft | null {
  const { check } = guard
  const isThroughCall = act.change.at !== act.at
  if (
    shareSection(program, file, check.reading.at, act.at) ||
    shareSection(program, file, check.at, act.at)
  )
    return null
  if (isCompared(file, act.at) || isReserved(program, act.change)) return null
  if (isCalledHeld(program, { file, fn: guard.fn })) return null
  if (!isMeantForMany(program, file, guard, act, all, isThroughCall)) return null
  return draftOf(guard, act, null, file, "likely")
}

/** The author shows that several are there at once: the count is atomic, or one of the two stands under a lock. */
function isMeantForMany(
  program: Program,
  file: File,
  { check }: Guard,
  act: Act,
  all: readonly Change[],
  isThroughCall: boolean,
): boolean {
  const { reading } = check
  if (reading.isAtomic && all.every((one) => one.isAtomic || one.by === "reset")) return true
  if (sectionsAt(program, file, reading.at).length > 0) return true
  if (sectionsAt(program, file, act.at).length > 0) return true
  if (!isThroughCall) return false
  return sectionsAt(program, act.change.file, act.change.at).length > 0
}

const STARTS =
  /^(?:submit|execute|start|spawn|dispatch|signal|notify|notifyAll|schedule|launch|async|Go|Run|run|enqueue|create_task|startWorker|start_new_thread|post|Signal|Broadcast)$/

/** The check only lets something else begin, and that counts on its own, without a check. */
function startedElsewhere(
  program: Program,
  file: File,
  guard: Guard,
  all: readonly Change[],
): Draft | null {
  const { check } = guard
  const isUnderLock = sectionsAt(program, file, check.at).length > 0
  if (!isUnderLock && !check.reading.isAtomic) return null
  if (!all.some((one) => one.by === "down")) return null
  const ups = all.filter((one) => one.by === "up")
  const start = startIn(guard)
  if (!start || ups.some((one) => isReservedAnywhere(program, one))) return null
  const [up] = ups
  return draftOf(guard, { at: start, change: up! }, null, file, "likely")
}

/** What begins the work: `go f()`, a send on a channel, a task that is handed to an executor. */
function startIn(guard: Guard): Node | null {
  let found: Node | null = null
  walk(guard.region, (node) => {
    if (found || node.end <= guard.from) return false
    if (node.start < guard.from) return undefined
    if (node.kind === "go" || node.kind === "send") found = node
    else if (node.kind === "call" && STARTS.test(node.name) && node.callee.kind === "member")
      found = node
    return node.kind !== "function" && !found
  })
  return found
}

// --- words ----------------------------------------------------------------------------------------------------------

function remoteDraft(guard: Guard, act: Act): Draft {
  return {
    ...draftOf(guard, act, null, act.change.file, "likely"),
    message: `the count of ${guard.check.reading.state.name} is read, compared with a limit and then increased in another command: callers in between see the same free place`,
    checked: [
      "the result of the increment is not what is compared",
      "no script, transaction or lock holds the two together",
    ],
    fix: { text: "Increment first and compare what comes back, or do both in one script." },
  }
}

function ofContext({ name, check, gap, act }: ContextLimit): Draft {
  return {
    at: check,
    tier: "likely",
    severity: "medium",
    message: `\`${name}\` is checked against its limit and grows only later, so that several callers can pass the check for one free place`,
    because: [
      { text: "compared with its limit here", at: check },
      { text: `others run while ${yieldShown(gap)} is waited for`, at: gap },
      { text: "and it grows only here", at: act },
    ],
    checked: ["nothing is counted before the wait", "the limit is not checked again after it"],
  }
}

function ofRows({ name, read, check, act }: RowLimit): Draft {
  return {
    at: check,
    tier: "likely",
    severity: "medium",
    message: `\`${name}\` is read from the database and compared with a limit before a place is taken: requests in between see the same free place`,
    because: [
      { text: "the count is read here", at: read },
      { text: "and the place is taken here", at: act },
    ],
    checked: [
      "no row lock, advisory lock or serializable transaction holds the two together",
      "the write has no condition on the count",
    ],
    fix: {
      text: "Take the place in one statement that says the limit (UPDATE … SET n = n + 1 WHERE n < limit), or lock the row that the limit belongs to.",
    },
  }
}

function draftOf(
  guard: Guard,
  act: Act,
  gap: Node | null,
  gapFile: File,
  tier: "certain" | "likely",
): Draft {
  const { check } = guard
  const { state } = check.reading
  const up = act.change
  const because: DraftFact[] = [
    { text: `\`${state.name}\` is compared with its limit here`, at: check.at },
    ...(gap
      ? [{ text: `others run while ${yieldShown(gap)} is waited for`, at: gap, file: gapFile }]
      : []),
    ...(act.at !== up.at ? [{ text: "this makes it go up", at: act.at }] : []),
    { text: "and it goes up only here", at: up.at, file: up.file },
  ]
  return {
    at: check.at,
    tier,
    severity: check.reading.isSize ? "medium" : "high",
    message: `\`${state.name}\` is checked against its limit and goes up only later, so that several callers can pass the check for one free place`,
    because,
    checked: [
      "no critical section holds both the check and the increment",
      "the limit is not checked again right before the increment",
      "the increment's result is not what is compared",
    ],
  }
}
