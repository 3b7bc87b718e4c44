/** retry-nonretryable: a request that was refused for good is sent again, and one that went through twice. */
import type { File } from "../analysis/file.ts"
import { dotted, wordsOf } from "../analysis/names.ts"
import type { Program } from "../analysis/program.ts"
import { roundOf, type Round } from "../analysis/retries.ts"
import { targetOf } from "../analysis/targets.ts"
import { waitsOf } from "../analysis/waits.ts"
import { walk } from "../ir/children.ts"
import type { Call, Catch, Node, Try } from "../ir/nodes.ts"
import type { Rule } from "./rule.ts"

const MUTATING = new Set(
  "post put patch create charge pay capture refund transfer send submit place book reserve order register cancel".split(
    " ",
  ),
)

/** What is asked to tell an error that may go away from one that stays. */
const FILTER =
  /status|code|retry_?able|is_?retri|transient|temporary|instanceof|isinstance|errors\.(?:Is|As)|\bis [A-Z]|Timeout|response|permanent|fatal|\b4\d\d\b|\b5\d\d\b|\b429\b/i

const CATCH_ALL =
  /^(?:Exception|BaseException|Throwable|RuntimeException|Error|RequestException|requests\.RequestException|requests\.exceptions\.RequestException)$/

/** A key by which the server knows a request again makes it safe to send twice. */
const IDEMPOTENT = /idempoten|dedup|client_?token|request_?id/i

export const retryNonretryable: Rule = {
  id: "retry-nonretryable",
  title: "Every error is retried",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /sleep|Sleep|delay|Delay|backoff|Backoff|After\(|setTimeout|wait/,
  docs: {
    what: "A request that changes something is sent again after any error, without a look at which error it was.",
    why: "A rejected request (bad input, no permission) is rejected again each time; and one whose reply was lost after it went through is carried out twice.",
    silent: [
      "The error's type, status or code is looked at before the next attempt.",
      "Only named, transient errors are caught.",
      "The request carries an idempotency key, or only reads.",
    ],
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
      const { around, operation } = round
      if (round.purpose !== "retry" || !around || !operation || seen.has(around)) continue
      seen.add(around)
      if (!changes(program, file, operation) || IDEMPOTENT.test(file.textOf(around))) continue
      const caught = catchAll(file, round, operation)
      if (!caught) continue
      report({
        at: operation,
        tier: "likely",
        severity: "medium",
        message: `\`${dotted(operation.callee)}\` changes something and is sent again after any error`,
        because: [
          { text: "sent again", at: operation },
          { text: "after any error", at: caught },
          { text: "once this wait is over", at: wait.call },
        ],
        checked: [
          "neither type, status nor code of the error is looked at",
          "no idempotency key goes with the request",
        ],
      })
    }
  },
}

function changes(program: Program, file: File, call: Call): boolean {
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
    const caught = tried.catches.find(
      (one) => one.types.length === 0 || one.types.some((type) => CATCH_ALL.test(type)),
    )
    if (!caught || tried.catches.length > 1 || asksWhich(file, tried)) return null
    return caught
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
