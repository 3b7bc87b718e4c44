/** Where code waits for time to pass, in every language, and through functions that wait for their caller. */
import type { Call, Func, Node, Param } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { numberOf } from "../program/constants.ts"
import type { File } from "../program/file.ts"
import { argNamed, dotted, positional, receiverOf } from "../program/names.ts"
import type { Located, Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"

/**
 * `block`: nothing of this function runs until it is over. `timer`: a callback or a channel comes later.
 * `interval`: again and again.
 */
export type WaitForm = "block" | "timer" | "interval"

export interface Wait {
  readonly call: Call
  readonly form: WaitForm
  /** How long. */
  readonly delay: Node
  /** Milliseconds of one unit of `delay`. */
  readonly unitMs: number
  /** What runs afterwards, of a timer or an interval. */
  readonly callback: Node | null
}

interface Known {
  readonly form: WaitForm
  readonly delay: number
  readonly callback?: number
  readonly unitMs?: number
}

const GO: Readonly<Record<string, Known>> = {
  "time.Sleep": { form: "block", delay: 0 },
  "time.After": { form: "block", delay: 0 },
  "time.NewTimer": { form: "timer", delay: 0 },
  "time.AfterFunc": { form: "timer", delay: 0, callback: 1 },
  "time.NewTicker": { form: "interval", delay: 0 },
  "time.Tick": { form: "interval", delay: 0 },
}

const PYTHON: Readonly<Record<string, Known>> = Object.fromEntries([
  ...["time", "asyncio", "trio", "gevent", "anyio", "eventlet"].map((module): [string, Known] => [
    `${module}.sleep`,
    { form: "block", delay: 0, unitMs: 1000 },
  ]),
  ["threading.Timer", { form: "timer", delay: 0, callback: 1, unitMs: 1000 }],
])

const SCRIPT: Readonly<Record<string, Known>> = {
  setTimeout: { form: "timer", delay: 1, callback: 0 },
  setInterval: { form: "interval", delay: 1, callback: 0 },
  "Bun.sleep": { form: "block", delay: 0 },
  "scheduler.wait": { form: "block", delay: 0 },
}

const JVM: Readonly<Record<string, Known>> = {
  "Thread.sleep": { form: "block", delay: 0 },
  "LockSupport.parkNanos": { form: "block", delay: 0, unitMs: 1e-6 },
  delay: { form: "block", delay: 0 },
}

const TIME_UNITS: ReadonlyMap<string, number> = new Map(
  Object.entries<number>({
    NANOSECONDS: 1e-6,
    MICROSECONDS: 1e-3,
    MILLISECONDS: 1,
    SECONDS: 1000,
    MINUTES: 60_000,
    HOURS: 3_600_000,
    DAYS: 86_400_000,
  }),
)

/** Names of waiting functions whose definition is not in the repository. */
const WAITING =
  /^(?:sleep|delay|msleep|usleep|sleepMs|sleep_ms|sleepAsync|Sleep|pause|CancellableSleep|SleepWithContext|SleepContext)$/

const MEMO = Symbol("waits of a file")
const WRAPPERS = Symbol("parameters that are waited for")

/** Every wait of a file, in the order of the text. */
export function waitsOf(program: Program, file: File): readonly Wait[] {
  return program.memo<File, readonly Wait[]>(MEMO, file, [], () =>
    file.calls.flatMap((call) => waitOf(program, file, call) ?? []),
  )
}

/** The wait that a call is, or null. */
export function waitOf(program: Program, file: File, call: Call): Wait | null {
  return platformWait(file, call) ?? wrappedWait(program, file, call)
}

function platformWait(file: File, call: Call): Wait | null {
  const known = lookUp(file, call)
  if (known) {
    const delay = call.args[known.delay]
    if (!delay || delay.kind === "named" || delay.kind === "lambda") return null
    const callback = known.callback === undefined ? null : (call.args[known.callback] ?? null)
    // `<-time.Tick(d)` receives one tick and lets the ticker go.
    const isOnce = call.name === "Tick" && file.parentOf(call)?.kind === "receive"
    const form = isOnce && file.language === "go" ? "block" : known.form
    return { call, form, delay, unitMs: known.unitMs ?? 1, callback }
  }
  if (file.language === "java" || file.language === "kotlin")
    return jvmWait(call) ?? eventLoopWait(call)
  if (file.language === "python") return pythonWait(call)
  const ofClock = file.language === "go" ? clockWait(file, call) : null
  if (ofClock) return ofClock
  // `timer.Reset(d)`: Go's timers and tickers by name or by what they were made of.
  if (file.language === "go" && call.name === "Reset" && call.args.length === 1) {
    const receiver = receiverOf(call)
    if (receiver && /time|tick|poll|interval/i.test(dotted(receiver))) {
      return { call, form: "timer", delay: call.args[0]!, unitMs: 1, callback: null }
    }
  }
  return null
}

/** `s.clock.After(d)`, and a field that holds `time.Sleep` or `time.After` so that tests can put another there. */
function clockWait(file: File, call: Call): Wait | null {
  const receiver = receiverOf(call)
  const isClock = receiver !== null && /(?:clock|clk)$/i.test(dotted(receiver))
  const name = isClock ? `time.${call.name}` : heldIn(file, call)
  const known = Object.hasOwn(GO, name) ? GO[name] : undefined
  const delay = known ? call.args[known.delay] : undefined
  if (!known || !delay) return null
  const callback = known.callback === undefined ? null : (call.args[known.callback] ?? null)
  return { call, form: known.form, delay, unitMs: 1, callback }
}

function heldIn(file: File, call: Call): string {
  if (call.callee.kind !== "member" && call.callee.kind !== "name") return ""
  if (!/sleep|after|wait|pause/i.test(call.name)) return ""
  const held = (value: Node | null): string => {
    const name = value?.kind === "member" ? file.standardName(dotted(value)) : ""
    return /^time\.(?:Sleep|After)$/.test(name) ? name : ""
  }
  for (const assign of file.assignmentsTo(call.name)) {
    const name = held(assign.value)
    if (name !== "") return name
  }
  for (const object of file.objects) {
    const name = held(object.entries.find((one) => one.key === call.name)?.value ?? null)
    if (name !== "") return name
  }
  return ""
}

function lookUp(file: File, call: Call): Known | undefined {
  const name = dotted(call.callee)
  const own = (table: Readonly<Record<string, Known>>, key: string): Known | undefined =>
    Object.hasOwn(table, key) ? table[key] : undefined
  switch (file.language) {
    case "go":
      return own(GO, file.standardName(name))
    case "python": {
      const link = file.importOf(name.split(".", 1)[0]!)
      if (!link) return own(PYTHON, name)
      if (link.name === "*")
        return own(PYTHON, [link.module, ...name.split(".").slice(1)].join("."))
      return own(PYTHON, `${link.module}.${link.name}`)
    }
    case "java":
    case "kotlin":
      return own(JVM, name)
    case "javascript":
    case "typescript": {
      const link = file.importOf(name.split(".", 1)[0]!)
      if (link && /^(?:node:)?timers\/promises$/.test(link.module)) {
        return { form: name.endsWith("setInterval") ? "interval" : "block", delay: 0 }
      }
      return own(SCRIPT, name.replace(/^(?:window|globalThis|global|self)\./, ""))
    }
    default:
      return undefined
  }
}

/** `vertx.setTimer(ms, handler)`, `handler.postDelayed(task, ms)`: event loops of the JVM. */
function eventLoopWait(call: Call): Wait | null {
  const [first, second] = call.args
  if (!first || !second || call.args.length > 2 || call.callee.kind !== "member") return null
  if (/^(?:setTimer|setPeriodic)$/.test(call.name)) {
    const form = call.name === "setTimer" ? "timer" : "interval"
    return { call, form, delay: first, unitMs: 1, callback: second }
  }
  if (call.name !== "postDelayed") return null
  // Kotlin's extension takes the delay first and the block last.
  const [delay, callback] =
    first.kind === "lambda" || second.kind !== "lambda" ? [second, first] : [first, second]
  return { call, form: "timer", delay, unitMs: 1, callback }
}

/** `TimeUnit.SECONDS.sleep(5)`, `executor.schedule(task, 5, TimeUnit.SECONDS)`. */
function jvmWait(call: Call): Wait | null {
  const receiver = receiverOf(call)
  if (call.name === "sleep" && receiver?.kind === "member" && TIME_UNITS.has(receiver.name)) {
    return {
      call,
      form: "block",
      delay: call.args[0]!,
      unitMs: TIME_UNITS.get(receiver.name)!,
      callback: null,
    }
  }
  const unit = call.args.at(-1)
  const factor = unit?.kind === "member" ? TIME_UNITS.get(unit.name) : undefined
  if (factor === undefined) return null
  if (call.name === "schedule" && call.args.length === 3) {
    return { call, form: "timer", delay: call.args[1]!, unitMs: factor, callback: call.args[0]! }
  }
  if (/^scheduleWithFixedDelay$|^scheduleAtFixedRate$/.test(call.name) && call.args.length === 4) {
    return { call, form: "interval", delay: call.args[2]!, unitMs: factor, callback: call.args[0]! }
  }
  return null
}

/** `event.wait(5)`, `loop.call_later(5, f)`. */
function pythonWait(call: Call): Wait | null {
  const receiver = receiverOf(call)
  const name = receiver ? dotted(receiver) : ""
  if (call.name === "wait" && /event|stop|shutdown|exit|closing|cancel/i.test(name)) {
    const delay = argNamed(call, "timeout") ?? positional(call)[0]
    return delay ? { call, form: "block", delay, unitMs: 1000, callback: null } : null
  }
  // Waiting for the stop signal with a time limit is how a loop sleeps so that it can be stopped.
  if (call.name === "wait_for" && /asyncio/.test(name)) {
    const [what] = positional(call)
    const delay = argNamed(call, "timeout") ?? positional(call)[1]
    if (
      delay &&
      what?.kind === "call" &&
      /event|stop|shutdown|exit|closing/i.test(dotted(what.callee)) &&
      what.name === "wait"
    ) {
      return { call, form: "block", delay, unitMs: 1000, callback: null }
    }
  }
  if (call.name === "call_later" && call.args.length >= 2) {
    return { call, form: "timer", delay: call.args[0]!, unitMs: 1000, callback: call.args[1]! }
  }
  return null
}

/** A call of a function one of whose parameters is waited for. */
function wrappedWait(program: Program, file: File, call: Call): Wait | null {
  const targets = resolveCall(program, file, call)
  for (const target of targets) {
    const wrapped = waitedParam(program, target)
    if (!wrapped) continue
    const param = target.fn.params[wrapped.index]!
    const [first] = target.fn.params
    const offset = first && isOwner(target.file, first, 0) ? 1 : 0
    const named = call.args.find((arg) => arg.kind === "named" && arg.name === param.name)
    const given = call.args[wrapped.index - offset]
    // A block after the call is no time: `attempt { send() }` waits as long as it waits without being told.
    const told = given?.kind === "lambda" ? null : given
    const delay = named?.kind === "named" ? named.value : (told ?? param.value)
    if (delay) return { call, form: "block", delay, unitMs: wrapped.unitMs, callback: null }
  }
  // How a function called `sleep` does it, by an event or in slices, is its own affair.
  const isSleep =
    file.language === "python" &&
    call.name === "sleep" &&
    targets.every(({ fn }) => fn.params.length <= 2)
  if ((targets.length > 0 && !isSleep) || !WAITING.test(call.name)) return null
  // Celery's `task.delay(5)` puts the task into a queue and comes back at once.
  if (file.language === "python" && call.name === "delay") return null
  const args = positional(call)
  const delay =
    args.length === 1 ? args[0] : file.language === "go" && args.length === 2 ? args[1] : undefined
  if (!delay || delay.kind === "lambda" || delay.kind === "string" || delay.kind === "object")
    return null
  return {
    call,
    form: "block",
    delay,
    unitMs: file.language === "python" ? 1000 : 1,
    callback: null,
  }
}

/** The parameter that a function waits for, when waiting is all that it does with it. */
function waitedParam(
  program: Program,
  { file, fn }: Located,
): { index: number; unitMs: number } | null {
  return program.memo<Func, { index: number; unitMs: number } | null>(WRAPPERS, fn, null, () => {
    if (!fn.body || fn.params.length === 0 || fn.params.length > 4) return null
    // `List<Message> poll(long timeout)` brings something; the time is the most that it takes.
    if (
      /^(?:\w+\.)?(?:List|Set|Map|Collection|Optional|Iterable|ConsumerRecords)\b|^\[\]|^map\[/.test(
        fn.result ?? "",
      )
    )
      return null
    let found: { index: number; unitMs: number } | null = null
    let statements = 0
    walk(fn.body, (node) => {
      if (node.kind === "loop") statements += 100
      if (node.kind === "assign" || node.kind === "return" || node.kind === "if") statements++
      if (found || node.kind !== "call") return undefined
      const wait = waitOf(program, file, node)
      if (!wait || wait.form === "interval" || isLimit(file, wait)) return undefined
      if (wait.callback && answersBefore(file, fn, node)) return undefined
      const index = fn.params.findIndex(
        (param, place) =>
          param.name !== "" &&
          !isOwner(file, param, place) &&
          isTimeOf(file, wait.delay, param.name),
      )
      // `setTimeout(callback, ms)` with a callback of the caller's only passes time on.
      if (index >= 0) found = { index, unitMs: wait.unitMs }
      return undefined
    })
    return statements <= 12 ? found : null
  })
}

/** A timer that is set beside an answer: `setTimeout(expire, ttl); return token` keeps nobody waiting. */
function answersBefore(file: File, fn: Func, timer: Call): boolean {
  for (const outer of file.ancestorsOf(timer)) {
    if (outer === fn) break
    // In a promise's executor the timer is what is waited for.
    if (outer.kind === "call" && outer.isNew && outer.name === "Promise") return false
  }
  let answers = false
  walk(fn.body!, (node) => {
    if (node.kind === "return" && node.value && node.start > timer.end)
      answers ||= /^(?:name|member|object|string|template|bool)$/.test(node.value.kind)
    return !answers && node.kind !== "function"
  })
  return answers
}

/** A wait that ends something else when it takes too long: `select { case <-done: … case <-time.After(d): return false }`. */
function isLimit(file: File, { call, callback }: Wait): boolean {
  if (callback && /\breject|\babort|\bthrow\b|cancel|timed?_?out/i.test(file.textOf(callback)))
    return true
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "function" && !outer.isLambda) return false
    if (outer.kind !== "select") continue
    const own = outer.cases.find(
      ({ comm }) => comm && comm.start <= call.start && call.end <= comm.end,
    )
    if (!own) continue
    const last = own.body.body.at(-1)
    if (last?.kind === "return" && last.value?.kind === "bool" && !last.value.value) return true
    return outer.cases.some(
      ({ comm }) =>
        comm &&
        comm !== own.comm &&
        !/done|stop|quit|clos|exit|ctx|cancel/i.test(file.textOf(comm)),
    )
  }
  return false
}

/** Python's `self`, whose fields are no argument. */
export function isOwner(file: File, { name }: Param, place: number): boolean {
  return place === 0 && file.language === "python" && /^(?:self|cls)$/.test(name)
}

/** Whether a parameter is the time; `task.getTimeout()` of Java is a time of something else that is done. */
function isTimeOf(file: File, delay: Node, name: string): boolean {
  if (file.language !== "java" && file.language !== "kotlin") return mentions(delay, name)
  let found = false
  walk(delay, (node) => {
    if (node.kind === "name" && node.name === name) found = true
    const isOn = node.kind === "member" && node.object.kind === "name" && node.object.name === name
    return !found && (!isOn || /^(?:to|get|in)_?(?:Millis|Nanos|Seconds)|^inWhole/.test(node.name))
  })
  return found
}

function mentions(node: Node, name: string): boolean {
  let found = false
  walk(node, (one) => {
    if (one.kind === "name" && one.name === name) found = true
    return !found
  })
  return found
}

/** How long a wait is, in milliseconds, where it can be told. */
export function waitMs(program: Program, file: File, wait: Wait): number | null {
  const value = numberOf(program, file, wait.delay)
  if (value === null) return null
  // Go's durations are written with their unit; a bare number is nanoseconds.
  if (file.language === "go") return wait.delay.kind === "number" ? value * 1e-6 : value
  return value * wait.unitMs
}
