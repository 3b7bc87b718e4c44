/** retry-without-jitter: those who failed together come back together. */
import {
  growsByCount,
  growsItself,
  lockstepBackoffsOf,
  type Backoff,
} from "../analysis/waits/backoffs.ts"
import { callersOf, definitionsOf } from "../analysis/program/definitions.ts"
import {
  definitionShown,
  grownBehind,
  nameWithin,
  PLATFORM,
} from "../analysis/waits/delaySources.ts"
import { isEntropic } from "../analysis/program/entropy.ts"
import type { File } from "../analysis/program/file.ts"
import { dotted, rootOf, wordsOf } from "../analysis/program/names.ts"
import { lockstepPoliciesOf } from "../analysis/waits/policies/lockstepPolicies.ts"
import type { Policy } from "../analysis/waits/policies/policy.ts"
import type { Program } from "../analysis/program/program.ts"
import { resolveCall } from "../analysis/program/resolve.ts"
import { canBeCutShort } from "../analysis/waits/cutShort.ts"
import { roundOf, type Round } from "../analysis/waits/retries.ts"
import { targetOf, targetWithin, type Target } from "../analysis/program/targets.ts"
import { waitMs, waitsOf, type Wait } from "../analysis/waits/waits.ts"
import type { Severity, Tier } from "../findings/finding.ts"
import { walk } from "../ir/children.ts"
import type { Node } from "../ir/nodes.ts"
import type { Draft, DraftFact, Rule, Spot } from "./rule.ts"

/** Below this a wait on one's own machine is a poll of something that is about to happen. */
const SHORT_MS = 50

/** Below this a pause only lets others run. */
const SPIN_MS = 10

/** A server that says when to come back spreads its clients itself. */
const SERVER_SAYS = /retry[-_]?after|x-ratelimit-reset|ratelimit_reset/i

export const retryWithoutJitter: Rule = {
  id: "retry-without-jitter",
  title: "Retry without jitter",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /sleep|Sleep|delay|Delay|wait|Wait|After|Timer|time\.Tick\(|setTimeout|backoff|Backoff|[bB]ackOff|[rR]etry|[rR]etrier|schedule|Schedule|park/,
  docs: {
    what: "After a failure the code waits a time that is the same for everyone, and tries again.",
    why: "Clients that fail together, because a server restarts or throttles them, wait equally long and come back in the same instant. Each wave overloads the server again; exponential growth only spaces the waves out.",
    silent: [
      "Chance flows into the delay: in the expression, through a name, a field, a parameter, or the result of a function in any file.",
      "The delay comes from the server (Retry-After).",
      "A library waits, and it spreads its delays by itself or by an option that is given.",
      "The wait is a poll, the time limit of a race, or stands in a test.",
    ],
    reach: {
      sees: [
        "Waits after a failure, in loops (with `goto` too), recursion, timers, before one more attempt, and where a retry helper is handed the pause: Go's time (also behind a clock or a field), Python's time, asyncio, trio, anyio, gevent, eventlet, `Event.wait`, `call_later` and Timer, JavaScript's timers, timers/promises and Bun, `Thread.sleep`, TimeUnit, `parkNanos`, coroutines' `delay`, executors, Vert.x, Android's Handler; and functions that wait for their caller.",
        "Backoffs that are computed and waited for elsewhere: functions and fields that grow with a count, strategies of ioredis, axios-retry and their like.",
        "Go: cenkalti/backoff, sethvargo/go-retry, eapache's retrier, rehttp, avast/retry-go, jpillora/backoff, wait.Backoff of Kubernetes, gRPC's backoff, roko, pester, go-retryablehttp.",
        "Python: tenacity, retrying, retry, backoff, urllib3's Retry, aiohttp_retry, redis-py, rq, arq, Prefect, Celery.",
        "TypeScript: p-retry, promise-retry, retry, async-retry, exponential-backoff, RxJS, TanStack Query, clients' retryStrategy, retryDelay and reconnectStrategy.",
        "Java and Kotlin: guava-retrying, Resilience4j, Failsafe, Spring Retry, Spring's own `core.retry`, Spring Kafka and AMQP, Armeria's Backoff, `@Retryable` (also Micronaut's), `@RetryableTopic`, Reactor, Arrow, kotlin-retry.",
      ],
      misses: [
        "Policies that stand in configuration, such as Resilience4j's YAML.",
        "A library's policy in Go, Java or Kotlin beside the word jitter or random in the same function: it is believed.",
        "Retries within clients of clouds and databases, and libraries that are not named here.",
      ],
    },
    fix: "Draw the delay at random between zero and the backoff of the attempt (full jitter), under a cap.",
    reference: "https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/",
    examples: {
      go: {
        bad: "for {\n\tif err := dial(); err == nil {\n\t\treturn nil\n\t}\n\ttime.Sleep(backoff)\n\tbackoff *= 2\n}",
        good: "for {\n\tif err := dial(); err == nil {\n\t\treturn nil\n\t}\n\ttime.Sleep(rand.N(backoff))\n\tbackoff *= 2\n}",
      },
      python: {
        bad: "while True:\n    try:\n        return client.get_records()\n    except Throttled:\n        time.sleep(5)",
        good: "while True:\n    try:\n        return client.get_records()\n    except Throttled:\n        time.sleep(random.uniform(0, 5))",
      },
      typescript: {
        bad: "for (let attempt = 0; ; attempt++) {\n  try {\n    return await call()\n  } catch {\n    await sleep(1000 * 2 ** attempt)\n  }\n}",
        good: "for (let attempt = 0; ; attempt++) {\n  try {\n    return await call()\n  } catch {\n    await sleep(Math.random() * 1000 * 2 ** attempt)\n  }\n}",
      },
      java: {
        bad: "while (true) {\n  try {\n    return client.fetch();\n  } catch (IOException e) {\n    Thread.sleep(delayMs);\n    delayMs *= 2;\n  }\n}",
        good: "while (true) {\n  try {\n    return client.fetch();\n  } catch (IOException e) {\n    Thread.sleep(ThreadLocalRandom.current().nextLong(delayMs));\n    delayMs *= 2;\n  }\n}",
      },
      kotlin: {
        bad: "while (true) {\n  try {\n    return client.fetch()\n  } catch (e: IOException) {\n    delay(backoffMs)\n    backoffMs *= 2\n  }\n}",
        good: "while (true) {\n  try {\n    return client.fetch()\n  } catch (e: IOException) {\n    delay(Random.nextLong(backoffMs))\n    backoffMs *= 2\n  }\n}",
      },
    },
  },
  check(file, program, report) {
    const seen = new Set<Node>()
    const told: Spot[] = []
    for (const wait of waitsOf(program, file)) {
      const round = roundOf(program, file, wait)
      if (round.purpose !== "retry" || isCleared(program, file, wait)) continue
      // One loop that waits in several places is one mistake.
      if (round.around && seen.has(round.around)) continue
      if (round.around) seen.add(round.around)
      const draft = draftOf(program, file, wait, round)
      // Several loops that wait by one helper are one mistake of the helper.
      if (told.some((spot) => spot.start === draft.at.start && spot.end === draft.at.end)) continue
      told.push(draft.at, wait.call)
      report(draft)
    }
    const backoffs = lockstepBackoffsOf(program, file)
    for (const backoff of backoffs) {
      // What passes on another's delay is no mistake of its own.
      if (backoffs.some(({ fn }) => fn !== backoff.fn && calls(backoff.at, fn.name))) continue
      const { start, end } = backoff.fn
      if (
        told.some((spot) => spot.start >= start && spot.end <= end) ||
        isWaitedFor(program, file, backoff, told)
      )
        continue
      report(draftOfBackoff(program, file, backoff))
    }
    for (const policy of lockstepPoliciesOf(program, file))
      report(draftOfPolicy(program, file, policy))
  },
}

/** Whoever computes it in the same file and waits is told of it there. */
function isWaitedFor(
  program: Program,
  file: File,
  { fn }: Backoff,
  told: readonly Spot[],
): boolean {
  return callersOf(program, { file, fn }).some((caller) => {
    const around = caller.file.path === file.path ? caller.file.methodOf(caller.call) : null
    return (
      around !== null && told.some((spot) => spot.start >= around.start && spot.end <= around.end)
    )
  })
}

function calls(node: Node, name: string): boolean {
  let found = false
  walk(node, (one) => {
    if (one.kind === "call" && one.name === name) found = true
    return !found
  })
  return found
}

function draftOfBackoff(program: Program, file: File, { fn, at }: Backoff): Draft {
  const fleet = program.evidence.fleet(file.path)
  return {
    at,
    tier: "likely",
    severity: fleet ? "medium" : "low",
    message: `\`${fn.name}\` makes the same delay for everyone who failed equally often at the same time`,
    because: [
      { text: "the delay grows with the number of attempts", at },
      ...(fleet
        ? [{ text: `several instances run: ${fleet.path}:${fleet.line} ${fleet.text}` }]
        : []),
    ],
    checked: [
      "no random source is used in the function or in what it calls",
      "those who call it do not add chance to its result",
    ],
  }
}

function draftOfPolicy(program: Program, file: File, { at, who, why, missing }: Policy): Draft {
  const fleet = program.evidence.fleet(file.path)
  return {
    at,
    tier: "likely",
    severity: fleet ? "medium" : "low",
    message: `${who} tries again after a delay without chance: ${why}`,
    because: [
      { text: "the delay is declared here", at },
      ...(fleet
        ? [{ text: `several instances run: ${fleet.path}:${fleet.line} ${fleet.text}` }]
        : []),
    ],
    checked: [missing, "the delay does not come from a Retry-After of the server"],
  }
}

function isCleared(program: Program, file: File, wait: Wait): boolean {
  if (wait.delay.kind === "number" && wait.delay.value === 0) return true
  if (isEntropic(program, file, wait.delay) || waitsAtRandom(program, file, wait)) return true
  const named = nameWithin(wait.delay)
  const definitions = definitionsOf(program, file, named)
  const texts = [named, ...definitions.flatMap((one) => one.value ?? [])]
  // What the server does not say is reckoned here, alike for everyone: `retryAfter ?? base * 2 ** attempt`.
  if (texts.some(growsByCount)) return false
  if (definitions.some(({ at }) => at.kind === "assign" && growsItself(at))) return false
  return (
    texts.some((node) => SERVER_SAYS.test(file.textOf(node)) || isReadFrom(program, file, node)) ||
    isFromAnswer(file, wait, texts)
  )
}

/** `sleepWithJitter(min, max)`: chance comes in where the time is waited for. */
function waitsAtRandom(program: Program, file: File, wait: Wait): boolean {
  if (PLATFORM.test(dotted(wait.call.callee))) return false
  return resolveCall(program, file, wait.call).some(({ file: at, fn }) =>
    waitsOf(program, at).some(
      ({ call, delay }) =>
        call.start >= fn.start && call.end <= fn.end && isEntropic(program, at, delay),
    ),
  )
}

const ANSWER = /^(?:resp|response|res|reply|answer|headers?|err|error|exc?|e|exception)$/i

/** `await parse_retry_delay(response)`: a function that is given nothing but the answer reads it there. */
function isReadFrom(program: Program, file: File, node: Node): boolean {
  const call = node.kind === "await" ? node.value : node
  if (call.kind !== "call" || call.args.length !== 1 || !ANSWER.test(lastOf(call.args[0]!)))
    return false
  return (
    wordsOf(call.name).some((word) => /^(?:retry|delay|wait|reset|backoff)$/.test(word)) &&
    resolveCall(program, file, call).every(({ fn }) => fn.body !== null && !growsByCount(fn.body))
  )
}

function lastOf(node: Node): string {
  return node.kind === "name" || node.kind === "member" ? node.name : ""
}

/** The delay is a field of the error that was caught, or of what was filled from it. */
function isFromAnswer(file: File, wait: Wait, texts: readonly Node[]): boolean {
  const roots = texts.flatMap((node) => (node.kind === "member" ? (rootOf(node) ?? []) : []))
  for (const outer of file.ancestorsOf(wait.call)) {
    if (outer.kind === "function") return false
    if (outer.kind === "try" && outer.catches.some((one) => isOneOf(one.binding, roots)))
      return true
    if (outer.kind === "loop")
      return file.assignments.some(
        (one) =>
          one.declares &&
          one.value === null &&
          one.start > outer.start &&
          one.end < wait.call.start &&
          one.targets.some((target) => isOneOf(target, roots)),
      )
  }
  return false
}

function isOneOf(node: Node | string | null, names: readonly string[]): boolean {
  const name = typeof node === "string" ? node : node?.kind === "name" ? node.name : null
  return name !== null && names.includes(name)
}

function draftOf(program: Program, file: File, wait: Wait, round: Round): Draft {
  const grown = grownBehind(program, file, wait)
  const definition = grown ?? definitionShown(program, file, wait, round)
  const target = targetOfRound(program, file, round)
  const ms = waitMs(program, file, wait)
  const because: DraftFact[] = [
    { text: "waits here", at: wait.call },
    ...(definition
      ? [{ text: "the delay is defined here", at: definition.at, file: definition.file }]
      : []),
    ...(round.failure ? [{ text: "after this failed", at: round.failure }] : []),
    ...(round.operation ? [{ text: "and this is tried again", at: round.operation }] : []),
  ]
  const fleet = program.evidence.fleet(file.path)
  if (fleet)
    because.push({ text: `several instances run: ${fleet.path}:${fleet.line} ${fleet.text}` })
  return {
    at: definition && definition.file === file ? definition.at : wait.call,
    tier: isAside(program, file, round) ? "context" : tierOf(target, ms, canBeCutShort(file, wait)),
    severity: severityOf(target, ms, fleet !== null),
    message: `${shown(file, round)} is retried after ${grown ? shortened(grown.file.textOf(grown.at)) : delayShown(file, wait, ms)}, the same for everyone who failed at the same time`,
    because,
    checked: [
      "no random source flows into the delay, through names, fields, parameters or called functions",
      "the delay does not come from a Retry-After of the server",
      "the wait is not a poll and not the time limit of a race",
    ],
  }
}

function targetOfRound(program: Program, file: File, round: Round): Target {
  const direct = round.operation ? targetOf(program, file, round.operation) : "unknown"
  if (direct !== "unknown" || !round.around) return direct
  return targetWithin(program, file, round.around, 1)
}

const ASIDE =
  /^(?:(?:close|stop|shut_?down|Close|Stop|Shutdown|disconnect|unsubscribe|destroy|dispose|terminate|clean_?up)(?![a-z])|(?:is|has|can)_?[A-Z])/

/** What ends something, and what only asks, makes no herd: a round that does nothing else, `close()`, `isReady()`. */
function isAside(program: Program, file: File, { operation, around }: Round): boolean {
  if (!around) return false
  // A loop that calls nothing waits for something to become so.
  if (!operation) return around.kind === "loop"
  // A file of this machine has no herd before it.
  if (/^(?:fs|fsp|fse|fsPromises|os|shutil|Files|FileUtils)$/.test(rootOf(operation.callee) ?? ""))
    return true
  if (/^(?:loadClass|[fF]lock|[sS]ysctl\w*)$/.test(operation.name)) return true
  if (!ASIDE.test(operation.name)) return false
  let others = false
  walk(around, (node) => {
    if (node.kind === "call" && !ASIDE.test(node.name))
      others ||= targetOf(program, file, node, 1) === "remote" || /connect/i.test(node.name)
    return !others
  })
  return !others
}

/** A short wait for something on one's own machine that ends with its context is how one waits for it. */
function tierOf(target: Target, ms: number | null, canBeCutShort: boolean): Tier {
  // So short a pause lets others run; whoever comes together is not set apart by a part of it either.
  if (ms !== null && ms < SPIN_MS) return "context"
  const isShort = ms !== null && ms < SHORT_MS
  return isShort && (target === "unknown" || (target === "local" && canBeCutShort))
    ? "context"
    : "likely"
}

function severityOf(target: Target, ms: number | null, isFleet: boolean): Severity {
  if (target === "local") return ms !== null && ms < SHORT_MS ? "info" : "low"
  if (target === "remote") return isFleet ? "high" : "medium"
  return isFleet ? "medium" : "low"
}

function shown(file: File, round: Round): string {
  const name = round.operation ? dotted(round.operation.callee) : ""
  if (name !== "" && name.length < 60) return `\`${name}\``
  const fn = round.operation && file.methodOf(round.operation)
  return fn && fn.name !== "" ? `\`${fn.name}\`` : "the operation"
}

function delayShown(file: File, wait: Wait, ms: number | null): string {
  if (ms !== null) return ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`
  return shortened(file.textOf(wait.delay))
}

function shortened(code: string): string {
  const text = code.replaceAll(/\s+/g, " ")
  return text.length <= 60 ? `\`${text}\`` : "a computed delay"
}
