/** leader-oneshot-start: a leader whose duties did not start goes on to lead. */
import type { File } from "../analysis/program/file.ts"
import { callersOf } from "../analysis/program/definitions.ts"
import { singleTermsOf } from "../analysis/leadership/candidacies.ts"
import { asksLeadership, isLeaderName } from "../analysis/leadership/leadership.ts"
import { dotted, receiverOf, wordsOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { walk } from "../ir/children.ts"
import type { Block, Call, Func, Node } from "../ir/nodes.ts"
import type { Rule, Spot } from "./rule.ts"

export const leaderOneshotStart: Rule = {
  id: "leader-oneshot-start",
  title: "Leader that starts its duties only once",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /[lL]eader|LEADER|[eE]lected|[pP]rimary|\.(?:start|Start|launch|Launch|begin|Begin|activate|Activate)\w*\(/,
  docs: {
    what: "On becoming leader the code starts what a leader has to do. When that fails, the error is only written to a log. Or the code takes part in an election once, and goes on without it when leadership is lost.",
    why: "Leadership is kept and renewed, but the work that only the leader does is not done, by this process or by any other, until leadership happens to change.",
    silent: [
      "The failure is returned or thrown, ends the process, or gives leadership up.",
      "The start is tried again: in a loop, by a helper that retries, or at the next beat.",
      "What is started is not the duty of a leader.",
      "Losing leadership ends the process, or the election is taken part in again.",
    ],
    reach: {
      sees: [
        "Calls named after starting (`start…`, `run…`, `init…`, `activate…`, `resume…`, `schedule…`, `load…`, `become…`) where leadership was obtained: a branch that asks for it, a case, a method or an event named after it (leader, elected, primary, lease), or one caller further out.",
        "Failures that only a log hears of: `catch`, `except`, `.catch(…)`, `runCatching { … }.onFailure { … }`, Go's `if err := …; err != nil { log }` and `_ = x.Start()`.",
        "`Run` of client-go's LeaderElector and `leaderelection.RunOrDie` that run once beside the rest of the process.",
        "Curator's LeaderSelector that is started without `autoRequeue`.",
      ],
      misses: [
        "Elections over etcd, Consul, ZooKeeper or a table that are taken part in once.",
        "A start that fails later, in a thread or task of its own.",
        "A handler of the failure that does more than log: whatever it calls is taken for dealing with it.",
      ],
    },
    fix: "Try again a few times with backoff while the term lasts, and give leadership up when it still fails.",
    reference: "https://kubernetes.io/docs/concepts/architecture/leases/",
    examples: {
      go: {
        bad: 'case n.IsLeader:\n\tif err := maintainer.Start(ctx); err != nil {\n\t\tlog.Error("start", "err", err)\n\t}',
        good: "case n.IsLeader:\n\tif err := retry(ctx, 3, maintainer.Start); err != nil {\n\t\telector.Resign(ctx)\n\t}",
      },
      python: {
        bad: 'async def on_elected(self):\n    try:\n        await self.scheduler.start()\n    except Exception:\n        log.exception("scheduler did not start")',
        good: "async def on_elected(self):\n    try:\n        await self.scheduler.start()\n    except Exception:\n        await self.elector.resign()\n        raise",
      },
      typescript: {
        bad: 'elector.on("elected", async () => {\n  await scheduler.start().catch((error) => log.error(error))\n})',
        good: 'elector.on("elected", async () => {\n  await scheduler.start().catch(() => elector.resign())\n})',
      },
      java: {
        bad: 'public void isLeader() {\n  try {\n    scheduler.start();\n  } catch (Exception e) {\n    log.error("not started", e);\n  }\n}',
        good: "public void isLeader() {\n  try {\n    scheduler.start();\n  } catch (Exception e) {\n    latch.close();\n  }\n}",
      },
      kotlin: {
        bad: 'override fun isLeader() {\n  runCatching { scheduler.start() }.onFailure { log.error("not started", it) }\n}',
        good: "override fun isLeader() {\n  runCatching { scheduler.start() }.onFailure { latch.close() }\n}",
      },
    },
  },
  check(file, program, report) {
    for (const { at, again } of singleTermsOf(program, file)) {
      report({
        at,
        tier: "likely",
        severity: "medium",
        message:
          "this takes part in the election once: who has lost leadership never leads again, and goes on running",
        because: [{ text: "returns when leadership is lost, or is over after one term", at }],
        checked: [
          `no loop comes round to it, and nothing says ${again} again`,
          "losing leadership does not end the process",
        ],
        fix: {
          text: "Take part again when a term is over (a loop around Run, autoRequeue()), or end the process so that it is started anew.",
        },
      })
    }
    for (const call of file.calls) {
      if (!isStart(call)) continue
      const swallowed = swallowOf(file, call)
      if (!swallowed || isTriedAgain(file, call)) continue
      const gained = gainOf(program, file, call)
      if (!gained) continue
      report({
        at: call,
        tier: "likely",
        severity: "medium",
        message: `when \`${dotted(call.callee)}\` fails, leadership is kept without the work that it is for`,
        because: [
          { text: "this runs when leadership was obtained", at: gained.at, file: gained.file },
          { text: "its failure is only logged", at: swallowed },
        ],
        checked: [
          "the failure is not returned or thrown and does not end the process",
          "the start is not tried again",
          "leadership is not given up",
        ],
      })
    }
  },
}

const STARTS =
  /^(?:start|Start|run|Run|begin|Begin|init|Init|initialize|initialise|launch|Launch|activate|Activate|resume|Resume|boot|schedule|Schedule|spawn|load|Load|become|Become)(?:[A-Z_]\w*)?$/
const NOT_DUTIES =
  /catching|blocking|log|tracer|span|timer|metric|watch(?!er)|clock|stopwatch|transaction|test|mock|elect(?:or|ion)|campaign|renew|heartbeat|latch|selector|lease/i

function isStart(call: Call): boolean {
  if (!STARTS.test(call.name)) return false
  const receiver = receiverOf(call)
  if (receiver && NOT_DUTIES.test(dotted(receiver).split(".").at(-1)!)) return false
  return !NOT_DUTIES.test(call.name)
}

// --- how the failure ends -------------------------------------------------------------------------------------------

/** The handler that only logs the failure of a call, or what throws its error away; null where it is dealt with. */
function swallowOf(file: File, call: Call): Node | Block | null {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "try" && outer.body === inner) {
      const caught = outer.catches.find((one) => catchesAll(one.types))
      if (!caught) return null
      return onlyLogs(caught.body) && !goesOnToGiveUp(outer.finalizer) ? caught.body : null
    }
    // `x.start().catch((error) => log(error))`, `runCatching { x.start() }.onFailure { log(it) }`
    if (outer.kind === "call" && /^(?:catch|onFailure|exceptionally)$/.test(outer.name)) {
      const handler = outer.args[0]
      if (handler && logsOnly(handler)) return handler
      return null
    }
    if (outer.kind === "assign" && file.language === "go") return swallowedInGo(file, outer)
    if (outer.kind === "function") {
      if (outer.isLambda && isRunCatching(file, outer)) {
        inner = outer
        continue
      }
      return null
    }
    inner = outer
  }
  return null
}

function isRunCatching(file: File, fn: Func): boolean {
  const lambda = file.parentOf(fn)
  const call = lambda && file.parentOf(lambda)
  return call?.kind === "call" && call.name === "runCatching"
}

function catchesAll(types: readonly string[]): boolean {
  return (
    types.length === 0 ||
    types.some((type) =>
      /(?:^|\.)(?:Throwable|Exception|BaseException|RuntimeException|Error|any|unknown)$/.test(
        type,
      ),
    ) ||
    types.some((type) => /Exception|Error/.test(type))
  )
}

/** `if err := x.Start(ctx); err != nil { log }`, `err := x.Start(ctx)` with such an `if` next, `_ = x.Start(ctx)`. */
function swallowedInGo(file: File, assign: Node & { kind: "assign" }): Node | null {
  const names = assign.targets.map((target) => dotted(target))
  if (names.every((name) => name === "_")) return assign
  const parent = file.parentOf(assign)
  const test =
    parent?.kind === "if" && parent.init === assign
      ? parent
      : parent?.kind === "block"
        ? parent.body[parent.body.indexOf(assign) + 1]
        : undefined
  if (test?.kind !== "if" || test.otherwise || !/err/i.test(file.textOf(test.test))) return null
  return onlyLogs(test.then) ? test.then : null
}

const LOGS =
  /^(?:log|logger|slog|klog|zap|console|logging|print|println|Println|Printf|Print|debug|info|warn|warning|error|exception|trace|Debug|Info|Warn|Error|Errorf|Infof|Warnf|ErrorContext|InfoContext|WarnContext|DebugContext|ErrorS|Err|Msg|Msgf|String|Str|Any|Int|sentry|captureException|Signal|inc|Inc|increment|record|observe|format|getMessage|toString|stringify|err|printStackTrace|Sprintf|With|WithError|V|print_exc|HandleError|name|Name|atError|addKeyValue|setCause|bind)$/

/** Whether a handler does nothing but write down what happened. */
function onlyLogs(body: Block): boolean {
  let logs = true
  walk(body, (node) => {
    if (
      node.kind === "throw" ||
      node.kind === "assign" ||
      node.kind === "loop" ||
      node.kind === "go" ||
      node.kind === "send"
    )
      logs = false
    if (node.kind === "return" && node.value && node.value.kind !== "null" && !node.implicit)
      logs = false
    if (node.kind === "call" && !LOGS.test(node.name)) logs = false
    return logs
  })
  return logs
}

function logsOnly(handler: Node): boolean {
  if (handler.kind === "lambda") return handler.fn.body !== null && onlyLogs(handler.fn.body)
  return /(?:^|\.)(?:error|warn|log|info|noop|debug)$/.test(dotted(handler))
}

function goesOnToGiveUp(finalizer: Block | null): boolean {
  return finalizer !== null && !onlyLogs(finalizer)
}

/** Whether the start stands in a loop that comes round again by itself; one that waits for news does not. */
function isTriedAgain(file: File, call: Call): boolean {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "loop") {
      const isOfEvents =
        outer.form === "each" ||
        outer.body.body.some((one) => one.kind === "select" || waitsForNews(one))
      if (!isOfEvents) return true
    }
    if (outer.kind === "call" && /retry|backoff|repeat|interval|attempt/i.test(outer.name))
      return true
    if (outer.kind === "function" && !outer.isLambda) return /retry|attempt|try/i.test(outer.name)
  }
  return false
}

/** `event := <-changes`, `change = await queue.get()` */
function waitsForNews(statement: Node): boolean {
  const value = statement.kind === "assign" ? statement.value : statement
  if (value?.kind === "receive") return true
  const call = value?.kind === "await" ? value.value : value
  return call?.kind === "call" && /^(?:get|receive|take|next|recv|poll)$/.test(call.name)
}

// --- on becoming leader ---------------------------------------------------------------------------------------------

interface Gain {
  readonly at: Spot
  readonly file: File
}

const GAIN_WORDS =
  /gain|acquir|becom|became|start|grant|promot|took|take|obtain|won|elected|handle|on$|^on|changed?/i
const LOSS_WORDS =
  /lost|lose|losing|loss|revok|stop|resign|demot|not_?leader|step|release|unelected|follower|standby/i

/** What shows that a call runs on becoming leader, here or where the function around it is called. */
function gainOf(program: Program, file: File, call: Call, depth = 1): Gain | null {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "if" && inner !== outer.test && isOnLeadersSide(outer, inner))
      return { at: outer.test, file }
    if (outer.kind === "switch") {
      const own = outer.cases.find((one) => one.body === inner)
      const test = own?.tests.find((one) => asksLeadership(one) || isGainEvent(one))
      if (test) return { at: test, file }
    }
    if (outer.kind === "function") {
      const gained = gainOfFunction(file, outer)
      if (gained) return gained
      if (!outer.isLambda || outer.name !== "") {
        if (depth === 0 || LOSS_WORDS.test(outer.name)) return null
        return ofCallers(program, file, outer, depth)
      }
    }
    inner = outer
  }
  return null
}

function isOnLeadersSide(test: Node & { kind: "if" }, inner: Node): boolean {
  if (!asksLeadership(test.test) || LOSS_WORDS.test(dotted(test.test))) return false
  const isNegated = test.test.kind === "unary" && test.test.op === "!"
  return isNegated ? inner === test.otherwise : inner === test.then
}

function ofCallers(program: Program, file: File, fn: Func, depth: number): Gain | null {
  for (const caller of callersOf(program, { file, fn })) {
    if (isTriedAgain(caller.file, caller.call)) continue
    const gained = gainOf(program, caller.file, caller.call, depth - 1)
    if (gained) return gained
  }
  return null
}

function gainOfFunction(file: File, fn: Func): Gain | null {
  const { name } = fn
  // Curator gives leadership up by itself when this returns.
  if (name === "takeLeadership") return null
  const says = isLeaderName(name) && !LOSS_WORDS.test(name.replace(/start(?:ed)?/i, ""))
  if (says && (GAIN_WORDS.test(name) || /^is_?leader$/i.test(name))) {
    return { at: { start: fn.nameStart, end: fn.nameStart + Math.max(1, name.length) }, file }
  }
  const lambda = fn.isLambda ? file.parentOf(fn) : null
  const call = lambda ? file.parentOf(lambda) : null
  if (
    call?.kind !== "call" ||
    !/^(?:on|once|addListener|addEventListener|subscribe|listen|when|register)\w*$/i.test(call.name)
  )
    return null
  const event = call.args.find((arg) => isGainEvent(arg))
  return event
    ? { at: event, file }
    : isLeaderName(call.name) && GAIN_WORDS.test(call.name) && !LOSS_WORDS.test(call.name)
      ? { at: call.callee, file }
      : null
}

/** `"elected"`, `LeaderEvent.GAINED`, `Events.LeadershipAcquired` */
function isGainEvent(node: Node): boolean {
  const name = node.kind === "string" ? node.value : dotted(node)
  const words = wordsOf(name)
  return (
    name !== "" &&
    (words.includes("elected") || isLeaderName(name)) &&
    !LOSS_WORDS.test(name) &&
    (node.kind === "string" || GAIN_WORDS.test(name))
  )
}
