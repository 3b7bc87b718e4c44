/** sleep-in-test: a test that hopes a fixed time is enough. */
import { numberOf } from "../analysis/program/constants.ts"
import type { File } from "../analysis/program/file.ts"
import { dotted, wordsOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import {
  assertionsAfter,
  saysItStays,
  saysNothingHappened,
  saysTimeRunsOut,
  testAround,
  testName,
} from "../analysis/program/testBodies.ts"
import { type Wait, waitMs, waitsOf } from "../analysis/waits/waits.ts"
import { walk } from "../ir/children.ts"
import type { Call, Func, Node } from "../ir/nodes.ts"
import type { Draft, Rule } from "./rule.ts"

/** Shorter waits let other threads run, and are no guess at how long something takes. */
const MIN_MS = 20

const TIMING = new Set(
  "ttl expire expires expired expiry expiration expiring timeout timeouts timed interval lease leases window windows period debounce debounced throttle throttled throttling cooldown delay delays delayed duration age retention deadline rate limit backoff refresh heartbeat tick ticker freq frequency grace keepalive idle stale slow latency elapsed".split(
    " ",
  ),
)

const STARTS = new Set(
  "start started run queue enqueue publish send submit emit schedule dispatch trigger launch subscribe spawn produce notify push post go fire execute broadcast consume listen connect insert signal watch async thread apply delay create".split(
    " ",
  ),
)

/** Other waits of the test are no setting. */
const WAITS = /^(?:delay|sleep|setTimeout|pause)$/i

const SLEEPS = /sleep|wait|delay|pause|[aA]fter|[tT]ime(?:r|out)|settle|park|tick/i

/** Clocks that a test turns itself: time in it is not real. */
const FAKE_TIME =
  /useFakeTimers|\bfakeTimers\b|runTest\b|TestScope|TestCoroutineScheduler|advanceTimeBy|advanceTimers|synctest\.(?:Test|Run)|virtualTime|FakeClock|fakeclock|clockwork|MockClock|[fF]akeTime\b|EventTimeSource/

export const sleepInTest: Rule = {
  id: "sleep-in-test",
  title: "Sleep in a test",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "tests",
  mentions: /sleep|Sleep|time\.After|setTimeout|delay|pause/,
  docs: {
    what: "A test starts something that runs beside it, sleeps a fixed time, and then asserts what should have happened by then.",
    why: "On a busy machine the time is not enough and the test fails without a reason; on an idle one it is wasted. People answer by making it longer, and the suite grows slow and stays unreliable.",
    silent: [
      "The sleep is a stimulus: it stands in a server, thread or handler that the test sets up, or is a parameter of the test's table.",
      "The test is about time: its name or its settings speak of a timeout, an expiry, an interval, a rate, or a comment at the sleep says what runs out.",
      "What follows asserts that something did not happen, which only time can show.",
      "What follows waits for the thing itself, or was asserted before the sleep and is asserted again.",
      "The sleep sets two instants apart: the time is taken right after it.",
      "The sleep stands in a loop that looks again and again, or in a race against what is awaited.",
      "The clock is a fake one, or an object that the test holds.",
    ],
    reach: {
      sees: [
        "Tests of Go's testing, suites and Ginkgo, pytest and unittest, Jest, Vitest, Mocha and Deno, JUnit and TestNG, Kotest and kotlin.test.",
        "Sleeps of 20 ms and more in the test's own course, by `sleep`, `delay`, `pause`, `time.After` or a promise with a timer, and by helpers that wait for their caller.",
        "Before it something that starts work (`start`, `publish`, `submit`, `enqueue`, `spawn`, `go` …), behind it an assertion of what has happened.",
      ],
      misses: [
        "Sleeps in set-up, in fixtures and in helpers that do more than wait.",
        "Assertions in helpers whose name says nothing of them.",
        "Work that is started by a call with a name of its own: then it is of tier context.",
      ],
    },
    fix: "Wait for the thing itself: a channel, a latch, a future, or a poll with a time limit (Eventually, waitFor, Awaitility).",
    reference: "https://testing.googleblog.com/2021/03/test-flakiness-one-of-main-challenges.html",
    examples: {
      go: {
        bad: "q.Start()\nq.Queue(job)\ntime.Sleep(2 * time.Second)\nassert.Equal(t, 1, done.Load())",
        good: "q.Start()\nq.Queue(job)\nassert.Eventually(t, func() bool { return done.Load() == 1 }, 5*time.Second, 10*time.Millisecond)",
      },
      python: {
        bad: "worker.start()\nqueue.put(job)\ntime.sleep(1)\nassert job.done",
        good: "worker.start()\nqueue.put(job)\nassert job.finished.wait(timeout=5)",
      },
      typescript: {
        bad: 'await bus.publish("created", order)\nawait sleep(500)\nexpect(handler).toHaveBeenCalledOnce()',
        good: 'await bus.publish("created", order)\nawait vi.waitFor(() => expect(handler).toHaveBeenCalledOnce())',
      },
      java: {
        bad: "publisher.publish(event);\nThread.sleep(1000);\nassertEquals(1, received.size());",
        good: "publisher.publish(event);\nawait().untilAsserted(() -> assertEquals(1, received.size()));",
      },
      kotlin: {
        bad: "publisher.publish(event)\nThread.sleep(1000)\nassertEquals(1, received.size)",
        good: "publisher.publish(event)\nawait.untilAsserted { assertEquals(1, received.size) }",
      },
    },
  },
  check(file, program, report) {
    if (FAKE_TIME.test(file.text) && !isFakedInTests(file)) return
    const seen = new Set<Func>()
    for (const wait of waitsOf(program, file)) {
      const test = testAround(file, wait.call)
      if (!test || seen.has(test) || isOnClock(file, wait.call)) continue
      if (FAKE_TIME.test(file.textOf(test))) continue
      if (!isPlain(file, wait, test)) continue
      const draft = draftOf(program, file, wait, test)
      if (!draft) continue
      if (draft.tier !== "context") seen.add(test)
      report(draft)
    }
  },
}

/** Whether single tests turn their clocks themselves, so that time in the others is real. */
function isFakedInTests(file: File): boolean {
  if (file.language !== "javascript" && file.language !== "typescript") return false
  const faked = file.calls.filter((call) => call.name === "useFakeTimers")
  return faked.length > 0 && faked.every((call) => testAround(file, call) !== null)
}

/** `time.sleep(100)` on an object of the test's own: a clock that the test turns. */
function isOnClock(file: File, { callee, name }: Call): boolean {
  if (callee.kind !== "member" || !/^sleep$/i.test(name)) return false
  const { object } = callee
  if (object.kind === "member") return !/^[A-Z]/.test(object.name)
  if (object.kind !== "name" || /^(?:[A-Z]|this$|self$)/.test(object.name)) return false
  return !file.unit.imports.some((one) => one.local === object.name)
}

/** A wait in place, in no loop and no race. */
function isPlain(file: File, wait: Wait, test: Func): boolean {
  // Functions that take a time and do more than let it pass: `poll(1s)`, `assertNothingComes(ch, 30ms)`.
  if (wait.form === "interval" || !SLEEPS.test(wait.call.name)) return false
  if (isAsked(file, wait.call) || setsTimesApart(file, wait.call)) return false
  let inPromise = false
  for (const outer of file.ancestorsOf(wait.call)) {
    if (outer === test) break
    if (outer.kind === "loop" || outer.kind === "select") return false
    if (outer.kind === "go" || outer.kind === "defer") return false
    if (outer.kind === "call" && outer.isNew && outer.name === "Promise") inPromise = true
    if (outer.kind === "call" && /^(?:race|any|wait_for|timeout|gather|all)$/.test(outer.name))
      return false
  }
  if (wait.form === "timer") return inPromise && !bringsValue(wait)
  // Go's channel of a timer waits where it is received.
  return wait.call.name !== "After" || file.parentOf(wait.call)?.kind === "receive"
}

/** `came = event.wait(5)`: what it brings is looked at, and the time is only its limit. */
function isAsked(file: File, call: Call): boolean {
  const holder = file.parentOf(call)
  return (holder?.kind === "await" ? file.parentOf(holder) : holder)?.kind === "assign"
}

/** The next statement takes the time: the sleep sets two instants apart. */
function setsTimesApart(file: File, call: Call): boolean {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "block") {
      const next = outer.body[outer.body.indexOf(inner) + 1]
      if (next?.kind !== "assign" || next.value?.kind !== "call") return false
      return /^(?:Date|(?:Date|DateTime|datetime|time|Instant|LocalDateTime|OffsetDateTime)\.(?:now|Now|utcnow|time))$/.test(
        dotted(next.value.callee),
      )
    }
    inner = outer
  }
  return false
}

/** `setTimeout(() => resolve(42), 100)` is slow work, not a wait. */
function bringsValue(wait: Wait): boolean {
  let brings = false
  if (wait.callback?.kind === "lambda")
    walk(wait.callback, (node) => {
      if (node.kind === "call" && (node.args.length > 0 || node.name === "reject")) brings = true
      return !brings
    })
  return brings
}

function draftOf(program: Program, file: File, wait: Wait, test: Func): Draft | null {
  const ms = waitMs(program, file, wait)
  if (ms !== null && ms < MIN_MS) return null
  const until = ms === null && isComputed(wait.delay)
  if (ms === null && !until && isGiven(wait.delay, test)) return null
  const asserted = assertionsAfter(test, wait.call.end)
  const telling = asserted.find((one) => !saysNothingHappened(file, one))
  if (!asserted[0] || !telling) return null
  // The first assertion after the wait is what it waits for.
  const isNegative = telling !== asserted[0]
  if (asserted[0] === telling && isRepeated(file, test, wait.call, telling)) return null
  if (waitsBetween(file, test, wait.call, telling)) return null
  if (saysItStays(file, wait.call.end, telling.start)) return null
  const started = startedBefore(file, test, wait.call)
  const isAboutTime =
    !until && (timingIn(program, file, test, wait.call) || saysTimeRunsOut(file, wait.call))
  const shown = ms === null ? "a computed time" : ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`
  return {
    at: wait.call,
    tier: started && !isAboutTime && !isNegative && (ms !== null || until) ? "likely" : "context",
    severity: "low",
    message: `the test sleeps ${shown} and then asserts what should have happened by then`,
    because: [
      { text: "sleeps here", at: wait.call },
      ...(started ? [{ text: "this runs beside the test", at: started }] : []),
      { text: "what should have happened is asserted here", at: telling },
    ],
    checked: [
      "the sleep is no stimulus in a server or thread of the test",
      "nothing looks again and again until it is so",
      "the test is not about a timeout, an expiry or a rate",
    ],
  }
}

/** Calls that end when it has happened, and assertions that look again and again. */
const WAITS_ITSELF =
  /^(?:[aA]wait|join|timeout|[aA]wait[A-Z_]\w*|[wW]ait(?:For|Until|_for|_until|Recv)\w*|until[A-Z]\w*|eventually\w*|Eventually\w*|Poll)$/

/** `await.Require(ctx, t, …)`, `wait.PollUntilContextTimeout(…)`: packages of Go that only look again and again. */
const LOOKS_AGAIN = /^(?:await|eventually|wait|poll)\.[A-Z]/

/** Whether something between the wait and the assertion, or the assertion, waits for the thing itself. */
function waitsBetween(file: File, test: Func, wait: Call, assertion: Node): boolean {
  // A future of a pool waits for its result; a task of asyncio has to have it.
  const hasFutures = /concurrent\.futures|ExecutorService|CompletableFuture/.test(file.text)
  let found = false
  walk(test, (node) => {
    if (found || node.end <= wait.end) return false
    if (node.start >= wait.end && node.start < assertion.end && node.kind === "call")
      found ||=
        WAITS_ITSELF.test(node.name) ||
        (hasFutures && node.name === "result") ||
        (file.language === "go" && LOOKS_AGAIN.test(dotted(node.callee)))
    return !found
  })
  return found
}

/** The same stood before the wait: that it is so still is what the test shows. */
function isRepeated(file: File, test: Func, wait: Call, assertion: Node): boolean {
  const before = file.text.slice(test.start, wait.start)
  // What is done in between may have to come first.
  const isShortlyBefore = (text: string): boolean => {
    const at = before.lastIndexOf(text)
    const from = test.start + at + text.length
    const between = file.calls.filter((call) => call.start >= from && call.end <= wait.start)
    return at >= 0 && between.length <= 2
  }
  const chain = statementOf(file, assertion)
  const text = file.textOf(chain)
  if (text.length > 12 && isShortlyBefore(text)) return true
  if (assertion.kind !== "call") return false
  const isTrue =
    /^(?:assert)?True$/i.test(assertion.name) ||
    assertion.args.some((arg) => arg.kind === "bool" && arg.value)
  if (!isTrue) return false
  const asked = assertion.args.at(-1)
  return asked?.kind === "call" && isShortlyBefore(file.textOf(asked))
}

/** `expect(x).toBe(1)` is more than `expect(x)`. */
function statementOf(file: File, node: Node): Node {
  let outermost = node
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind !== "member" && outer.kind !== "call" && outer.kind !== "await") break
    outermost = outer
  }
  return outermost
}

/** `time.Until(deadline)`: waits exactly until something should be over. */
function isComputed(delay: Node): boolean {
  let found = false
  walk(delay, (node) => {
    if (node.kind === "call" && /^(?:Until|Sub|between|minus|until|total_seconds)$/.test(node.name))
      found = true
    return !found
  })
  return found
}

/** The time comes from a parameter or a table: it is what the test varies. */
function isGiven(delay: Node, test: Func): boolean {
  let given = false
  walk(delay, (node) => {
    if (
      node.kind === "member" &&
      /^(?:tt|tc|test|c|testCase|case|params?|input)$/.test(dotted(node.object))
    )
      given = true
    if (node.kind === "name" && test.params.some((param) => param.name === node.name)) given = true
    return !given
  })
  return given
}

/** The last call before the wait that starts something. */
function startedBefore(file: File, test: Func, wait: Call): Node | null {
  let found: Node | null = null
  walk(test, (node) => {
    if (node.start >= wait.start) return false
    if (node.kind === "go") found = node
    if (node.kind !== "call" || node.end > wait.start) return undefined
    if (wordsOf(node.name).some((word) => STARTS.has(word)) && !isSubtest(file, node)) found = node
    return undefined
  })
  return found
}

function isSubtest(file: File, call: Call): boolean {
  return file.language === "go" && /^(?:t|b|s)\.Run$/.test(dotted(call.callee))
}

/** Whether the test's name or something that it sets before the wait speaks of time. */
function timingIn(program: Program, file: File, test: Func, wait: Call): boolean {
  const speaks = (name: string): boolean => wordsOf(name).some((word) => TIMING.has(word))
  if (speaks(testName(file, test))) return true
  let found = false
  walk(test, (node) => {
    if (found || node.start >= wait.start) return false
    if (node.kind === "call" && (WAITS.test(node.name) || isGuard(program, file, node)))
      return false
    if (node.kind === "member" || node.kind === "call" || node.kind === "named")
      found ||= node.kind !== "call" ? speaks(node.name) : node.args.length > 0 && speaks(node.name)
    if (node.kind === "object")
      found ||= node.entries.some((one) => one.key !== null && speaks(one.key))
    if (node.kind === "assign")
      found ||= node.targets.some((one) => one.kind === "name" && speaks(one.name))
    return !found
  })
  return found
}

/** A context of some seconds only keeps a test from hanging. */
function isGuard(program: Program, file: File, { name, args }: Call): boolean {
  if (file.language !== "go" || name !== "WithTimeout" || !args[1]) return false
  return (numberOf(program, file, args[1]) ?? 0) >= GUARD_MS
}

const GUARD_MS = 2_000
