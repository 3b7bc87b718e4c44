/** retry-nonretryable: a request that was refused for good is sent again, and one that went through twice. */
import type { File } from "../analysis/program/file.ts"
import { dotted, wordsOf } from "../analysis/program/names.ts"
import { retriedWhole, type Whole } from "../analysis/waits/policies/whole.ts"
import type { Program } from "../analysis/program/program.ts"
import { callsIn, onlyFineLeaves, refusalThrown, takesAll } from "../analysis/waits/refusals.ts"
import { roundOf, type Round } from "../analysis/waits/retries.ts"
import { targetOf } from "../analysis/program/targets.ts"
import { waitsOf, type Wait } from "../analysis/waits/waits.ts"
import { walk } from "../ir/children.ts"
import type { Call, Catch, Node, Try } from "../ir/nodes.ts"
import type { Draft, Rule } from "./rule.ts"

const MUTATING = new Set(
  "post put patch create charge pay capture refund transfer send submit place book reserve order register cancel".split(
    " ",
  ),
)

/** What a model is asked for is paid for, and a prompt that is refused is refused again. */
const ASKS_MODEL =
  /^(?:a?generate|a?complet\w*|chat|a?invoke|predict|embed\w*|transcribe|generate_?content\w*|create_?(?:chat_?)?completion\w*)$/i
const MODELS = /llm|openai|anthropic|gemini|claude|mistral|genai|model|completions?|bedrock/i

/** What is asked to tell an error that may go away from one that stays. */
const FILTER =
  /status|code|retry_?able|is_?retri|transient|temporary|instanceof|isinstance|errors\.(?:Is|As)|\bis [A-Z]|Timeout|response|permanent|fatal|\b4\d\d\b|\b5\d\d\b|\b429\b/i

const CATCH_ALL =
  /^(?:Exception|BaseException|Throwable|RuntimeException|Error|(?:requests\.(?:exceptions\.)?)?RequestException)$/

/** What a refused request is caught as, with what may go away. */
const CATCHES_REFUSAL =
  /^(?:Exception|BaseException|Throwable|RuntimeException|Error|IOException|(?:\w+\.)*(?:RequestException|HTTPError|HTTPStatusError|ClientError|ClientResponseError))$/

/** Who waits for something to come up waits through every answer. */
const WAITS_FOR =
  /wait|health|ready|alive|ping|probe|until|poll|check|watch|status|start|login|token/i

/** A key by which the server knows a request again makes it safe to send twice. */
const IDEMPOTENT = /idempoten|dedup|client_?token|request_?id/i

export const retryNonretryable: Rule = {
  id: "retry-nonretryable",
  title: "Every error is retried",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /sleep|Sleep|delay|Delay|backoff|Backoff|After\(|setTimeout|wait|tenacity/,
  docs: {
    what: "A request that changes something is sent again after any error, without a look at which error it was; or an answer that refuses a request for good is made an error like any other and tried again.",
    why: "A rejected request (bad input, no permission) is rejected again each time; and one whose reply was lost after it went through is carried out twice.",
    silent: [
      "The error's type, status or code is looked at before the next attempt.",
      "Only named, transient errors are caught.",
      "The request carries an idempotency key.",
      "It only reads, and no refusal of it is made an error that is tried again.",
      "The code waits for a service to come up.",
    ],
    reach: {
      sees: [
        "Loops, recursion and timers that wait after a failure and send again what changes something: a POST, PUT or PATCH, or a verb of changing (charge, pay, send, submit, place, book, reserve, transfer) to another machine; and prompts to models (OpenAI, Anthropic, Gemini, Mistral, Bedrock, by their names).",
        "What takes every error: a bare `catch` or `except`, Exception, Throwable, requests' RequestException, in Go any error.",
        "Refusals that become an error and are tried again (`if (!res.ok) throw`, `raise_for_status()`, `status != 200`), and loops that only a good answer leaves.",
        "In Python tenacity's `@retry` without `retry=`, and `backoff.on_exception` of Exception, RequestException, HTTPError or ClientError without `giveup`.",
      ],
      misses: [
        "Retry libraries of other languages: p-retry, Spring Retry, Resilience4j, avast/retry-go.",
        "A test of the error in a function whose name says nothing of it.",
        "Whether the server takes a repetition for one, without a key.",
      ],
    },
    fix: "Retry what may go away (connection errors, 429, 502, 503, 504), raise the rest, and send a key that makes the second request harmless.",
    reference: "https://aws.amazon.com/builders-library/making-retries-safe-with-idempotent-APIs/",
    examples: {
      go: {
        bad: "for attempt := 0; attempt < 3; attempt++ {\n\tif err = api.CreateOrder(ctx, order); err == nil {\n\t\treturn nil\n\t}\n\ttime.Sleep(rand.N(time.Second))\n}",
        good: "\tif err = api.CreateOrder(ctx, order); err == nil || !isRetryable(err) {\n\t\treturn err\n\t}",
      },
      python: {
        bad: "except Exception:\n    time.sleep(random.random())",
        good: "except ApiError as error:\n    if error.status_code not in (429, 502, 503):\n        raise\n    time.sleep(random.random())",
      },
      typescript: {
        bad: "} catch {\n  await sleep(Math.random() * 1_000)\n}",
        good: "} catch (error) {\n  if (!isTransient(error)) throw error\n  await sleep(Math.random() * 1_000)\n}",
      },
      java: {
        bad: "} catch (Exception e) {\n  Thread.sleep(random.nextInt(1000));\n}",
        good: "} catch (ApiException e) {\n  if (e.getStatus() < 500) throw e;\n  Thread.sleep(random.nextInt(1000));\n}",
      },
      kotlin: {
        bad: "} catch (e: Exception) {\n  delay(Random.nextLong(1_000))\n}",
        good: "} catch (e: ApiException) {\n  if (e.status < 500) throw e\n  delay(Random.nextLong(1_000))\n}",
      },
    },
  },
  check(file, program, report) {
    const seen = new Set<Node>()
    for (const wait of waitsOf(program, file)) {
      const round = roundOf(program, file, wait)
      const { around } = round
      if (round.purpose !== "retry" || !around || seen.has(around)) continue
      const draft = ofChange(program, file, wait, round) ?? ofRefusal(file, wait, round)
      if (!draft) continue
      seen.add(around)
      report(draft)
    }
    for (const whole of retriedWhole(file)) {
      const draft = ofWhole(program, file, whole)
      if (draft) report(draft)
    }
  },
}

const LOOKED_AT = "neither type, status nor code of the error is looked at"

/** A request that changes something is sent again after any error. */
function ofChange(program: Program, file: File, wait: Wait, round: Round): Draft | null {
  const around = round.around!
  const operation = changeTried(program, file, wait, round)
  if (!operation || IDEMPOTENT.test(file.textOf(around))) return null
  const caught = catchAll(file, round, operation)
  if (!caught) return null
  const asks = ASKS_MODEL.test(operation.name)
  return {
    at: operation,
    tier: "likely",
    severity: asks ? "low" : "medium",
    message: asks
      ? `\`${dotted(operation.callee)}\` is asked again after any error, also after one that says that it was refused`
      : `\`${dotted(operation.callee)}\` changes something and is sent again after any error`,
    because: [
      { text: "sent again", at: operation },
      { text: "after any error", at: caught },
      { text: "once this wait is over", at: wait.call },
    ],
    checked: [LOOKED_AT, ...(asks ? [] : ["no idempotency key goes with the request"])],
  }
}

/** What is tried, or the first call of the \`try\` around it that changes something. */
function changeTried(
  program: Program,
  file: File,
  wait: Wait,
  { operation, around }: Round,
): Call | null {
  if (!operation) return null
  if (changes(program, file, operation)) return operation
  const tried = tryAround(file, operation, around!) ?? tryAround(file, wait.call, around!)
  if (!tried) return null
  return callsIn(tried.body).find((call) => changes(program, file, call)) ?? null
}

/** A refused request is made an exception, or kept as an error, and tried again like one that got no answer. */
function ofRefusal(file: File, wait: Wait, round: Round): Draft | null {
  const around = round.around!
  const method = around.kind === "function" ? around : file.methodOf(around)
  if (WAITS_FOR.test(method?.name ?? "")) return null
  const tried = tryAround(file, wait.call, around) ?? firstTry(around)
  const caught = tried && takesAll(tried, (type) => CATCHES_REFUSAL.test(type))
  const refused =
    tried && caught
      ? asksWhich(file, caught.body) || asksOf(file, caught)
        ? null
        : refusalThrown(file, tried)
      : around.kind === "loop" && !tried
        ? onlyFineLeaves(file, around)
        : null
  if (!refused) return null
  return {
    at: caught ? headOf(file, caught) : refused,
    tier: "likely",
    severity: "low",
    message:
      "a request that was refused for good (bad input, no permission, not found) is tried again like one that got no answer",
    because: [
      { text: "a refusal ends here as well", at: refused },
      { text: "and is tried again after this wait", at: wait.call },
    ],
    checked: [LOOKED_AT, "no status of a refusal leaves the loop"],
  }
}

/** A function that a library tries again as a whole, whatever it threw. */
function ofWhole(program: Program, file: File, { at, fn, who }: Whole): Draft | null {
  if (!fn.body || IDEMPOTENT.test(file.textOf(fn))) return null
  const call = callsIn(fn.body).find(
    (one) => one.name === "raise_for_status" || changes(program, file, one),
  )
  if (!call || asksWhich(file, fn.body)) return null
  return {
    at,
    tier: "likely",
    severity: "low",
    message: `${who} tries \`${fn.name === "" ? "the function" : fn.name}\` again after any error, also after one that stays`,
    because: [
      { text: "tried again whatever it throws", at },
      { text: "a refusal of this comes back each time", at: call },
    ],
    checked: ["the retry is told of no type of error and of no test for one", LOOKED_AT],
  }
}

/** `if (error.noRetry) throw error`, `if (giveUp(error)) …`: a test of the error that was caught. */
function asksOf(file: File, { binding, body }: Catch): boolean {
  if (binding === null) return false
  const named = new RegExp(`\\b${binding.replaceAll("$", "\\$")}\\b`)
  let found = false
  walk(body, (node) => {
    if (node.kind === "if" || node.kind === "conditional") {
      const text = file.textOf(node.test)
      found ||= named.test(text) && !/abort|cancel|instanceof Error\b/i.test(text)
    }
    return !found
  })
  return found
}

function firstTry(around: Node): Try | null {
  let found: Try | null = null
  walk(around, (node) => {
    if (node.kind === "try" && node.catches.length > 0) found ??= node
    return found === null && (node === around || node.kind !== "function")
  })
  return found
}

/** The word before the body of a clause. */
function headOf(file: File, { body }: Catch): { readonly start: number; readonly end: number } {
  const word = Math.max(
    file.text.lastIndexOf("except", body.start),
    file.text.lastIndexOf("catch", body.start),
  )
  return { start: word, end: word + "catch".length }
}

function changes(program: Program, file: File, call: Call): boolean {
  if (ASKS_MODEL.test(call.name) && MODELS.test(dotted(call.callee))) return true
  const [verb] = wordsOf(call.name)
  if (verb === undefined || !MUTATING.has(verb))
    return /method\s*[:=]\s*["'](?:POST|PUT|PATCH)/.test(file.textOf(call))
  return targetOf(program, file, call) === "remote"
}

/** The place that takes every error, when nothing within the loop asks which one it was. */
function catchAll(file: File, round: Round, operation: Call): Node | Catch | null {
  const around = round.around!
  const tried = tryAround(file, operation, around)
  if (tried) {
    const caught = takesAll(tried, (type) => CATCH_ALL.test(type))
    return asksWhich(file, tried) ? null : caught
  }
  if (file.language !== "go" || asksWhich(file, around)) return null
  return round.failure ?? around
}

function tryAround(file: File, call: Call, around: Node): Try | null {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "try" && outer.catches.length > 0) return outer
    if (outer === around) return null
  }
  return null
}

/** Whether any test below a node asks what kind of error, or what status, it was. */
function asksWhich(file: File, node: Node): boolean {
  let found = false
  walk(node, (one) => {
    if (one.kind === "if" || one.kind === "conditional")
      found ||=
        FILTER.test(file.textOf(one.test)) &&
        !/^\s*err\s*[!=]=\s*nil\s*$/.test(file.textOf(one.test))
    if (one.kind === "switch") found = true
    if (one.kind === "call" && /retryable|isTransient|raise_for_status|shouldRetry/i.test(one.name))
      found ||= one.name !== "raise_for_status"
    return !found
  })
  return found
}
