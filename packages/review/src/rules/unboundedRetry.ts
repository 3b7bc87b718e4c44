/** unbounded-retry: what fails for good is tried for ever. */
import { boundsOf } from "../analysis/waits/bounds.ts"
import { callersOf } from "../analysis/program/definitions.ts"
import type { File } from "../analysis/program/file.ts"
import { meaningOf } from "../analysis/program/failures.ts"
import { dotted } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { roundOf } from "../analysis/waits/retries.ts"
import { sameAgainIn } from "../analysis/waits/sameAgain.ts"
import { targetOf, targetWithin } from "../analysis/program/targets.ts"
import { waitsOf } from "../analysis/waits/waits.ts"
import { pathToLoop } from "../analysis/waits/ways.ts"
import { walk } from "../ir/children.ts"
import type { Call, Func, Loop, Node } from "../ir/nodes.ts"
import type { Draft, Rule } from "./rule.ts"

/** States from which a worker takes work again. */
const WAITING_STATES = /^(?:pending|queued|waiting|available|ready|retry|new|todo|open|scheduled)$/i

/** Calls that put work back, and those that say by an argument that they do. */
const REQUEUE = /^(?:requeue|re_queue|reEnqueue|reenqueue|putBack|put_back|returnToQueue|Requeue)$/
const NACK = /^(?:nack|Nack|basic_nack|basicNack|reject|Reject|basic_reject|basicReject)$/

export const unboundedRetry: Rule = {
  id: "unbounded-retry",
  title: "Retry without an end",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /retry|Retry|retries|attempt|sleep|Sleep|delay|Delay|backoff|Backoff|[nN]ack|[rR]eject|re_?queue|Requeue|re[eE]nqueue|put_?[bB]ack|returnToQueue|setTimeout|pending|PENDING|queued|QUEUED/,
  docs: {
    what: "Something that failed is tried again with no limit: no cap of attempts, no deadline, no signal that ends it; or failed work goes back into the queue with nothing that counts how often.",
    why: "What fails for good, such as a malformed message or a deleted account, is tried for ever. It holds a worker, hides the error, and adds its load to every outage.",
    silent: [
      "Attempts are counted and compared, a deadline is kept, or a context or signal ends the loop.",
      "The loop is the service's own: it has no result to return to a caller and ends with the process.",
      "A failed message goes to a dead-letter queue or a failed state after some attempts.",
    ],
    reach: {
      sees: [
        "Loops that wait after a failure, go to another machine and end only with a result; and functions that wait and call themselves again.",
        "Functions that call themselves in a catch (in Go under `err != nil`) with the arguments that they were given, where nothing was changed or mended before.",
        "What bounds them, by its names: counts and limits, deadlines and elapsed times, contexts, signals and stop flags, `withTimeout`, and loops over a list.",
        "Failed work that goes back: `nack` and `reject` with requeue, `requeue`, `putBack`, a state set to pending, queued, ready or the like, in a catch or under a failure.",
      ],
      misses: [
        "Libraries that are told to go on for ever, such as tenacity without `stop` and `retries: Infinity`.",
        "A limit that the broker keeps: delivery-limit, maxReceiveCount.",
        "A state set back to waiting, ready or new in a file that speaks of no retry, pause or pending work.",
        "Loops of a service that have no result, which end with the process.",
      ],
    },
    fix: "Count attempts and give up after some, keep an overall deadline, and move what still fails to a dead-letter queue or a failed state that a person sees.",
    reference: "https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/",
    examples: {
      go: {
        bad: "for {\n\tresp, err := client.Do(req)\n\tif err == nil {\n\t\treturn resp, nil\n\t}\n\ttime.Sleep(rand.N(time.Second))\n}",
        good: "for attempt := 0; attempt < 5; attempt++ {\n\tresp, err := client.Do(req)\n\tif err == nil {\n\t\treturn resp, nil\n\t}\n\ttime.Sleep(rand.N(time.Second))\n}\nreturn nil, errGaveUp",
      },
      python: {
        bad: "while True:\n    try:\n        return client.fetch()\n    except OSError:\n        time.sleep(random.random())",
        good: "for _ in range(5):\n    try:\n        return client.fetch()\n    except OSError as error:\n        last = error\n        time.sleep(random.random())\nraise last",
      },
      typescript: {
        bad: 'catch (error) {\n  await db.update(id, { status: "pending" })\n}',
        good: 'catch (error) {\n  const status = entry.attempts >= MAX_ATTEMPTS ? "failed" : "pending"\n  await db.update(id, { status })\n}',
      },
      java: {
        bad: "channel.basicNack(tag, false, true);",
        good: "boolean again = deliveryCount(message) < MAX_DELIVERIES;\nchannel.basicNack(tag, false, again);",
      },
      kotlin: {
        bad: "while (true) {\n  try {\n    return api.fetch()\n  } catch (e: IOException) {\n    delay(Random.nextLong(1_000))\n  }\n}",
        good: 'repeat(5) {\n  try {\n    return api.fetch()\n  } catch (e: IOException) {\n    delay(Random.nextLong(1_000))\n  }\n}\nerror("gave up")',
      },
    },
  },
  check(file, program, report) {
    const seen = new Set<Node>()
    for (const wait of waitsOf(program, file)) {
      const round = roundOf(program, file, wait)
      if (round.purpose !== "retry" || !round.around || seen.has(round.around)) continue
      seen.add(round.around)
      const draft = ofLoop(program, file, wait.call, round.around, round.operation)
      if (draft) report(draft)
    }
    for (const { call, fn, after } of sameAgainIn(program, file)) {
      if (seen.has(fn)) continue
      report({
        at: call,
        tier: "likely",
        severity: "medium",
        message: `\`${fn.name}\` answers a failure by calling itself with the same arguments: what fails for good is tried until the stack is full`,
        because: [
          { text: "after this failure", at: after },
          { text: "the same is done again, at once", at: call },
        ],
        checked: [
          "no argument, count or flag is changed before the call",
          "nothing in the branch waits or mends what failed",
        ],
      })
    }
    for (const fn of file.functions) {
      if (fn.isLambda && file.methodOf(fn)) continue
      const back = putsBack(file, fn)
      if (back) report(back)
    }
  },
}

/** A loop that a caller waits for: it ends when it goes well, and by nothing else. */
function ofLoop(
  program: Program,
  file: File,
  wait: Call,
  around: Loop | Func,
  operation: Call | null,
): Draft | null {
  const bounds = boundsOf(file, around)
  if (bounds.hasCap || bounds.hasDeadline || bounds.hasStop || !returnsResult(around)) return null
  const target = operation
    ? targetOf(program, file, operation)
    : targetWithin(program, file, around, 1)
  if (target !== "remote" || isBoundedByCaller(program, file, around)) return null
  return {
    at: around.kind === "loop" ? wait : (operation ?? wait),
    tier: "likely",
    severity: "medium",
    message: `${operation ? `\`${dotted(operation.callee)}\`` : "the operation"} is tried again until it goes well, however often it fails`,
    because: [
      { text: "waits here and goes round", at: wait },
      ...(operation ? [{ text: "and this is tried again", at: operation }] : []),
    ],
    checked: [
      "no attempts are counted against a limit",
      "no deadline is kept",
      "no context, signal or flag ends it",
    ],
  }
}

/** A function that is tried again by the loop of whoever calls it: what ends that loop ends the attempts. */
function isBoundedByCaller(program: Program, file: File, around: Loop | Func): boolean {
  if (around.kind === "loop") return false
  return callersOf(program, { file, fn: around }).some(({ file: from, call }) => {
    const { loop } = pathToLoop(from, call)
    if (!loop || (from === file && around.start <= loop.start && loop.end <= around.end))
      return false
    const { hasCap, hasDeadline, hasStop } = boundsOf(from, loop)
    return hasCap || hasDeadline || hasStop || !returnsResult(loop)
  })
}

/** Whether the way out of a loop is a result: a service's own loop has none. */
function returnsResult(around: Loop | Func): boolean {
  if (around.kind === "function") return true
  const passed = new Set<Node>()
  let found = false
  walk(around.body, (node) => {
    // Interrupted, it is told to stop.
    if (node.kind === "try")
      for (const { types, body } of node.catches)
        if (types.some((type) => /Interrupt|Cancel|KeyboardInterrupt/.test(type))) passed.add(body)
    if (passed.has(node)) return false
    if (node.kind === "return" || (node.kind === "break" && node.label === null)) found = true
    return (
      !found &&
      node.kind !== "function" &&
      node.kind !== "loop" &&
      node.kind !== "switch" &&
      node.kind !== "select"
    )
  })
  return found
}

/** After a failure the work goes back to where it came from, and nothing counts. */
function putsBack(file: File, fn: Func): Draft | null {
  let at: Node | null = null
  walk(fn, (node) => {
    if (at) return false
    if ((node.kind === "call" && isPutBack(node)) || isWaitingAgain(node)) {
      if (followsFailure(file, node, fn) && !isRaised(file, node)) at = node
    }
    return undefined
  })
  if (!at || boundsOf(file, fn).hasCap) return null
  return {
    at,
    tier: "likely",
    severity: "medium",
    message: "work that failed is put back to be done again, and nothing counts how often",
    because: [{ text: "put back here, after a failure", at }],
    checked: [
      "no count of attempts or deliveries is compared with a limit in this function",
      "no dead-letter queue or failed state takes it",
    ],
  }
}

function isPutBack(call: Call): boolean {
  if (REQUEUE.test(call.name)) return true
  if (NACK.test(call.name)) return saysRequeue(call)
  // `markStatus(id, "pending")`, `setState(job, "queued")`
  return (
    /(?:mark|set|update|change)_?(?:status|state|as)?/i.test(call.name) &&
    call.args.some((arg) => arg.kind === "string" && WAITING_STATES.test(arg.value))
  )
}

/** The last plain flag of a nack, or the one that is called requeue. */
function saysRequeue(call: Call): boolean {
  const named = call.args.find((arg) => arg.kind === "named" && /requeue/i.test(arg.name))
  if (named?.kind === "named") return named.value.kind === "bool" && named.value.value
  const last = call.args.at(-1)
  return last?.kind === "bool" && last.value && call.args.length >= 2
}

/** A state that is turned back before the failure goes on: whoever is told of it decides. */
function isRaised(file: File, node: Node): boolean {
  if (node.kind === "call" && (REQUEUE.test(node.name) || NACK.test(node.name))) return false
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "block") return outer.body.at(-1)?.kind === "throw"
    if (outer.kind === "function") return false
  }
  return false
}

/** `row.status = "pending"`. */
function isWaitingAgain(node: Node): boolean {
  return (
    node.kind === "assign" &&
    !node.declares &&
    node.value?.kind === "string" &&
    WAITING_STATES.test(node.value.value) &&
    node.targets.some(
      (target) => target.kind === "member" && /^(?:status|state)$/i.test(target.name),
    )
  )
}

function followsFailure(file: File, node: Node, fn: Func): boolean {
  let inner = node
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "try" && outer.catches.some((one) => one.body === inner)) return true
    if (outer.kind === "if" && inner === outer.then && meaningOf(outer.test) === "failure")
      return true
    if (outer === fn) return false
    inner = outer
  }
  return false
}
