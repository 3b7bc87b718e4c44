/** cancel-cause-masked: a cancellation is answered with something else, or swallowed. */
import { losesInterrupt } from "../analysis/cancellations/lostInterrupts.ts"
import { caughtResults } from "../analysis/cancellations/caughtResults.ts"
import {
  type Branch,
  type Caught,
  caughtIn,
  contextBranches,
  countsAsFailure,
  handsOn,
  loopGoingOn,
  namesCancellation,
  retriesEverything,
  signalBranches,
  suspendsElsewhere,
} from "../analysis/cancellations/cancellations.ts"
import type { File } from "../analysis/program/file.ts"
import { dotted } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { answerMadeOf, WRAPPED } from "../analysis/cancellations/wrappedFailures.ts"
import type { Severity, Tier } from "../findings/finding.ts"
import { walk } from "../ir/children.ts"
import type { Block, Call, Node } from "../ir/nodes.ts"
import { cancelCauseMaskedReach } from "./reach/cancelCauseMasked.ts"
import type { Draft, Rule, Spot } from "./rule.ts"

export const cancelCauseMasked: Rule = {
  id: "cancel-cause-masked",
  title: "Cause of a cancellation masked",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /\.Done\(\)|ctx\.Err\(\)|Cancel|aborted|"abort"|'abort'|Interrupted|BaseException|except:|catch \(\w+: (?:Exception|Throwable)|runCatching/,
  docs: {
    what: "When a context, a signal or an exception says that work is cancelled, the code returns an error of its own that does not carry the cause, or goes on as if nothing had happened.",
    why: "The caller cannot tell a shutdown from a deadline from a failure: it retries what was cancelled on purpose, or reports a timeout that was none. Code that swallows the cancellation cannot be stopped at all.",
    silent: [
      "The cause is returned or wrapped: ctx.Err(), context.Cause(ctx), signal.reason, the exception itself.",
      "The context was made in the same function, so that there is one possible cause.",
      "A named error for a shutdown is returned, or nothing, by contract.",
      "The task that is awaited was cancelled by the same function.",
    ],
    reach: cancelCauseMaskedReach,
    fix: 'Return or wrap the cause: fmt.Errorf("…: %w", context.Cause(ctx)), signal.throwIfAborted(), raise, Thread.currentThread().interrupt().',
    reference: "https://go.dev/blog/context-and-structs",
    examples: {
      go: {
        bad: 'case <-ctx.Done():\n\treturn errors.New("timed out waiting for the lock")',
        good: 'case <-ctx.Done():\n\treturn fmt.Errorf("waiting for the lock: %w", context.Cause(ctx))',
      },
      python: {
        bad: 'while True:\n    try:\n        await self.poll()\n    except asyncio.CancelledError:\n        log.warning("cancelled")',
        good: 'while True:\n    try:\n        await self.poll()\n    except asyncio.CancelledError:\n        log.warning("cancelled")\n        raise',
      },
      typescript: {
        bad: 'if (signal.aborted) throw new Error("request timed out")',
        good: "signal.throwIfAborted()",
      },
      java: {
        bad: 'while (true) {\n  try {\n    poll();\n    Thread.sleep(1000);\n  } catch (InterruptedException e) {\n    log.warn("interrupted");\n  }\n}',
        good: "while (!Thread.currentThread().isInterrupted()) {\n  try {\n    poll();\n    Thread.sleep(1000);\n  } catch (InterruptedException e) {\n    Thread.currentThread().interrupt();\n  }\n}",
      },
      kotlin: {
        bad: 'while (true) {\n  try {\n    poll()\n    delay(1_000)\n  } catch (e: Exception) {\n    log.warn("poll", e)\n  }\n}',
        good: 'while (true) {\n  try {\n    poll()\n    delay(1_000)\n  } catch (e: CancellationException) {\n    throw e\n  } catch (e: Exception) {\n    log.warn("poll", e)\n  }\n}',
      },
    },
  },
  check(file, program, report) {
    const drafts =
      file.language === "go"
        ? contextBranches(file).flatMap((branch) => ofContext(file, branch) ?? [])
        : file.language === "javascript" || file.language === "typescript"
          ? signalBranches(file).flatMap((branch) => ofSignal(file, branch) ?? [])
          : caughtIn(program, file).flatMap((caught) => ofCatch(program, file, caught) ?? [])
    for (const draft of drafts) report(draft)
    // One place in a file shows it; the others are written alike.
    const [kept] = caughtResults(program, file)
    if (kept) report(ofResult(kept))
  },
}

function ofResult(at: Call): Draft {
  return {
    at,
    tier: "likely",
    severity: "low",
    message: "`runCatching` makes a cancellation a failed result, and the coroutine goes on",
    because: [{ text: "catches everything that is thrown where it suspends", at }],
    checked: ["nothing that is called on the result throws the cancellation on"],
  }
}

/** Errors that say the same as the cancellation in the words of the package. */
const TELLS = /clos|shut|stop|cancel|abort|done|quit|exit|drain|terminat|EOF|interrupt/i

function ofContext(file: File, { source, name, body }: Branch): Draft | null {
  const returned = lastReturn(body)
  if (!returned?.value || mentionsCause(file, body, name)) return null
  if (file.methodOf(returned)?.name === "main") return null
  const error = errorIn(returned.value)
  if (!error) return null
  return {
    at: returned,
    tier: "likely",
    severity: "medium",
    message: `the cause of \`${name}\` is replaced by an error of its own: a caller cannot tell a cancellation from a deadline from a failure`,
    because: [
      { text: `runs when \`${name}\` is over`, at: source },
      { text: "returns this whatever the cause was", at: error },
    ],
    checked: [
      `\`${name}.Err()\` and context.Cause(${name}) flow into no result`,
      `\`${name}\` came from the caller, so that several causes are possible`,
    ],
    fix: { text: `Wrap the cause: fmt.Errorf("…: %w", context.Cause(${name})).` },
  }
}

function lastReturn(body: Block): (Node & { kind: "return" }) | null {
  const last = body.body.at(-1)
  return last?.kind === "return" ? last : null
}

/** Whether a branch looks at the context's error at all. */
function mentionsCause(file: File, body: Block, name: string): boolean {
  const text = file.textOf(body)
  return (
    text.includes(`${name}.Err()`) ||
    text.includes(`Cause(${name})`) ||
    /\b(?:FromContextError|ctxErr|ContextErr\w*)\b/.test(text)
  )
}

/** The part of a result that is an error made here. */
function errorIn(value: Node): Node | null {
  const items = value.kind === "list" ? value.items : [value]
  const last = items.at(-1)
  if (!last) return null
  if (last.kind === "call") {
    const callee = dotted(last.callee)
    if (!/^(?:errors\.(?:New|Errorf)|fmt\.Errorf|xerrors\.(?:New|Errorf))$/.test(callee))
      return null
    return last.args.some((arg) => wraps(arg)) || says(last, TELLS) ? null : last
  }
  const bare = dotted(last).split(".").at(-1)!
  if (
    (last.kind === "name" || last.kind === "member") &&
    /^[eE]rr[A-Z]/.test(bare) &&
    /time|deadline|unavail|fail|busy|lock|connect/i.test(bare) &&
    !TELLS.test(bare)
  )
    return last
  return null
}

/** `fmt.Errorf("…: %w", err)` keeps what went wrong before. */
function wraps(arg: Node): boolean {
  return arg.kind === "string" && arg.value.includes("%w")
}

function says(call: Call, words: RegExp): boolean {
  return call.args.some((arg) => arg.kind === "string" && words.test(arg.value))
}

// --- signals of JavaScript ------------------------------------------------------------------------------------------

function ofSignal(file: File, { source, name, body }: Branch): Draft | null {
  const made = errorThrown(body)
  if (!made || /abort|cancel/i.test(file.textOf(made)) || isOwnLimit(file, made, name)) return null
  const text = file.textOf(body)
  if (/\breason\b|throwIfAborted|cause:/.test(text)) return null
  return {
    at: made,
    tier: "likely",
    severity: "low",
    message: `the reason of \`${name}\` is replaced by an error of its own: a caller cannot tell why the work was given up`,
    because: [
      { text: "runs when the signal was aborted", at: source as Node },
      { text: "and says this whatever the reason was", at: made },
    ],
    checked: [
      "the signal's reason is not thrown, passed on or set as the cause",
      "the error is no AbortError",
    ],
    fix: { text: `Pass the reason on: ${name}.throwIfAborted(), reject(${name}.reason).` },
  }
}

/** `throw new Error(…)`, `reject(new Error(…))` */
function errorThrown(body: Block): Call | null {
  let found: Call | null = null
  walk(body, (node) => {
    if (found) return false
    const value =
      node.kind === "throw"
        ? node.value
        : node.kind === "call" && /^_?rej(?:ect)?$/.test(node.name)
          ? node.args[0]
          : null
    if (value?.kind === "call" && value.isNew) found = value
    return undefined
  })
  return found
}

/** Only a timer of this function aborts the signal: then it is known why. */
function isOwnLimit(file: File, at: Node, name: string): boolean {
  const controller = name.replace(/\.signal$/, "")
  const method = file.methodOf(at)
  if (controller === name || !method) return false
  const aborts = file.calls.filter((call) => dotted(call.callee) === `${controller}.abort`)
  return (
    aborts.length > 0 &&
    aborts.every((call) =>
      [...file.ancestorsOf(call)].some(
        (outer) =>
          outer.kind === "call" && outer.name === "setTimeout" && outer.start > method.start,
      ),
    )
  )
}

// --- exceptions -----------------------------------------------------------------------------------------------------

const REPLACED = "a cancellation is turned into another error, and its cause is gone"

function ofCatch(program: Program, file: File, caught: Caught): Draft | null {
  const { clause } = caught
  const head = headOf(file, caught)
  const replaced = namesCancellation(file, clause) ? replacement(file, caught) : null
  if (replaced) return draftOf(caught, replaced, "likely", "medium", REPLACED)
  if (countsAsFailure(file, caught) && !isOfOwnTask(file, caught) && dealsWith(clause.body))
    return draftOf(
      caught,
      head,
      "likely",
      "medium",
      "a cancellation is taken for one failure among others, and whoever cancelled is not heard",
    )
  if (isOfOwnTask(file, caught)) return null
  if (retriesEverything(file, clause))
    return draftOf(
      caught,
      head,
      "likely",
      "medium",
      "a cancellation is taken for a failure like any other, and the work is begun anew",
    )
  if (answerMadeOf(file, caught)) return draftOf(caught, head, "likely", "low", WRAPPED)
  if (handsOn(clause.body)) return null
  const loop = loopGoingOn(file, caught)
  if (loop && suspendsElsewhere(program, file, loop, caught)) return null
  if (loop && !isLoopStopped(file, loop))
    return draftOf(
      caught,
      head,
      "likely",
      "medium",
      "a cancellation is swallowed and the loop goes on: the work cannot be stopped",
    )
  if (!loop && losesInterrupt(file, caught))
    return draftOf(
      caught,
      head,
      "likely",
      "low",
      "an interruption is passed over, and whoever interrupted the thread is not heard further out",
    )
  if (!namesCancellation(file, clause) || !returnsAnswer(clause.body)) return null
  return draftOf(
    caught,
    head,
    "context",
    "low",
    "a cancellation is answered like a result, and the caller goes on",
  )
}

/** Goes on after a failure: another error, a warning, an answer, or more work; and nothing tells the cancellation. */
function dealsWith(body: Block): boolean {
  let deals = false
  let tells = false
  walk(body, (node) => {
    if (node.kind === "function") return false
    if (node.kind === "throw") {
      if (node.value?.kind === "call" && !/Cancel/.test(dotted(node.value.callee))) deals = true
      else tells = true
    }
    if (node.kind === "await" || (node.kind === "return" && node.value)) deals = true
    if (node.kind === "call" && /^(?:warn|warning|error|exception|critical)$/.test(node.name))
      deals = true
    if (node.kind === "call" && /^(?:uncancel|cancelling|cancelled|isinstance)$/.test(node.name))
      tells = true
    return undefined
  })
  return deals && !tells
}

/** Another exception that does not carry the cancellation. */
function replacement(file: File, { clause }: Caught): Node | null {
  let found: Node | null = null
  let goesOn = false
  walk(clause.body, (node) => {
    if (node.kind === "function") return false
    // `raise`, in one of the ways through it.
    if (node.kind === "throw" && !node.value) goesOn = true
    if (found || node.kind !== "throw" || !node.value) return undefined
    const text = file.textOf(node)
    const carries = clause.binding !== null && new RegExp(`\\b${clause.binding}\\b`).test(text)
    if (
      !carries &&
      !node.cause &&
      node.value.kind === "call" &&
      // A caller catches a type; what the message says is for people.
      !/Cancel|Interrupt|Abort/i.test(file.language === "python" ? dotted(node.value.callee) : text)
    )
      found = node
    return undefined
  })
  if (goesOn) return null
  // Java and Kotlin: the thread that is interrupted again tells those further out.
  if (found && /\.interrupt\(\)/.test(file.textOf(clause.body))) return null
  return found
}

/** `task.cancel()` and then waiting for it: the cancellation is the function's own. */
function isOfOwnTask(file: File, { around, fn, clause }: Caught): boolean {
  if (
    file.calls.some(
      (call) =>
        call.start >= fn.start &&
        call.end <= around.end &&
        /^(?:cancel|cancel_scope|cancelAndJoin|cancelChildren|interrupt|shutdownNow)$/.test(
          call.name,
        ),
    )
  )
    return true
  return (
    file.language === "python" &&
    clause.types.length > 0 &&
    /\b(?:uncancel|cancelling|current_task)\b/.test(file.textOf(fn))
  )
}

/** Loops that look at a stop flag of their own end with it. */
function isLoopStopped(file: File, loop: Node): boolean {
  if (loop.kind !== "loop") return false
  const head = loop.test ? file.textOf(loop.test) : ""
  if (/isInterrupted|interrupted\(\)|cancelled/i.test(head)) return true
  // A counted loop ends by itself, and a flag that is set elsewhere ends this one.
  if (loop.form !== "while" && loop.form !== "do" && loop.test !== null)
    return file.language !== "java"
  if (loop.form === "each") return true
  return (
    file.language === "java" &&
    /run|stop|clos|shut|active|alive|done|exit|quit|terminat|started|enabled/i.test(head)
  )
}

function returnsAnswer(body: Block): boolean {
  const last = body.body.at(-1)
  return last?.kind === "return" && last.value !== null && last.value.kind !== "null"
}

/** `except X:`, `catch (X e)`: the word before the body. */
function headOf(file: File, { around, clause }: Caught): Spot {
  const word = Math.max(
    file.text.lastIndexOf("except", clause.body.start),
    file.text.lastIndexOf("catch", clause.body.start),
  )
  const start = word > around.start ? word : clause.body.start
  return { start, end: Math.max(start + 1, clause.body.start) }
}

function draftOf(
  { clause }: Caught,
  at: Spot,
  tier: Tier,
  severity: Severity,
  message: string,
): Draft {
  const type = clause.types.join(" | ") || "everything"
  return {
    at,
    tier,
    severity,
    message,
    because: [{ text: `catches ${type}, and with it the cancellation`, at: clause.body }],
    checked: [
      "the cancellation is not thrown on, and the thread is not interrupted again",
      "no clause before it lets the cancellation through",
      "the function does not wait for a task that it cancelled itself",
    ],
  }
}
