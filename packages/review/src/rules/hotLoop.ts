/** hot-loop: a loop that goes round as fast as it can while nothing can be done. */
import {
  type EmptyAnswer,
  emptyAnswerIn,
  emptyQueryIn,
  recursionsOf,
} from "../analysis/waits/emptyAnswers.ts"
import { emptyAsked } from "../analysis/waits/emptyQueues.ts"
import type { File } from "../analysis/program/file.ts"
import { leaves, meaningOf } from "../analysis/program/failures.ts"
import { dotted } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { resolveCall } from "../analysis/program/resolve.ts"
import {
  hurriedCall,
  isAnswer,
  isAnsweredAtOnce,
  isIdleSelect,
  isOfChange,
  isOfSomeErrors,
  isTold,
  readsDead,
} from "../analysis/waits/skippedWaits.ts"
import { targetOf } from "../analysis/program/targets.ts"
import { waitOf } from "../analysis/waits/waits.ts"
import { boundsOf } from "../analysis/waits/bounds.ts"
import { walk } from "../ir/children.ts"
import type { Block, Call, Catch, Loop, Node, Try } from "../ir/nodes.ts"
import { hotLoopReach } from "./reach/hotLoop.ts"
import type { Draft, Rule } from "./rule.ts"

/** Calls that come back only when there is something, or that give the processor away. */
const BLOCKING =
  /^(?:await|join|take|poll|acquire|accept|Accept|recv|receive|Receive|read\w*|Read\w*|blpop|brpop|bzpopmin|xread|xreadgroup|wait|Wait|get|next|Next|Recv|select|epoll_wait|park\w*|yield|onSpinWait|Gosched|sched_yield|checkpoint|nextEvent|iterate|scan|Scan|consume|listen|serve|Serve|ListenAndServe|readLine|readline|input|prompt|question|run|Run|waitFor|sync|flush|onNext|collect|sleep|Sleep|delay|After|tick|Tick|sleep_for|lock|Lock|backoff|retry|limit|throttle|RateLimit)$/

export const hotLoop: Rule = {
  id: "hot-loop",
  title: "Loop without a wait",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /while\b|\bfor \{|\bfor\s*\(\s*;|\bfor !|\bfor [\w.()]+ == nil|setImmediate|nextTick|queueMicrotask|setTimeout\([^\n]{0,80}, ?0\)/,
  docs: {
    what: "A loop that has no end of its own comes round again after a failure, or when there is nothing to do, without waiting for time or for an event.",
    why: "While the other side is down or the queue is empty, it takes a whole processor, fills the log, and asks thousands of times a second what it could ask once.",
    silent: [
      "The failing branch waits, blocks, leaves or counts down; a pause within what is tried is jumped over by a failure and does not count.",
      "The loop asks something that itself waits for work: a channel, a blocking pop, a long poll.",
      "The loop ends by a counter or a list.",
    ],
    reach: hotLoopReach,
    fix: "Wait in the branch that has nothing to do: a jittered backoff after a failure, a blocking receive or a poll interval when there is no work.",
    reference: "https://sre.google/sre-book/handling-overload/",
    examples: {
      go: {
        bad: "for {\n\tselect {\n\tcase job := <-jobs:\n\t\trun(job)\n\tdefault:\n\t}\n}",
        good: "for job := range jobs {\n\trun(job)\n}",
      },
      python: {
        bad: 'while True:\n    try:\n        client.sync()\n    except OSError:\n        log.exception("sync failed")',
        good: 'while True:\n    try:\n        client.sync()\n    except OSError:\n        log.exception("sync failed")\n        time.sleep(backoff.next())',
      },
      typescript: {
        bad: "while (true) {\n  const rows = await db.query(CLAIM)\n  if (rows.length === 0) continue\n  await run(rows)\n}",
        good: "while (true) {\n  const rows = await db.query(CLAIM)\n  if (rows.length === 0) await sleep(jittered(pollMs))\n  else await run(rows)\n}",
      },
      java: {
        bad: "while (!ready) {\n}",
        good: "ready.await();",
      },
      kotlin: {
        bad: "while (!ready) {\n}",
        good: "ready.await()",
      },
    },
  },
  check(file, program, report) {
    const seen = new Set<Node>()
    for (const fn of file.functions) {
      if (fn.isLambda && file.functionOf(fn)) continue
      walk(fn, (node) => {
        if (node.kind !== "loop" || node.form === "each" || seen.has(node)) return undefined
        seen.add(node)
        const draft =
          spin(file, node) ??
          emptyDefault(program, file, node) ??
          askingEmpty(program, file, node) ??
          failingFast(program, file, node) ??
          emptyHanded(program, file, node)
        if (draft) report(draft)
        return undefined
      })
    }
    const asked = new Set<Call>()
    for (const { fn, again, round } of recursionsOf(program, file)) {
      const isWait = (one: Node): boolean => waits(program, file, one)
      const answer = emptyAnswerIn(file, round, isWait, again)
      if (!answer || asked.has(answer.asked)) continue
      asked.add(answer.asked)
      report(ofAnswer(answer, again, `and \`${fn.name}\` is called again`))
    }
  },
}

/** `while (!ready) {}` on something that another thread changes. */
function spin(file: File, loop: Loop): Draft | null {
  if (
    loop.body.body.length > 0 ||
    loop.form === "for" ||
    !loop.test ||
    file.language === "javascript" ||
    file.language === "typescript"
  )
    return null
  if (hasCall(loop.test) || !/^(?:name|member|unary|binary)$/.test(loop.test.kind) || loop.update)
    return null
  if (changesItself(loop.test)) return null
  return {
    at: loop,
    tier: "likely",
    severity: "medium",
    message:
      "the loop does nothing but ask, as fast as it can, until another thread changes what it asks",
    because: [{ text: "asked again at once", at: loop.test }],
    checked: ["the body neither waits nor yields", "the test does not block"],
  }
}

function hasCall(node: Node): boolean {
  let found = false
  walk(node, (one) => {
    if (one.kind === "call" || one.kind === "await" || one.kind === "receive") found = true
    return !found
  })
  return found
}

function changesItself(test: Node): boolean {
  let found = false
  walk(test, (one) => {
    if (one.kind === "assign") found = true
    return !found
  })
  return found
}

/** Go's `for { select { … default: } }`. */
function emptyDefault(program: Program, file: File, loop: Loop): Draft | null {
  if (loop.test || loop.body.body.length !== 1) return null
  const [only] = loop.body.body
  if (only?.kind !== "select") return null
  const idle = only.cases.find((one) => one.comm === null)
  const last = idle?.body.body.at(-1)
  if (
    !idle ||
    waits(program, file, idle.body) ||
    leaves(idle.body.body) ||
    hasCall(idle.body) ||
    // `continue outer` goes on with the outer loop.
    (last?.kind === "continue" && last.label !== null)
  )
    return null
  return {
    at: { start: idle.start, end: Math.min(idle.end, idle.start + "default".length) },
    tier: "certain",
    severity: "medium",
    message:
      "with a default that does nothing the select never waits: the loop spins while no channel is ready",
    because: [{ text: "goes round at once", at: loop }],
    checked: ["the default neither waits nor leaves", "nothing else in the loop waits"],
  }
}

/** An endless loop whose failures are logged, and that tries again in the same instant. */
function failingFast(program: Program, file: File, loop: Loop): Draft | null {
  if (!isEndless(file, loop)) return null
  for (const statement of loop.body.body) {
    if (statement.kind !== "try") continue
    const caught = statement.catches.find(
      (one) => !isAnswer(one) && swallows(program, file, loop, one),
    )
    if (!caught || statement.finalizer || waitsElsewhere(program, file, loop, statement)) continue
    const tried =
      failingCall(program, file, statement) ??
      hurriedCall(program, file, statement, (node) => waits(program, file, node))
    if (!tried) continue
    return failing(caught, tried, loop)
  }
  return file.language === "go" ? failingInGo(program, file, loop) : null
}

function failing(
  at: { readonly start: number; readonly end: number },
  tried: Call,
  loop: Loop,
): Draft {
  return {
    at: tried,
    tier: "likely",
    severity: "medium",
    message: `when \`${dotted(tried.callee)}\` fails the loop tries it again in the same instant, for as long as it fails`,
    because: [
      { text: "fails at once while the other side is down", at: tried },
      { text: "the failure is passed over", at },
      { text: "and the loop comes round", at: loop },
    ],
    checked: [
      "the failing branch neither waits, leaves nor counts",
      "nothing else in the loop waits",
    ],
  }
}

/** `if err != nil { log; continue }` around a call that fails at once. */
function failingInGo(program: Program, file: File, loop: Loop): Draft | null {
  const statements = loop.body.body
  for (const [index, statement] of statements.entries()) {
    if (
      statement.kind !== "if" ||
      meaningOf(statement.test) !== "failure" ||
      !/\berr\b/.test(file.textOf(statement.test)) ||
      isOfChange(file, statement.test)
    )
      continue
    const last = statement.then.body.at(-1)
    if (last?.kind !== "continue" || waits(program, file, statement.then)) continue
    const before = statement.init ?? statements[index - 1]
    const tried = before?.kind === "assign" && before.value?.kind === "call" ? before.value : null
    if (!tried || !failsAtOnce(program, file, tried)) continue
    if (statements.some((one) => one !== statement && one !== before && waits(program, file, one)))
      continue
    return failing(statement, tried, loop)
  }
  return null
}

function failsAtOnce(program: Program, file: File, tried: Call): boolean {
  if (readsDead(file, tried)) return true
  return (
    targetOf(program, file, tried) === "remote" &&
    !/^(?:Recv|Receive|Read\w*|Next\w*|Scan)$/.test(tried.name)
  )
}

/** A loop with no end of its own. */
function isEndless(file: File, loop: Loop): boolean {
  if (loop.update || loop.init || boundsOf(file, loop).hasCap) return false
  if (!loop.test) return true
  return /running|stop|active|alive|closed|shutdown|abort|Interrupted|isSet|is_set|Err|enabled|started|listening|polling|quit|exit|terminat/i.test(
    file.textOf(loop.test),
  )
}

/** A catch that goes on as if nothing had been, but for errors of a kind that it asks for. */
function swallows(program: Program, file: File, loop: Loop, clause: Catch): boolean {
  const { body } = clause
  if (waits(program, file, body) || leaves(body.body)) return false
  const rest = body.body.filter((one) => !isOfSomeErrors(file, one, clause.binding))
  return !rest.some((one) => mayLeave(one) || setsFlag(file, loop, body, one))
}

function mayLeave(body: Node): boolean {
  let found = false
  walk(body, (node) => {
    if (node.kind === "return" || node.kind === "throw" || node.kind === "break") found = true
    return !found && node.kind !== "function"
  })
  return found
}

/** `failures++`, `running = false`: the next round is another one. What only the clause reads changes nothing. */
function setsFlag(file: File, loop: Loop, body: Block, within: Node): boolean {
  const elsewhere = file.text.slice(loop.start, body.start) + file.text.slice(body.end, loop.end)
  let found = false
  walk(within, (node) => {
    if (node.kind === "assign" && !node.declares)
      found ||= node.targets.some(
        (one) =>
          one.kind !== "name" ||
          new RegExp(`\\b${one.name.replaceAll("$", "\\$")}\\b`).test(elsewhere),
      )
    return !found
  })
  return found
}

function waits(program: Program, file: File, node: Node): boolean {
  let found = false
  walk(node, (one) => {
    if (one.kind === "call")
      found ||=
        (BLOCKING.test(one.name) && !isAnsweredAtOnce(one)) ||
        /sleep|wait|backoff|delay|pause|retry|limit|fatal|exit|stop|close|cancel|report|reconnect|ensure_?connect/i.test(
          one.name,
        ) ||
        waitOf(program, file, one) !== null
    if (isIdleSelect(one, (body) => waits(program, file, body))) return false
    if (one.kind === "receive" || one.kind === "select" || one.kind === "send") found = true
    if (one.kind === "loop" && one.isAsync) found = true
    return !found
  })
  return found
}

/** Whether the loop waits outside of what may fail: then a failure does not make it spin. */
function waitsElsewhere(program: Program, file: File, loop: Loop, tried: Try): boolean {
  return (
    loop.body.body.some((statement) => statement !== tried && waits(program, file, statement)) ||
    (loop.test !== null &&
      hasCall(loop.test) &&
      !/is|Interrupted|closed/i.test(file.textOf(loop.test)))
  )
}

/** The first call over the network that is tried, when nothing before it blocks. */
function failingCall(program: Program, file: File, tried: Try): Call | null {
  const first = tried.body.body.find((one) => !isTold(one))
  if (!first || waits(program, file, first)) return null
  let found: Call | null = null
  walk(first, (node) => {
    if (!found && node.kind === "call" && targetOf(program, file, node) === "remote") found = node
    return !found
  })
  return found && !blocksWithin(program, file, found, 2) ? found : null
}

/** Whether a function behind a call waits: what it is asked for then comes when there is something. */
function blocksWithin(program: Program, file: File, call: Call, steps: number): boolean {
  return resolveCall(program, file, call).some(({ file: at, fn }) => {
    if (!fn.body) return false
    if (waits(program, at, fn.body)) return true
    return (
      steps > 0 &&
      at.calls.some(
        (one) =>
          one.start >= fn.start && one.end <= fn.end && blocksWithin(program, at, one, steps - 1),
      )
    )
  })
}

/** Nothing came back, and the loop asks again at once. */
function emptyHanded(program: Program, file: File, loop: Loop): Draft | null {
  if (!isEndless(file, loop)) return null
  const statements = loop.body.body
  const answer =
    emptyQueryIn(program, file, statements) ??
    emptyAnswerIn(file, statements, (one) => waits(program, file, one))
  return answer && ofAnswer(answer, loop, "and the loop comes round")
}

function ofAnswer({ asked, test, at }: EmptyAnswer, again: Node, text: string): Draft {
  return {
    at,
    tier: "likely",
    severity: "medium",
    message: `when \`${dotted(asked.callee)}\` has nothing it is asked again in the same instant`,
    because: [
      { text: "asked here", at: asked },
      { text: "nothing came back", at: test },
      { text, at: again },
    ],
    checked: ["nothing in the round waits", "what is asked answers at once"],
  }
}

/** A queue in memory that is asked for work without an end, where it could be waited for. */
function askingEmpty(program: Program, file: File, loop: Loop): Draft | null {
  // One thread that never rests would keep others from filling the queue.
  if (!/^(?:python|java|kotlin)$/.test(file.language) || !isEndless(file, loop)) return null
  const asked = emptyAsked(program, file, loop, (at, node) => waits(program, at, node))
  if (!asked) return null
  return {
    at: loop,
    tier: "likely",
    severity: "medium",
    message: "while the queue is empty the loop asks it again in the same instant, on a whole core",
    because: [
      { text: "asked here, and nothing is done while it is empty", at: asked.at, file: asked.file },
      { text: "and the loop comes round", at: loop },
    ],
    checked: ["nothing in the loop waits while the queue is empty"],
    fix: {
      text: "Take from the queue with a call that waits: get(timeout=…), take(), poll(time).",
    },
  }
}
