/** idempotency-key-internal: a key that is new each time recognises nothing. */
import { definitionsOf } from "../analysis/program/definitions.ts"
import { isRandomSource } from "../analysis/program/entropy.ts"
import type { File } from "../analysis/program/file.ts"
import { isRequestHandler } from "../analysis/program/handlers.ts"
import { type KeyUse, keyUsesOf } from "../analysis/effects/keyUses.ts"
import { dotted, wordsOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { resolveCall } from "../analysis/program/resolve.ts"
import { countedAttempts } from "../analysis/waits/ways.ts"
import { isExamplePath } from "../files/testPath.ts"
import { walk } from "../ir/children.ts"
import type { Call, Func, Node } from "../ir/nodes.ts"
import type { DraftFact, Rule } from "./rule.ts"

/** Calls that run their callback again when it fails. */
const RETRIES =
  /retry|retries|withBackoff|backoff|^attempt$|executeWithRetry|pRetry|^Do$|untilSuccess|resilien/i
const RETRY_ANNOTATIONS = /(?:^|\.)(?:Retryable|Retry|retry|backoff|on_exception|retrying)(?:$|\.)/

export const idempotencyKeyInternal: Rule = {
  id: "idempotency-key-internal",
  title: "Idempotency key that is new each time",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /[iI]dempoten|[dD]edup|[pP]ay[pP]al-[rR]equest-[iI]d/,
  docs: {
    what: "The idempotency key of a request is drawn at random where the request is made, within the round that is retried or in the handler of a request that its sender repeats.",
    why: "The key exists so that a repetition is recognised. A key that is drawn again with every attempt makes each attempt a new operation: the charge that timed out is charged a second time.",
    silent: [
      "The key comes from the caller, from the message or from stored data, and chance is only the fallback.",
      "It is drawn once, outside the loop or callback that is retried, and every attempt sends the same one.",
      "It is kept: stored before the request is sent.",
    ],
    reach: {
      sees: [
        "Keys by their names: `Idempotency-Key`, `idempotencyKey`, `idempotency_key`, MessageDeduplicationId, PayPal-Request-Id; as a header, an option, a named argument, a setter or a field.",
        "Chance of every language: UUIDs, ULIDs, nanoid, random numbers and bytes, and a helper of the repository that returns nothing else; within a retry also the clock.",
        "Rounds that run again: counted loops, loops that go on after a failure, callbacks of what is called retry or backoff, `@Retryable`, `@Retry`, tenacity's `@retry` and `@backoff.on_exception`.",
        "Handlers of requests: net/http, Gin, Echo, Fiber, Flask, FastAPI, Django REST, Express, Fastify, Hono, Nest, Next, Spring, JAX-RS, Ktor, gRPC.",
      ],
      misses: [
        "A function that a queue or a scheduler runs again, where nothing in it says so.",
        "A key that is drawn in one function and given in another.",
        "Client tokens of the clouds' libraries, which draw and keep them themselves.",
      ],
    },
    fix: "Derive the key from what identifies the operation (order and attempt of the user, message identity), or draw it once, store it with the operation, and send the stored one on every attempt.",
    reference: "https://aws.amazon.com/builders-library/making-retries-safe-with-idempotent-APIs/",
    examples: {
      go: {
        bad: 'for attempt := 0; attempt < 3; attempt++ {\n\treq.Header.Set("Idempotency-Key", uuid.NewString())\n\tif resp, err := client.Do(req); err == nil {\n\t\treturn resp, nil\n\t}\n}',
        good: 'key := uuid.NewString()\nfor attempt := 0; attempt < 3; attempt++ {\n\treq.Header.Set("Idempotency-Key", key)\n\tif resp, err := client.Do(req); err == nil {\n\t\treturn resp, nil\n\t}\n}',
      },
      python: {
        bad: "@retry(stop=stop_after_attempt(3))\ndef charge(order):\n    stripe.Charge.create(amount=order.total, idempotency_key=str(uuid.uuid4()))",
        good: '@retry(stop=stop_after_attempt(3))\ndef charge(order):\n    stripe.Charge.create(amount=order.total, idempotency_key=f"charge-{order.id}")',
      },
      typescript: {
        bad: "await stripe.paymentIntents.create(params, { idempotencyKey: randomUUID() })",
        good: "await stripe.paymentIntents.create(params, { idempotencyKey: `order-${order.id}` })",
      },
      java: {
        bad: "RequestOptions.builder().setIdempotencyKey(UUID.randomUUID().toString()).build()",
        good: 'RequestOptions.builder().setIdempotencyKey("order-" + order.getId()).build()',
      },
      kotlin: {
        bad: 'client.post(url) { header("Idempotency-Key", UUID.randomUUID().toString()) }',
        good: 'client.post(url) { header("Idempotency-Key", "order-${order.id}") }',
      },
    },
  },
  check(file, program, report) {
    if (isExamplePath(file.path)) return
    for (const use of keyUsesOf(file)) {
      const draw = drawOf(program, file, use)
      if (!draw || isFallback(file, use.at)) continue
      const round = retriedAround(file, draw.call)
      // Outside of a retry a time may well be part of the operation's own name.
      if (!round && isClock(draw.call)) continue
      // Drawn once, and the round that is retried only uses it.
      if (!round && (retriedAround(file, use.at) || isKept(file, use, draw))) continue
      const fn = file.functionOf(use.at)
      if (!round && fn && retriesWithin(program, file, fn)) continue
      const method = file.methodOf(use.at)
      const isHandled =
        (fn !== null && isRequestHandler(file, fn)) ||
        (method !== null && isRequestHandler(file, method))
      const because: DraftFact[] = [
        { text: "drawn here, anew each time", at: draw.call },
        ...(draw.name ? [{ text: `and given as ${use.name} here`, at: use.at }] : []),
        ...(round ? [{ text: "this runs again after a failure", at: round }] : []),
      ]
      report({
        at: draw.call,
        tier: round
          ? "certain"
          : (draw.name === null || isHandled || isMoney(file, use)) && !isOfRow(program, file, use)
            ? "likely"
            : "context",
        severity: round || isMoney(file, use) ? "high" : "medium",
        message: round
          ? `every attempt gets a new ${use.name}: the other side cannot tell them to be one`
          : `${use.name} is drawn at random where the request is made: a repetition of it is not recognised`,
        because,
        checked: [
          "chance is not only the fallback for a key of the caller",
          "the key is not drawn once outside of what is retried",
          "the key is not stored",
        ],
      })
    }
  },
}

/** `TransferEvent(idempotency_key=…)`: a row that is made, and that the request is read from later. */
function isOfRow(program: Program, file: File, { at }: KeyUse): boolean {
  for (const outer of file.ancestorsOf(at)) {
    if (outer.kind === "function") return false
    if (outer.kind !== "call") continue
    if (/\.objects\b/.test(dotted(outer.callee))) return true
    return program
      .classesNamed(outer.name)
      .some((one) =>
        one.bases.some((base) => /(?:^|\.)(?:Base)?(?:Model|Entity)\w*$|Model$/.test(base)),
      )
  }
  return false
}

interface Draw {
  /** The random source. */
  readonly call: Call
  /** The variable that holds it, where it is not given directly. */
  readonly name: string | null
}

/** The random source that a key comes from by itself: directly, or through one local name. */
function drawOf(program: Program, file: File, use: KeyUse): Draw | null {
  const direct = sourceIn(program, file, use.value)
  if (direct) return { call: direct, name: null }
  const { value } = use
  if (value.kind !== "name") return null
  const fn = file.functionOf(use.at)
  const definitions = definitionsOf(program, file, value)
  const [only] = definitions
  if (!fn || definitions.length !== 1 || !only?.value || only.isParam || only.file !== file)
    return null
  if (isFallback(file, only.at)) return null
  const within = file.methodOf(use.at) ?? fn
  if (only.at.start < within.start || only.at.end > within.end) return null
  const call = sourceIn(program, file, only.value)
  return call && { call, name: value.name }
}

/** The source in an expression that is nothing else than random: no name of the operation is mixed in. */
function sourceIn(program: Program, file: File, value: Node): Call | null {
  let source: Call | null = null
  let isMixed = false
  walk(value, (node) => {
    if (isMixed) return false
    if (node.kind === "binary" && /^(?:\?\?|\|\||&&)$/.test(node.op)) isMixed = true
    if (node.kind === "conditional" || node.kind === "lambda") isMixed = true
    if (node.kind === "call") {
      if (isRandomSource(file, node) || isClock(node)) source ??= node
      else if (!isConversion(node)) {
        const inner = helperSource(program, file, node)
        if (inner) source ??= node
        else isMixed = true
      }
    }
    return node !== source
  })
  return isMixed ? null : source
}

/** The time of the attempt: another attempt has another one. */
function isClock(call: Call): boolean {
  return /^(?:Date\.now|time\.time|time\.time_ns|System\.currentTimeMillis|System\.nanoTime|performance\.now|Clock\.System\.now|Instant\.now)$/.test(
    dotted(call.callee),
  )
}

function isConversion(call: Call): boolean {
  return /^(?:str|String|toString|hex|Sprintf|format|replace|replaceAll|ToPtr|Ptr|Pointer|Must|NewString|bytes|encode|substring|slice|take|of|ofNullable|toHexString|randomUUID|F|Some|urn)$/.test(
    call.name,
  )
}

/** A function of the repository that returns nothing but chance: `newKey()`. */
function helperSource(program: Program, file: File, call: Call): boolean {
  if (call.args.length > 0) return false
  return resolveCall(program, file, call).some(({ file: at, fn }) => {
    const last = fn.body?.body.at(-1)
    if (last?.kind !== "return" || !last.value || fn.body!.body.length > 2) return false
    let found = false
    walk(last.value, (node) => {
      if (node.kind === "call" && isRandomSource(at, node)) found = true
      return !found
    })
    return found
  })
}

/** `if (!key) key = randomUUID()`, `key ??= …`, `getOrDefault`: the caller's key comes first. */
function isFallback(file: File, node: Node): boolean {
  if (node.kind === "assign" && /\?\?=|\|\|=/.test(node.op)) return true
  let inner = node
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "if" && inner !== outer.test && outer.init !== inner) {
      if (/idempot|dedup|\bkey\b|token|request_?id/i.test(file.textOf(outer.test))) return true
    }
    if (outer.kind === "binary" && /^(?:\?\?|\|\|)$/.test(outer.op)) return true
    if (outer.kind === "conditional") return true
    if (
      outer.kind === "call" &&
      /^(?:setdefault|putIfAbsent|getOrDefault|orElse|orElseGet|computeIfAbsent)$/.test(outer.name)
    )
      return true
    if (outer.kind === "function" && !outer.isLambda) return false
    inner = outer
  }
  return false
}

/** The loop, callback or annotation that runs a node again after a failure. */
function retriedAround(file: File, node: Node): Node | null {
  let inner: Node = node
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "loop" && outer.body === inner) {
      if (outer.form !== "each" && (countedAttempts(outer) || holdsFailure(file, outer)))
        return outer
      if (outer.form === "each" && countedAttempts(outer)) return outer
      // A loop over items makes an operation of each.
      if (outer.form === "each") return null
    }
    if (
      outer.kind === "call" &&
      inner !== outer.callee &&
      inner.kind === "lambda" &&
      RETRIES.test(outer.name) &&
      isRetrier(outer)
    )
      return outer
    if (outer.kind === "function") {
      if (outer.annotations.some((one) => RETRY_ANNOTATIONS.test(one.name))) return outer
      if (!outer.isLambda) return null
    }
    inner = outer
  }
  return null
}

/** `once.Do(…)` runs once. */
function isRetrier(call: Call): boolean {
  return call.name !== "Do" || /retry|backoff/i.test(dotted(call.callee))
}

/** A loop that goes on after a failure: a catch, or an error that is looked at, with a way out when all is well. */
function holdsFailure(file: File, loop: Node & { kind: "loop" }): boolean {
  let fails = false
  let leaves = false
  walk(loop.body, (node) => {
    if (node.kind === "function" && !node.isLambda) return false
    if (node.kind === "try" && node.catches.length > 0) fails = true
    if (node.kind === "if" && /\berr\b/.test(file.textOf(node.test))) fails = true
    if (node.kind === "return" || node.kind === "break") leaves = true
    return undefined
  })
  return fails && leaves
}

/** Whether a function that draws once retries in itself or through what it hands the request to. */
function retriesWithin(program: Program, file: File, fn: Func): boolean {
  let found = false
  walk(fn, (node) => {
    if (found) return false
    if (node.kind === "loop" && node.form !== "each" && countedAttempts(node)) found = true
    if (
      node.kind === "call" &&
      (RETRIES.test(node.name) || /retr(?:y|ies)/i.test(dotted(node.callee))) &&
      isRetrier(node)
    )
      found = true
    else if (node.kind === "call")
      found ||= resolveCall(program, file, node).some((target) => looksRetried(target.fn))
    return undefined
  })
  return found
}

function looksRetried(fn: Func): boolean {
  if (fn.annotations.some((one) => RETRY_ANNOTATIONS.test(one.name))) return true
  let found = false
  if (fn.body) {
    walk(fn.body, (node) => {
      if (node.kind === "loop" && countedAttempts(node)) found = true
      return !found
    })
  }
  return found
}

/** Whether the name of a drawn key goes anywhere else: it is stored, returned or logged to be found again. */
function isKept(file: File, use: KeyUse, draw: Draw): boolean {
  if (draw.name === null) return false
  const within = file.methodOf(use.at) ?? file.functionOf(use.at)
  if (!within) return false
  let uses = 0
  walk(within, (node) => {
    if (node.kind === "name" && node.name === draw.name) uses++
    return undefined
  })
  // Its definition and this use; every other one keeps it.
  return uses > 2
}

function isMoney(file: File, use: KeyUse): boolean {
  const fn = file.methodOf(use.at)
  const words = wordsOf(`${file.path} ${fn?.name ?? ""} ${file.classOf(use.at)?.name ?? ""}`)
  return words.some((word) =>
    /^(?:pay|payments?|charges?|refunds?|payouts?|stripe|billing|transfers?|orders?|invoices?|checkout)$/.test(
      word,
    ),
  )
}
