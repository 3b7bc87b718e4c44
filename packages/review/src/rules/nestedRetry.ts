/** nested-retry: a retry around a retry multiplies. */
import type { File } from "../analysis/program/file.ts"
import { meaningOf } from "../analysis/program/failures.ts"
import { isKnown } from "../analysis/program/known.ts"
import { dotted } from "../analysis/program/names.ts"
import type { Located, Program } from "../analysis/program/program.ts"
import { callsIn } from "../analysis/waits/refusals.ts"
import { resolveCall, resolveFunction } from "../analysis/program/resolve.ts"
import { ANNOTATIONS, doubledClients, RETRYING } from "../analysis/waits/retryingClients.ts"
import { roundOf, type Round } from "../analysis/waits/retries.ts"
import { waitsOf } from "../analysis/waits/waits.ts"
import { walk } from "../ir/children.ts"
import type { Call, Func, Node } from "../ir/nodes.ts"
import type { DraftFact, Rule } from "./rule.ts"

/** Clients that are built to try again. */
const CLIENTS =
  /retryablehttp|axios-?[rR]etry|HTTPAdapter\(max_retries|Retry\(total|retryStrategy|retries:\s*[1-9]|['"]max_attempts['"]\s*:|Config\([^)]*max_attempts|NewClient\(\)\.RetryMax/

const OWN = Symbol("retries of a function")

export const nestedRetry: Rule = {
  id: "nested-retry",
  title: "Retry around a retry",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /retr(?:y|i)|Retr(?:y|i)|attempt|backoff|Backoff|sleep|Sleep|OpenAI\(|Anthropic\w*\(|Groq\(/,
  docs: {
    what: "A loop that tries again calls something that tries again itself: a function, or a client of a service that does so unless it is told not to.",
    why: "Attempts multiply: five times five is twenty-five calls for one request, and with a third layer a hundred and twenty-five, all while the server is down.",
    silent: [
      "Only one of the layers waits and tries again.",
      "The inner one is told not to (one attempt).",
      "The outer one starts something new each time rather than the same again.",
    ],
    reach: {
      sees: [
        "An outer loop that waits after a failure and tries again.",
        "In it a call of a function of the repository that has such a loop itself, is annotated (tenacity's and retrying's `@retry`, `@backoff.on_exception`, `@Retryable`, `@Retry`), hands a function to p-retry, `retry`, `backOff`, `RetryNotify`, `retry_call` or their like, or names a client that tries again (go-retryablehttp, axios-retry, urllib3's Retry).",
        "In Python a call of boto3 whose ClientError is caught, where no code sets `max_attempts`.",
        "In Python and TypeScript clients of OpenAI, Anthropic, Groq, Cerebras and Together that are made without a word on retries, in a class that tries again or extends one that does; also by a function that is given what to try again, or by an annotation.",
      ],
      misses: [
        "Two layers that are both libraries or annotations, but for the clients above: the outer one has to be a loop.",
        "An inner retry more than one call away from the loop.",
        "Retries of proxies, meshes, queues and schedulers.",
      ],
    },
    fix: "Retry in one layer, the one that knows whether it is worth it, and set the other to a single attempt.",
    reference: "https://sre.google/sre-book/addressing-cascading-failures/",
    examples: {
      go: {
        bad: "for attempt := 0; attempt < 5; attempt++ {\n\tif err := postWithRetries(ctx, body); err == nil {\n\t\treturn nil\n\t}\n\ttime.Sleep(rand.N(time.Second))\n}",
        good: "return postWithRetries(ctx, body)",
      },
      python: {
        bad: "for attempt in range(5):\n    try:\n        return fetch_with_retries(url)\n    except OSError:\n        time.sleep(random.random())",
        good: "return fetch_with_retries(url)",
      },
      typescript: {
        bad: "for (let attempt = 0; attempt < 5; attempt++) {\n  try {\n    return await pRetry(() => call())\n  } catch {\n    await sleep(Math.random() * 1_000)\n  }\n}",
        good: "return await pRetry(() => call(), { retries: 5 })",
      },
      java: {
        bad: "for (int attempt = 0; attempt < 5; attempt++) {\n  try {\n    return client.fetchRetryable(id);\n  } catch (IOException e) {\n    Thread.sleep(random.nextInt(1000));\n  }\n}",
        good: "return client.fetchRetryable(id);",
      },
      kotlin: {
        bad: "repeat(5) {\n  try {\n    return client.fetchRetryable(id)\n  } catch (e: IOException) {\n    delay(Random.nextLong(1_000))\n  }\n}",
        good: "return client.fetchRetryable(id)",
      },
    },
  },
  check(file, program, report) {
    const seen = new Set<Node>()
    for (const wait of waitsOf(program, file)) {
      const round = roundOf(program, file, wait)
      if (round.purpose !== "retry" || round.around?.kind !== "loop" || seen.has(round.around))
        continue
      seen.add(round.around)
      const inner = innerRetry(program, file, round, wait.call) ?? ofAws(program, file, round)
      if (!inner) continue
      report({
        at: inner.call,
        tier: "likely",
        severity: "medium",
        message: `\`${dotted(inner.call.callee)}\` tries again itself, within a loop that tries it again: their attempts multiply`,
        because: [
          { text: "the outer retry waits here", at: wait.call },
          { text: "what it tries again", at: inner.call },
          ...inner.facts,
        ],
        checked: [
          "the inner retry is not set to a single attempt",
          "the outer loop tries the same again, not something new",
        ],
      })
    }
    for (const { client, again, file: from } of doubledClients(program, file))
      report({
        at: client,
        tier: "likely",
        severity: "medium",
        message: `\`${dotted(client.callee)}\` tries each request up to three times by itself, and is tried again around it: their attempts multiply`,
        because: [
          { text: "made here without a word on retries", at: client },
          { text: "the outer retry is here", at: again, file: from },
        ],
        checked: ["max_retries is not set where the client is made"],
        fix: {
          text: "Set max_retries=0 (maxRetries: 0) where the client is made, or leave the retries to it.",
        },
      })
  },
}

interface Inner {
  readonly call: Call
  readonly facts: readonly DraftFact[]
}

function innerRetry(program: Program, file: File, round: Round, wait: Call): Inner | null {
  let found: Inner | null = null
  const around = round.around!
  const repair = repairOf(round)
  walk(around, (node) => {
    if (found || node === wait || node === repair) return false
    if (node.kind !== "call" || node.start === around.start) return undefined
    if (node !== round.operation && isRepair(file, node, around)) return undefined
    if (
      (RETRYING.test(node.name) || isKnown(program.known.retries, node.callee)) &&
      node.args.some((arg) => isFunction(program, file, arg)) &&
      !isSingle(file, node)
    ) {
      found = {
        call: node,
        facts: [{ text: "a function that tries again what it is given", at: node }],
      }
      return false
    }
    const targets = resolveCall(program, file, node).filter(
      (target) => !(target.file === file && holds(target.fn, around)),
    )
    // Where several may be meant, what one of them does says nothing.
    const facts = targets.map((target) => retriesOf(program, target))
    if (facts[0] && facts.every((one) => one !== null)) found ??= { call: node, facts: facts[0] }
    return undefined
  })
  return found
}

const AWS_TOLD = /max_attempts["']?\s*[:=]|AWS_MAX_ATTEMPTS|total_max_attempts/

/** A call of AWS whose `ClientError` is waited for: boto3 tried it up to five times before it threw. */
function ofAws(program: Program, file: File, { around }: Round): Inner | null {
  if (file.language !== "python" || !/\bbotocore\.exceptions\b/.test(file.text)) return null
  let found: Call | null = null
  walk(around!, (node) => {
    if (node.kind === "try" && node.catches.some(({ types }) => types.some(isOfAws)))
      found ??=
        callsIn(node.body).find(({ callee }) =>
          /client|_?(?:s3|sqs|sns|dynamo\w*|ec2|ssm|logs|table|bucket)\.\w+$/i.test(dotted(callee)),
        ) ?? null
    return found === null && (node === around || node.kind !== "function")
  })
  if (!found || program.evidence.find(file.path, AWS_TOLD, "sources", "boto3 attempts")) return null
  return { call: found, facts: [{ text: "boto3 tries it several times by itself", at: found }] }
}

function isOfAws(type: string): boolean {
  return /(?:^|\.)(?:ClientError|BotoCoreError)$/.test(type)
}

/** `if (isStale) reconnect()`: done when it is needed, whatever is tried again. */
function isRepair(file: File, call: Call, around: Node): boolean {
  if (!/reconnect|reopen|restart|recover|relogin|reset|refresh|rebuild/i.test(call.name))
    return false
  for (const outer of file.ancestorsOf(call)) {
    if (outer === around) return false
    if (outer.kind === "if") return true
  }
  return false
}

/** What puts things right after a failure is not what is tried again: `closeAndReconnect()`. */
function repairOf({ around, failure }: Round): Node | null {
  let found: Node | null = null
  walk(around!, (node) => {
    if (node.kind === "if" && node.test === failure && meaningOf(failure) === "failure")
      found = node.then
    if (node.kind === "try" && node.catches.some((one) => one.body === failure))
      found = failure as Node
    return !found
  })
  return found
}

/** Where a function tries again: in a loop of its own, by an annotation, or with a client that does. */
function retriesOf(program: Program, { file, fn }: Located): readonly DraftFact[] | null {
  return program.memo<Func, readonly DraftFact[] | null>(OWN, fn, null, () => {
    const annotation = fn.annotations.find((one) => ANNOTATIONS.test(one.name))
    if (annotation) return [{ text: "is made to try again", at: annotation, file }]
    for (const wait of waitsOf(program, file)) {
      if (wait.call.start < fn.start || wait.call.end > fn.end) continue
      const round = roundOf(program, file, wait)
      // Without a loop of its own it is the caller's retry that waits here.
      const { around } = round
      const isOwn = around !== null && around.start >= fn.start && around.end <= fn.end
      if (round.purpose === "retry" && around?.kind === "loop" && isOwn)
        return [{ text: "waits and tries again here", at: wait.call, file }]
    }
    const call = file.calls.find(
      (one) =>
        one.start >= fn.start &&
        one.end <= fn.end &&
        RETRYING.test(one.name) &&
        one.args.length > 0 &&
        !isSingle(file, one),
    )
    if (call && isFunction(program, file, call.args[0]!))
      return [{ text: "tries again here", at: call, file }]
    return CLIENTS.test(file.textOf(fn))
      ? [
          {
            text: "has a client that tries again",
            at: { start: fn.nameStart, end: fn.nameStart + 1 },
            file,
          },
        ]
      : null
  })
}

/** A request that is handed to `retry` is put back; a function is tried again. */
function isFunction(program: Program, file: File, arg: Node): boolean {
  if (arg.kind === "lambda") return true
  return (
    (arg.kind === "name" || arg.kind === "member") && resolveFunction(program, file, arg).length > 0
  )
}

function isSingle(file: File, call: Call): boolean {
  return /(?:retries|attempts|maxAttempts|max_tries|tries)\s*[:=]\s*[01]\b/.test(file.textOf(call))
}

function holds(outer: Node, inner: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}
