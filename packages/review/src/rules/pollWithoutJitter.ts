/** poll-without-jitter: a fleet that asks one store, all at the same beat. */
import {
  bodiesOf,
  isEndlessRound,
  loopOf,
  questionIn,
  type Asking,
} from "../analysis/waits/beats.ts"
import { isStop } from "../analysis/waits/cutShort.ts"
import { definitionsOf } from "../analysis/program/definitions.ts"
import { leaves } from "../analysis/program/failures.ts"
import { isEntropic } from "../analysis/program/entropy.ts"
import type { File } from "../analysis/program/file.ts"
import { dotted, wordsOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { roundOf, type Round } from "../analysis/waits/retries.ts"
import { targetWithin } from "../analysis/program/targets.ts"
import { waitMs, waitsOf, type Wait } from "../analysis/waits/waits.ts"
import { emptinessOn, pathToLoop } from "../analysis/waits/ways.ts"
import { walk } from "../ir/children.ts"
import type { Loop, Node } from "../ir/nodes.ts"
import type { DraftFact, Rule } from "./rule.ts"

/** Rarer than this, a beat that all share is a moment of load and not a pattern of it. */
const RARE_MS = 10 * 60_000
const SHORTEST_MS = 500

/** Words of a delay or a function that asks a store for work. */
const POLL_WORDS = new Set([
  "poll",
  "polling",
  "poller",
  "fetch",
  "dequeue",
  "claim",
  "sweep",
  "elect",
  "election",
  "refresh",
  "reload",
  "reconcile",
  "resync",
])

const BEAT_WORDS = new Set(
  "interval delay period time timer ticker ms millis milliseconds seconds secs sec duration every frequency rate wait cycle".split(
    " ",
  ),
)

/** A delay up to an instant that all instances compute alike. */
const NEXT =
  /\bnext(?:_?(?:exec|execution|run|tick|fire|invocation|occurrence|date|time|at|due|scheduled)\w*)?\b/i

export const pollWithoutJitter: Rule = {
  id: "poll-without-jitter",
  title: "Poll without jitter",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /[pP]oll|POLL|[eE]lect|[sS]weep|[iI]nterval|INTERVAL|Ticker|Timer|[sS]chedul|[nN]ext|[sS]leep\(|\bdelay\(|time\.After/,
  docs: {
    what: "Every instance asks a shared store at the same fixed beat, or wakes at the same computed instant.",
    why: "Instances that one deploy started stay in step: the store gets the questions of all of them at once and none in between, and whoever loses the race for the work asked in vain.",
    silent: [
      "Chance flows into the interval, the first delay or the instant.",
      "What is asked is not shared: no store or service, by its name or by what it calls.",
      "It comes round less often than every ten minutes, or more often than twice a second and no name says that it polls.",
      "The wait follows a failure: that is retry-without-jitter.",
    ],
    reach: {
      sees: [
        "Rounds at a fixed beat: loops that sleep, tickers, `setInterval`, `scheduleWithFixedDelay` and `scheduleAtFixedRate`, timers that arm themselves anew, waits for a stop event with a time limit.",
        "Names of polling (poll, fetch, claim, sweep, elect, refresh, reload, reconcile), rounds that wait because there was nothing to take, and rounds that ask another machine and use the answer.",
        "Delays up to a computed instant: `nextRun - now`, `time.Until(next)`.",
        "What is asked, up to three calls deep: databases, APIs, brokers and other services, by their names.",
        "Chance in the interval or in another wait of the same function, through names, fields, parameters and functions.",
      ],
      misses: [
        "Cron libraries and `@Scheduled`, which start at the same instant everywhere.",
        "Pages, mobile apps and commands, which people start at times of their own.",
        "Pauses of a number alone, by `wait(5)` of an event, in a file without a word of polling, intervals, schedules, elections or what comes next.",
        "Whether several instances run: it only makes a finding graver.",
      ],
    },
    fix: "Add a random part to every interval, for example a tenth of it, or start each instance at a random offset.",
    reference: "https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/",
    examples: {
      go: {
        bad: "for {\n\tselect {\n\tcase <-ctx.Done():\n\t\treturn\n\tcase <-pollTimer.C:\n\t\tjobs := db.FetchJobs(ctx)\n\t\trun(jobs)\n\t\tpollTimer.Reset(cfg.PollInterval)\n\t}\n}",
        good: "\t\tpollTimer.Reset(cfg.PollInterval + rand.N(cfg.PollInterval/10))",
      },
      python: {
        bad: "while running:\n    jobs = db.fetch_jobs()\n    run(jobs)\n    time.sleep(poll_interval)",
        good: "    time.sleep(poll_interval * random.uniform(0.9, 1.1))",
      },
      typescript: {
        bad: "setInterval(() => this.pollJobs(), this.pollIntervalMs)",
        good: "const next = () => this.pollIntervalMs * (0.9 + Math.random() * 0.2)\nconst again = () => this.pollJobs().finally(() => setTimeout(again, next()))\nsetTimeout(again, next())",
      },
      java: {
        bad: "while (running) {\n  List<Job> jobs = jobDao.pollDue();\n  run(jobs);\n  Thread.sleep(pollIntervalMs);\n}",
        good: "  Thread.sleep(pollIntervalMs + ThreadLocalRandom.current().nextLong(pollIntervalMs / 10));",
      },
      kotlin: {
        bad: "while (isActive) {\n  val jobs = jobDao.pollDue()\n  run(jobs)\n  delay(pollInterval)\n}",
        good: "  delay(pollInterval + Random.nextLong(pollInterval / 10))",
      },
    },
  },
  check(file, program, report) {
    const seen = new Set<Node>()
    for (const wait of waitsOf(program, file)) {
      const round = roundOf(program, file, wait)
      if (!isPoll(round, wait) || isWaitForResult(file, round.around)) continue
      const method = file.methodOf(wait.call)
      if (method && seen.has(method)) continue
      const bodies = bodiesOf(program, file, wait, round.around ?? method)
      const reason =
        reasonOf(program, file, wait, method?.name ?? "") ??
        (isEndlessRound(file, round.around) ? asksAtABeat(program, file, wait, bodies) : null)
      if (!reason || isSpread(program, file, wait, method)) continue
      const place = asksShared(program, file, wait, bodies) ?? keptForPolls(file, wait)
      if (!place) continue
      if (method) seen.add(method)
      const definition = definitionsOf(program, file, wait.delay).find(
        (one) => one.file === file && !one.isParam,
      )
      const fleet = program.evidence.fleet(file.path)
      const because: DraftFact[] = [
        { text: "comes round here", at: wait.call },
        { text: reason },
        { text: "and asks what others ask too", at: place },
      ]
      if (fleet)
        because.push({ text: `several instances run: ${fleet.path}:${fleet.line} ${fleet.text}` })
      report({
        at: reason === ALIGNED && definition ? definition.at : wait.call,
        tier: "likely",
        severity: fleet ? "medium" : "low",
        message:
          reason === ALIGNED
            ? "every instance wakes at the same computed instant and asks the same store"
            : "every instance asks the same store at the same beat",
        because,
        checked: [
          "no random source flows into the interval, through names, fields, parameters or called functions",
          "the first round is not put off at random either",
        ],
      })
    }
  },
}

/** A round of a loop or a timer, or a wait whose name says that it is one of polling, wherever its loop is. */
function isPoll(round: Round, wait: Wait): boolean {
  if (round.purpose === "poll") return true
  if (round.purpose !== "other" || wait.form !== "block") return false
  let found = false
  walk(wait.delay, (node) => {
    if (node.kind === "name" || node.kind === "member") {
      const words = wordsOf(node.name)
      found ||= words.some((word) => /^poll(?:ing)?$/.test(word)) && BEAT_WORDS.has(words.at(-1)!)
    }
    return !found
  })
  return found
}

/** What comes round asks another machine for an answer, under whatever name. */
function asksAtABeat(
  program: Program,
  file: File,
  wait: Wait,
  bodies: readonly Asking[],
): string | null {
  const ms = waitMs(program, file, wait)
  // What comes round faster waits for something of its own, and what comes rarely is no load.
  if (ms !== null && (ms < SHORTEST_MS || ms >= RARE_MS)) return null
  if (isOfPerson(file) || /retry|back_?off|reconnect|resubscribe/i.test(file.textOf(wait.call)))
    return null
  const isTicker = wait.form === "interval" && !wait.callback
  for (const { file: from, node } of bodies) {
    // Who receives the ticks of a ticker is known, and goes round until it is stopped.
    if (isTicker && (node.kind === "function" || !isEndlessRound(from, loopOf(from, node))))
      continue
    const asked = questionIn(program, from, node)
    if (asked) return `it asks \`${dotted(asked.callee).slice(-60)}\` at a fixed beat`
  }
  return null
}

/** Pages and commands are begun by people, each at a time of their own. */
function isOfPerson(file: File): boolean {
  return /\.[jt]sx$|\.vue$|(?:^|\/)(?:frontend|client|web|webapp|ui|components|hooks|pages|browser|public|static|views|dashboard|composables|mobile|cmd|cli|commands|examples?|scripts?|android|app\/src)\//i.test(
    file.path,
  )
}

/**
 * A loop that a caller waits for: it keeps a deadline or counts, or it returns what it waited for. Callers come when
 * they come, so they are spread already.
 */
function isWaitForResult(file: File, around: Node | null): boolean {
  if (around?.kind !== "loop") return false
  if (around.test && (BOUNDED.test(file.textOf(around.test)) || isCountdown(file, around)))
    return true
  // `while connection.is_still_running(query): sleep()`
  if (around.test && isOfItsEnd(file, around.test)) return true
  let returns = false
  const stops = new Set<Node>()
  walk(around.body, (node) => {
    // What is returned when it is told to stop is no result.
    if (node.kind === "select")
      for (const { comm, body } of node.cases) if (comm && isStop(comm)) stops.add(body)
    if (stops.has(node)) return false
    if (node.kind === "return" && node.value) returns = true
    // `elif state == "SUCCEEDED": break`
    if (node.kind === "if" && isOfItsEnd(file, node.test) && leaves(node.then.body)) returns = true
    // `elif elapsed > TIMEOUT: raise`
    if (node.kind === "if" && LIMITED.test(file.textOf(node.test)) && leaves(node.then.body))
      returns = true
    return !returns && node.kind !== "function"
  })
  return returns && file.methodOf(around)?.name !== "run"
}

/** A test whether something that was begun is over, not whether this loop should stop. */
function isOfItsEnd(file: File, test: Node): boolean {
  const text = file.textOf(test)
  return ITS_END.test(text) && !/stop|shut|clos|cancel|abort|ctx|context/i.test(text)
}

/** `for outstanding > 0 { …; outstanding = count() }` */
function isCountdown(file: File, { test, body }: Loop): boolean {
  if (test?.kind !== "binary" || test.left.kind !== "name" || test.right.kind !== "number")
    return false
  const { name } = test.left
  return file.assignments.some(
    ({ start, end, targets }) =>
      start > body.start &&
      end <= body.end &&
      targets.some((target) => target.kind === "name" && target.name === name),
  )
}

const ITS_END =
  /succe|complet|finish|still_?running|in_?progress|(?:job|task|run|query|execution|container|instance)\w*[._]?(?:status|state|done|ready|is_?(?:running|active|ready|done|pending))\b/i

const LIMITED = /elapsed|waited|deadline|time_?out\b.*[<>]|[<>].*time_?out/i

const BOUNDED =
  /deadline|time_?out|elapsed|currentTimeMillis|nanoTime|monotonic|time\.time|Since|Before|attempt|tries|retries/i

const ALIGNED = "the delay leads to an instant that every instance computes alike"

/** Why this wait is a poll for shared work, or null. */
function reasonOf(program: Program, file: File, wait: Wait, method: string): string | null {
  const delays = [
    wait.delay,
    ...definitionsOf(program, file, wait.delay).flatMap((one) =>
      one.file === file ? (one.value ?? []) : [],
    ),
  ]
  if (delays.some((node) => isUntilNext(file, node))) return ALIGNED
  const ms = waitMs(program, file, wait)
  if (ms !== null && ms >= RARE_MS) return null
  // What sets a timer up is not what comes round.
  const isNamed = wait.callback?.kind === "name" || wait.callback?.kind === "member"
  const names: string[] = isNamed && !/^(?:start|begin)_?[pP]oll\w*$/.test(method) ? [] : [method]
  for (const part of [wait.delay, ...(wait.callback ? [wait.callback] : [])]) {
    walk(part, (node) => {
      if (node.kind === "name" || node.kind === "member") names.push(node.name)
      return undefined
    })
  }
  const word = names.map(pollWord).find((one) => one !== undefined)
  if (word === undefined && emptinessOn(pathToLoop(file, wait.call)))
    return "it waits because there was nothing to take"
  return word === undefined ? null : `its names say that it polls ("${word}")`
}

/** A name that is of polling itself: `pollInterval`, `fetchJobs`, `jobPoll`; not `pollDataFlushInterval`. */
function pollWord(name: string): string | undefined {
  const words = wordsOf(name)
  return words.find((word, i) => {
    if (!POLL_WORDS.has(word)) return false
    const rest = words.slice(i + 1)
    // A poller is who polls: only its interval is one.
    if (word === "poller" && rest.length === 0) return false
    return !BEAT_WORDS.has(rest.at(-1) ?? "") || rest.every((one) => BEAT_WORDS.has(one))
  })
}

/** `nextRun - now()`, `time.Until(next)`, also with something done to it. */
function isUntilNext(file: File, node: Node): boolean {
  let found = false
  walk(node, (one) => {
    if (one.kind === "binary" && one.op === "-") {
      found ||= NEXT.test(file.textOf(one.left)) && /now|time/i.test(file.textOf(one.right))
    }
    if (one.kind === "call" && one.name === "Until")
      found ||= one.args.some((arg) => NEXT.test(file.textOf(arg)))
    return !found
  })
  return found
}

/** Whether chance moves the beat: in the delay, or once before the first round. */
function isSpread(program: Program, file: File, wait: Wait, method: Node | null): boolean {
  if (isEntropic(program, file, wait.delay)) return true
  return waitsOf(program, file).some(
    (other) =>
      other !== wait &&
      method !== null &&
      other.call.start >= method.start &&
      other.call.end <= method.end &&
      isEntropic(program, file, other.delay),
  )
}

/** A ticker of a polling interval that a field keeps for others to receive from. */
function keptForPolls(file: File, wait: Wait): Node | null {
  if (wait.form !== "interval" || wait.callback || file.parentOf(wait.call)?.kind !== "object")
    return null
  return /poll/i.test(file.textOf(wait.delay)) ? wait.call : null
}

/** The first call of the round that goes to something shared. */
function asksShared(
  program: Program,
  file: File,
  wait: Wait,
  bodies: readonly Asking[],
): Node | null {
  for (const { file: from, node } of bodies) {
    if (targetWithin(program, from, node, 3) === "remote") return from === file ? node : wait.call
  }
  return null
}
