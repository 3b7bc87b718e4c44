/** cleanup-with-cancelled-context: what has to be given back is not, because the context of the work is over. */
import type { File } from "../analysis/program/file.ts"
import { finalizers, isInCoroutine } from "../analysis/program/finalizers.ts"
import { dotted, receiverOf, wordsOf } from "../analysis/program/names.ts"
import { overBefore, recordsEnd, recordsOutcome } from "../analysis/cancellations/overContexts.ts"
import type { Program } from "../analysis/program/program.ts"
import { resolveCall } from "../analysis/program/resolve.ts"
import { isYield } from "../analysis/program/yields.ts"
import type { Severity } from "../findings/finding.ts"
import { walk } from "../ir/children.ts"
import type { Block, Call, Node, Try } from "../ir/nodes.ts"
import type { Draft, DraftFact, Rule } from "./rule.ts"

export const cleanupWithCancelledContext: Rule = {
  id: "cleanup-with-cancelled-context",
  title: "Cleanup with a cancelled context",
  languages: ["go", "python", "javascript", "typescript", "kotlin"],
  scope: "code",
  mentions:
    /defer|Done\(\)|\.Err\(\)|context\.Canceled|[cC]ancell?ed\w*\(|finally|onCompletion|[sS]ignal/,
  docs: {
    what: "A rollback, an unlock or another cleanup runs under the context, the signal or the scope of the work that it cleans up after; or what became of cancelled work is stored under the context that was cancelled.",
    why: "Cleanup is needed most when the work was cancelled, and just then its own context is over: the call returns at once without doing anything. The transaction stays open, the lock stays taken until it expires, the registration stays.",
    silent: [
      "The cleanup has a context of its own: context.WithoutCancel, context.Background with a time limit, a shielded scope, NonCancellable.",
      "The context can never be cancelled.",
      "The function that is called detaches the context itself.",
    ],
    reach: {
      sees: [
        "In Go rollbacks, unlocks, releases, deletes, closes and their like that are given `ctx` (or `…Ctx`): deferred, after `<-ctx.Done()`, or where `ctx.Err()` or context.Canceled says that it is over; there also what stores the outcome (`MarkFailed`, `UpdateStatus`).",
        "In Python an awaited cleanup in a `finally` of a coroutine, in files that import trio or anyio.",
        "In TypeScript a cleanup, or a `fetch` with the method DELETE, in a `finally` or `catch`, that is given the signal from outside which the `try` uses.",
        "In Kotlin a suspending cleanup in a `finally` of a suspending function or of a coroutine, and in `flow.onCompletion`.",
        "What a server or a process ends by itself (`close`, `stop`, `flush`, `shutdown`) is of tier context, unless the context is known to be over.",
      ],
      misses: [
        "Cleanups whose name says nothing of giving back.",
        "Contexts of Go that are fields or have another name.",
        "Plain asyncio, where a `finally` may await until the task is cancelled once more.",
        "Java, whose interrupts end only what waits.",
      ],
    },
    fix: "Detach the cleanup from the cancellation and give it a time limit of its own.",
    reference: "https://pkg.go.dev/context#WithoutCancel",
    examples: {
      go: {
        bad: "tx, err := pool.Begin(ctx)\n…\ndefer tx.Rollback(ctx)",
        good: "tx, err := pool.Begin(ctx)\n…\ndefer tx.Rollback(context.WithoutCancel(ctx))",
      },
      python: {
        bad: "try:\n    await work()\nfinally:\n    await lock.release()",
        good: "try:\n    await work()\nfinally:\n    with anyio.CancelScope(shield=True):\n        await lock.release()",
      },
      typescript: {
        bad: "try {\n  await work(signal)\n} finally {\n  await lock.release({ signal })\n}",
        good: "try {\n  await work(signal)\n} finally {\n  await lock.release({ signal: AbortSignal.timeout(5_000) })\n}",
      },
      kotlin: {
        bad: "try {\n  work()\n} finally {\n  lock.release()\n}",
        good: "try {\n  work()\n} finally {\n  withContext(NonCancellable) { lock.release() }\n}",
      },
    },
  },
  check(file, program, report) {
    const drafts =
      file.language === "go"
        ? ofGo(program, file)
        : file.language === "python"
          ? ofScopes(program, file)
          : file.language === "kotlin"
            ? ofCoroutines(program, file)
            : ofSignals(file)
    for (const draft of drafts) report(draft)
  },
}

/** Verbs of giving back. */
const CLEANS =
  /^(?:rollback|unlock|release|give_?back|del|delete|remove|close|aclose|resign|revoke|unlisten|unsubscribe|deregister|unregister|shutdown|disconnect|clean_?up|abort|destroy|tear_?down|end_?session|nack|requeue|leave|unclaim|force_?flush|flush|stop|terminate|drop|cancel_?(?:job|order|upload|reservation))/i
/** Clearing up that a server or a process does by itself soon after. */
const MILD = /^(?:close|aclose|shutdown|disconnect|force_?flush|flush|stop|terminate)/i

function isCleanup(call: Call): boolean {
  return CLEANS.test(call.name.replace(/^[_#]+/, "")) && !DETACHES.test(call.name)
}

function severityOf(call: Call): Severity {
  return MILD.test(call.name.replace(/^[_#]+/, "")) ? "low" : "medium"
}

// --- contexts of Go -------------------------------------------------------------------------------------------------

const DETACHES = /WithoutCancel|Detach|Background|NonCancel|Shield|Uncancel/i

function ofGo(program: Program, file: File): Draft[] {
  const found: Draft[] = []
  for (const call of file.calls) {
    const cleans = isCleanup(call)
    if (!cleans && !recordsEnd(call)) continue
    const context = call.args.find(
      (arg) => arg.kind === "name" && /^(?:ctx|context|\w*Ctx)$/.test(arg.name),
    )
    if (context?.kind !== "name") continue
    const isDeferred = cleans || recordsOutcome(call)
    const late = overBefore(file, call, context.name) ?? (isDeferred ? deferOf(file, call) : null)
    const from = late ? sourceOf(file, call, context.name) : null
    if (!late || !from || isDetachedWithin(program, file, call)) continue
    const draft = draftOf(
      call,
      [from, late],
      [
        "the context is not detached with context.WithoutCancel or made from context.Background",
        "the function that is called does not detach it either",
      ],
      `context.WithoutCancel(${context.name}) with a time limit`,
      late.text !== DEFERRED,
    )
    const { start, end, name } = context
    const detached = { start, end, text: `context.WithoutCancel(${name})` }
    const isImported = file.unit.imports.some((one) => one.module === "context")
    found.push(
      isImported
        ? { ...draft, fix: { ...draft.fix!, safety: "unsafe", edits: [detached] } }
        : draft,
    )
  }
  return found
}

const DEFERRED = "runs when the function ends, also when it was cancelled"

/** `defer f(ctx)`, or within a function that is deferred. */
function deferOf(file: File, call: Call): DraftFact | null {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "defer") return { text: DEFERRED, at: outer }
    if (outer.kind === "go" || (outer.kind === "function" && !outer.isLambda)) return null
  }
  return null
}

/** Where a context that can be cancelled comes from; null for one that cannot. */
function sourceOf(file: File, call: Call, name: string): DraftFact | null {
  for (let fn = file.functionOf(call); fn !== null; fn = file.functionOf(fn)) {
    const own = fn
    const made = file.assignments.filter(
      (assign) =>
        file.functionOf(assign) === own &&
        assign.value !== null &&
        assign.targets.some((target) => target.kind === "name" && target.name === name),
    )
    const last = made.filter((assign) => assign.start < call.start).at(-1) ?? made[0]
    if (last?.value) {
      const text = file.textOf(last.value)
      if (/\b(?:Background|TODO|WithoutCancel|[dD]etach\w*)\(/.test(text)) return null
      if (
        /\b(?:WithTimeout|WithDeadline|WithCancel\w*|NotifyContext|WithContext|Context)\(/.test(
          text,
        )
      )
        return { text: `\`${name}\` can be cancelled`, at: last }
      // `ctx = withSpan(ctx)`: what it was before.
      if (!new RegExp(`\\b${name}\\b`).test(text)) return null
    }
    const param = fn.params.find((one) => one.name === name)
    if (param)
      return /(?:^|\.)Context$/.test(param.type ?? "")
        ? { text: `\`${name}\` is cancelled by the caller`, at: param }
        : null
  }
  return null
}

/** Functions of one name that are looked at; a type of another package may have any of them. */
const MAX_NAMESAKES = 6

/** A function that the call may mean detaches what it is given. */
function isDetachedWithin(program: Program, file: File, call: Call): boolean {
  const namesakes = program
    .functionsNamed(call.name)
    .filter((ref) => ref.source.language === "go" && ref.arity > 0)
    .slice(0, MAX_NAMESAKES)
    .flatMap((ref) => program.locate(ref) ?? [])
  return [...resolveCall(program, file, call), ...namesakes].some(({ file: from, fn }) =>
    /\b(?:WithoutCancel|Background|TODO)\(/.test(from.textOf(fn)),
  )
}

// --- signals of JavaScript ------------------------------------------------------------------------------------------

function ofSignals(file: File): Draft[] {
  const found: Draft[] = []
  for (const call of file.calls) {
    const signal = signalOf(call)
    if (!signal || !(isCleanup(call) || isDeletion(call))) continue
    const last = signal.split(".").at(-1)!
    if (!/signal$/i.test(last) || !isFromOutside(file, call, signal)) continue
    const late = finallyOf(file, call)
    if (!late || !isUsedIn(file, late.around, signal)) continue
    found.push(
      draftOf(
        call,
        [
          {
            text: `the work is cancelled by \`${signal}\``,
            at: late.around.body.body[0] ?? late.around,
          },
          { text: "and so is its cleanup", at: call },
        ],
        ["the cleanup has no signal of its own", "the signal comes from outside"],
        "a signal of its own (AbortSignal.timeout), or none",
      ),
    )
  }
  return found
}

/** `f({ signal })`, `f(signal)`: the signal's name. */
function signalOf(call: Call): string | null {
  for (const arg of call.args) {
    if ((arg.kind === "name" || arg.kind === "member") && /signal$/i.test(arg.name))
      return dotted(arg)
    if (arg.kind !== "object") continue
    const entry = arg.entries.find((one) => one.key === "signal")
    if (entry && (entry.value.kind === "name" || entry.value.kind === "member"))
      return dotted(entry.value)
  }
  return null
}

/** `fetch(url, { method: "DELETE" })` */
function isDeletion(call: Call): boolean {
  return call.args.some(
    (arg) =>
      arg.kind === "object" &&
      arg.entries.some(
        (one) =>
          one.key === "method" && one.value.kind === "string" && one.value.value === "DELETE",
      ),
  )
}

function isFromOutside(file: File, call: Call, signal: string): boolean {
  const [root] = signal.split(".")
  for (let fn = file.functionOf(call); fn !== null; fn = file.functionOf(fn)) {
    if (fn.params.some((param) => param.name === root || param.names?.includes(root!))) return true
  }
  return root === "this"
}

/** The `try` in whose `finally` or `catch` a node stands. */
function finallyOf(file: File, node: Node): { readonly around: Try } | null {
  let inner: Node = node
  for (const outer of file.ancestorsOf(node)) {
    if (
      outer.kind === "try" &&
      (outer.finalizer === inner || outer.catches.some((one) => one.body === inner))
    )
      return { around: outer }
    if (outer.kind === "function" && !outer.isLambda) return null
    inner = outer
  }
  return null
}

function isUsedIn(file: File, around: Try, signal: string): boolean {
  return file.textOf(around.body).includes(signal.split(".").at(-1)!)
}

// --- scopes of Python -----------------------------------------------------------------------------------------------

/** In trio and anyio every await of a cancelled scope is cancelled again, also in a `finally`. */
function ofScopes(program: Program, file: File): Draft[] {
  const usesScopes = file.unit.imports.some((one) => /^(?:trio|anyio)(?:\.|$)/.test(one.module))
  if (!usesScopes) return []
  return finalizers(file).flatMap(({ around, body, fn }) => {
    const call = firstAwaited(program, file, body, (outer) => isShielded(file, outer))
    if (!call || !fn.isAsync) return []
    return draftOf(
      call,
      [
        { text: "when this was cancelled", at: around.body.body[0] ?? around },
        { text: "every await after it is cancelled as well", at: call },
      ],
      ["no scope with shield=True is around the cleanup"],
      "with anyio.CancelScope(shield=True) around it, and a time limit",
    )
  })
}

function isShielded(file: File, outer: Node): boolean {
  return (
    outer.kind === "with" && outer.resources.some((one) => /shield/i.test(file.textOf(one.value)))
  )
}

// --- coroutines of Kotlin -------------------------------------------------------------------------------------------

function ofCoroutines(program: Program, file: File): Draft[] {
  return [...finalizers(file), ...completions(file)].flatMap(({ around, body, fn }) => {
    if (!fn.isAsync && !isInCoroutine(file, around)) return []
    const call = firstAwaited(
      program,
      file,
      body,
      (outer) => outer.kind === "call" && /NonCancellable/.test(file.textOf(outer)),
    )
    if (!call) return []
    return draftOf(
      call,
      [
        {
          text: "when this was cancelled",
          at: around.kind === "try" ? (around.body.body[0] ?? around) : around,
        },
        { text: "a suspending call throws at once", at: call },
      ],
      ["no withContext(NonCancellable) is around the cleanup"],
      "withContext(NonCancellable) { … } around it",
    )
  })
}

/** `flow.onCompletion { … }` runs when the collector is cancelled, in what was cancelled. */
function completions(
  file: File,
): { readonly around: Call; readonly body: Block; readonly fn: { readonly isAsync: boolean } }[] {
  if (file.language !== "kotlin" || !file.text.includes("onCompletion")) return []
  return file.calls.flatMap((call) => {
    const handler = call.name === "onCompletion" ? call.args.at(-1) : undefined
    if (handler?.kind !== "lambda" || !handler.fn.body) return []
    return [{ around: call, body: handler.fn.body, fn: { isAsync: true } }]
  })
}

/** The first awaited or suspending call of a cleanup that nothing protects. */
function firstAwaited(
  program: Program,
  file: File,
  body: Block,
  isProtected: (outer: Node) => boolean,
): Call | null {
  let found: Call | null = null
  walk(body, (node) => {
    if (found || isProtected(node)) return false
    if (node.kind === "function" && !node.isLambda) return false
    if (!isYield(program, file, node)) return undefined
    const call = node.kind === "await" ? node.value : node
    if (call.kind === "call" && !isOfTasks(call) && (isCleanup(call) || cleansWithin(call)))
      found = call
    return undefined
  })
  return found
}

/** `withContext(Dispatchers.IO) { upload.abort() }` */
function cleansWithin(call: Call): boolean {
  if (!/^with(?:Context|Timeout|TimeoutOrNull)$/.test(call.name)) return false
  let found = false
  walk(call, (node) => {
    if (node.kind === "call" && isCleanup(node)) found = true
    return !found
  })
  return found
}

/** Waiting for one's own tasks to end is no cleanup of something outside. */
function isOfTasks(call: Call): boolean {
  const words = wordsOf(dotted(receiverOf(call) ?? call.callee))
  return (
    /^(?:join|joinAll|cancelAndJoin|awaitAll|gather|yield)$/.test(call.name) ||
    words.includes("job")
  )
}

// --- words ----------------------------------------------------------------------------------------------------------

function draftOf(
  call: Call,
  because: readonly DraftFact[],
  checked: readonly string[],
  instead: string,
  isOver = false,
): Draft {
  return {
    at: call,
    // What a server or a process ends by itself soon after is nobody's loss.
    tier: severityOf(call) === "low" && !isOver ? "context" : "likely",
    severity: severityOf(call),
    message: `\`${dotted(call.callee)}\` runs under the context of the work that it cleans up after: once that is cancelled, nothing is given back`,
    because,
    checked,
    fix: { text: `Use ${instead}.` },
  }
}
