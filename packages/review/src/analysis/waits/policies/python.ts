/** Retries that libraries of Python carry out: tenacity, retrying, backoff, urllib3, celery, redis, rq, arq and others. */
import type { Annotation, Call, Class, Func, Node } from "../../../ir/nodes.ts"
import { isEntropic } from "../../program/entropy.ts"
import type { File } from "../../program/file.ts"
import { dotted, receiverOf } from "../../program/names.ts"
import type { Program } from "../../program/program.ts"
import { expressionAround, originOf, type Policy } from "./policy.ts"

/** A file without one of these has no such policy. */
const LIBRARIES =
  /\b(?:tenacity|retrying|backoff|retry|urllib3|requests|celery|shared_task|Task|aiohttp_retry|redis|rq|arq|prefect|huey)\b/

type Given = ReadonlyMap<string, Node>

interface Kind {
  readonly origin: RegExp
  /** One of these says how long; where there is none, the delay is always the library's own. */
  readonly delays: readonly string[]
  /** Any of these spreads it, or leaves it to somebody else. */
  readonly spread: readonly string[]
  readonly who: string
}

/** Calls and decorators whose arguments say all of it. */
const KINDS: readonly Kind[] = [
  {
    origin: /^retrying\.(?:retry|Retrying)$/,
    delays: ["wait_fixed", "wait_exponential_multiplier", "wait_incrementing_start"],
    spread: ["wait_random_min", "wait_random_max", "wait_jitter_max", "wait_func"],
    who: "retrying",
  },
  {
    origin: /^retry\.(?:api\.)?(?:retry|retry_call)$|^retry2\.(?:retry|retry_call)$/,
    delays: ["delay"],
    spread: ["jitter"],
    who: "retry",
  },
  {
    origin: /^(?:urllib3|requests\.(?:adapters|packages))(?:\.\w+)*\.Retry$/,
    delays: ["backoff_factor"],
    spread: ["backoff_jitter"],
    who: "urllib3's Retry",
  },
  {
    origin: /^aiohttp_retry\.(?:\w+\.)?(?:ExponentialRetry|FibonacciRetry|ListRetry)$/,
    delays: [],
    spread: [],
    who: "aiohttp_retry",
  },
  {
    origin:
      /^redis(?:\.asyncio)?\.backoff\.(?:ExponentialBackoff|ConstantBackoff|LinearBackoff)$|^redis\.(?:ExponentialBackoff|ConstantBackoff)$/,
    delays: [],
    spread: [],
    who: "the Redis client",
  },
  { origin: /^rq\.(?:job\.)?Retry$/, delays: ["interval"], spread: [], who: "rq" },
  { origin: /^arq\.(?:worker\.)?Retry$/, delays: ["defer"], spread: [], who: "arq" },
  {
    origin: /^prefect\.(?:task|flow)$/,
    delays: ["retry_delay_seconds"],
    spread: ["retry_jitter_factor"],
    who: "Prefect",
  },
]

const TENACITY = /^tenacity\.(?:wait\.)?wait_(?:fixed|exponential|incrementing)$/

export function policiesOfPython(program: Program, file: File): readonly Policy[] {
  if (!LIBRARIES.test(file.text)) return []
  const found: Policy[] = []
  const told = new Set<Node>()
  for (const call of file.calls) {
    const one =
      ofKind(program, file, call, originOf(file, call.callee), call.args) ??
      ofTenacity(program, file, call, told) ??
      ofCeleryCall(program, file, call)
    if (one) found.push(one)
  }
  for (const fn of file.functions)
    for (const annotation of fn.annotations) {
      const one = ofAnnotation(program, file, annotation)
      if (one) found.push(one)
    }
  for (const one of file.classes) found.push(...ofTaskClass(one))
  return found
}

function ofAnnotation(program: Program, file: File, annotation: Annotation): Policy | null {
  const origin = originOfName(file, annotation.name)
  return (
    ofKind(program, file, annotation, origin, annotation.args) ??
    (origin !== null && /^backoff\.on_exception$/.test(origin)
      ? ofBackoff(annotation, annotation.args)
      : null) ??
    ofCeleryDecorator(program, file, annotation)
  )
}

function originOfName(file: File, name: string): string | null {
  const [root, ...rest] = name.split(".")
  const link = file.importOf(root!)
  if (!link) return null
  return [link.module, ...(link.name === "*" ? [] : [link.name]), ...rest].join(".")
}

function ofKind(
  program: Program,
  file: File,
  at: Call | Annotation,
  origin: string | null,
  args: readonly Node[],
): Policy | null {
  if (origin === null) return null
  const kind = KINDS.find((one) => one.origin.test(origin))
  if (!kind || args.some((arg) => arg.kind === "spread")) return null
  const given = givenBy(args)
  if (kind.spread.some((name) => given.has(name))) return null
  const delay = kind.delays.map((name) => given.get(name)).find((one) => one !== undefined)
  if (kind.delays.length > 0 && (!delay || isNothing(delay) || isEntropic(program, file, delay)))
    return null
  if (isSingleTry(given)) return null
  return {
    at: delay ?? at,
    who: kind.who,
    why: "the delay depends on nothing but the number of attempts",
    missing:
      kind.spread.length > 0
        ? `${kind.spread.join(" or ")} is not given`
        : "no strategy with chance is chosen",
  }
}

/** `wait=wait_exponential(…)` that no `wait_random` is added to. */
function ofTenacity(program: Program, file: File, call: Call, told: Set<Node>): Policy | null {
  if (!call.name.startsWith("wait_")) return null
  const origin = originOf(file, call.callee)
  if (origin === null || !TENACITY.test(origin)) return null
  const whole = expressionAround(file, call)
  if (told.has(whole) || /wait_random|jitter/.test(file.textOf(whole))) return null
  const [first] = call.args
  if (first && isNothing(first)) return null
  if (call.args.some((arg) => isEntropic(program, file, arg)) || asksForResult(file, call, whole))
    return null
  told.add(whole)
  return {
    at: call,
    who: `tenacity's ${call.name}`,
    why: "the delay depends on nothing but the number of attempts",
    missing: "neither wait_random nor wait_exponential_jitter is part of it",
  }
}

/** `retry=retry_if_result(is_pending)`: waiting for a state, not trying again after a failure. */
function asksForResult(file: File, call: Call, whole: Node): boolean {
  const fn = file.parentOf(whole)
  const annotations = fn?.kind === "function" ? fn.annotations : []
  const around = annotations.find((one) => one.start <= call.start && call.end <= one.end)
  const text = file.textOf(around ?? whole)
  return /retry_if_(?:not_)?result/.test(text) && !/retry_if_(?:not_)?exception/.test(text)
}

/** `@backoff.on_exception(backoff.expo, Error, jitter=None)`: it spreads by itself until that is taken away. */
function ofBackoff(at: Annotation, args: readonly Node[]): Policy | null {
  const jitter = givenBy(args).get("jitter")
  if (jitter?.kind !== "null") return null
  return {
    at,
    who: "backoff",
    why: "its jitter is switched off",
    missing: "jitter is None",
  }
}

const TASK = /(?:^|\.)(?:task|shared_task|periodic_task)$/

/** `self.retry(countdown=2 ** self.request.retries)` of a Celery task. */
function ofCeleryCall(program: Program, file: File, call: Call): Policy | null {
  if (call.name !== "retry" || !receiverOf(call)) return null
  const method = file.methodOf(call)
  const annotation = method?.annotations.find((one) => TASK.test(one.name))
  if (!method || (!annotation && !isTaskMethod(file, method, call))) return null
  const given = givenBy(call.args)
  if (given.has("eta") || call.args.some((arg) => arg.kind === "spread")) return null
  const delay =
    given.get("countdown") ??
    (annotation && givenBy(annotation.args).get("default_retry_delay")) ??
    null
  if (!delay || isNothing(delay) || isEntropic(program, file, delay)) return null
  if (/retry_?after|reset/i.test(file.textOf(delay))) return null
  // `if not ready: raise self.retry(countdown=interval)` asks again whether something is there by now.
  if (!given.has("exc") && !isCaught(file, call)) return null
  return {
    at: call,
    who: `\`${dotted(call.callee)}\``,
    why: "every task that failed at the same time comes back at the same time",
    missing: "no random source flows into the countdown",
  }
}

function isCaught(file: File, call: Call): boolean {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "function") return false
    if (outer.kind === "try")
      return outer.catches.some(({ body }) => body.start <= call.start && call.end <= body.end)
  }
  return false
}

function isTaskMethod(file: File, method: Func, call: Call): boolean {
  const receiver = receiverOf(call)
  return (
    receiver?.kind === "name" &&
    receiver.name === "self" &&
    method.params[0]?.name === "self" &&
    (file.classOf(method)?.bases.some((base) => /(?:^|\.)\w*Task$/.test(base)) ?? false)
  )
}

/** `@app.task(autoretry_for=(Error,), retry_backoff=True, retry_jitter=False)`. */
function ofCeleryDecorator(program: Program, file: File, at: Annotation): Policy | null {
  if (!TASK.test(at.name)) return null
  const given = givenBy(at.args)
  if (!given.has("autoretry_for")) return null
  const backoff = given.get("retry_backoff")
  const jitter = given.get("retry_jitter")
  const grows = backoff !== undefined && !isNothing(backoff)
  if (grows) {
    if (jitter?.kind !== "bool" || jitter.value) return null
    return { at: jitter, ...CELERY_OFF }
  }
  const kwargs = given.get("retry_kwargs")
  const countdown =
    (kwargs?.kind === "object"
      ? kwargs.entries.find((one) => one.key === "countdown")?.value
      : undefined) ?? given.get("default_retry_delay")
  if (!countdown || isNothing(countdown) || isEntropic(program, file, countdown)) return null
  return {
    at: countdown,
    who: "Celery",
    why: "every task that failed at the same time comes back at the same time",
    missing: "neither retry_backoff, which comes with jitter, nor a random countdown is given",
  }
}

const CELERY_OFF = {
  who: "Celery",
  why: "its jitter is switched off",
  missing: "retry_jitter is False",
}

/** `class BaseTask(Task): retry_backoff = True; retry_jitter = False`. */
function ofTaskClass(one: Class): Policy[] {
  if (!one.bases.some((base) => /(?:^|\.)\w*Task$/.test(base))) return []
  const fields = new Map(one.fields.map((field) => [field.name, field.value]))
  const backoff = fields.get("retry_backoff")
  const jitter = fields.get("retry_jitter")
  return backoff && !isNothing(backoff) && jitter?.kind === "bool" && !jitter.value
    ? [{ at: jitter, ...CELERY_OFF }]
    : []
}

function givenBy(args: readonly Node[]): Given {
  return new Map(args.flatMap((arg) => (arg.kind === "named" ? [[arg.name, arg.value]] : [])))
}

function isNothing(node: Node): boolean {
  return (
    node.kind === "null" ||
    (node.kind === "number" && node.value === 0) ||
    (node.kind === "bool" && !node.value)
  )
}

function isSingleTry(given: Given): boolean {
  return ["total", "tries", "retries", "max", "stop_max_attempt_number", "attempts"].some(
    (name) => {
      const value = given.get(name)
      return value?.kind === "number" && value.value === 0
    },
  )
}
