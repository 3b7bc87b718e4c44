/** unawaited-claim-write: work begins before it is written down whose it is. */
import type { File } from "../analysis/program/file.ts"
import { dotted, receiverOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { resolveCall } from "../analysis/program/resolve.ts"
import { ownRowsOf } from "../analysis/rows/ownRows.ts"
import { bare } from "../analysis/rows/rows.ts"
import { walk } from "../ir/children.ts"
import type { Block, Call, Node } from "../ir/nodes.ts"
import type { DraftFact, Rule } from "./rule.ts"

/** Writing a claim down. */
const PERSISTS =
  /^(?:save\w*|update\w*|persist\w*|upsert\w*|commit|checkpoint|store\w*|set_?(?:status|state|next_?run\w*|lock\w*|running|started)\w*)$/i
/** Names that say themselves that they claim. */
const CLAIMS =
  /^(?:(?:try_?)?(?:claim|reserve|lease)(?:_?(?:job|task|message|row|item|work|run|slot|delivery|order|it))?|mark(?:_?as)?_?(?:running|claimed|started|processing|in_?progress|locked|picked|taken|sent|executed)|lock_?(?:job|task|row|run)|set_?(?:running|in_?progress|processing|claimed|locked))$/i
const FIELDS =
  /^(?:next_?run(?:_?at)?|last_?run(?:_?at)?|locked_?(?:at|by|until)|claimed_?(?:at|by)|claim|picked_?(?:at|by)|started_?at|lease\w*|reserved_?\w*|attempts?|attempt_?count|worker_?id|owner|in_?progress|running|processing|taken_?(?:at|by))$/i
const STATES = /^(?:status|state)$/i
const RUNNING =
  /progress|processing|running|claimed|locked|picked|taken|reserved|started|sending|executing|active/i
/** What the claim is for. */
const WORKS =
  /^(?:run\w*|execute\w*|exec|process\w*|handle\w*|handler|perform\w*|send\w*|publish\w*|dispatch\w*|deliver\w*|fn|work|invoke\w*|charge\w*|pay\w*|notify\w*|action|task|callback|job|post|emit_?job|block|apply_?async|enqueue\w*|refund\w*|transfer\w*|call)$/i
const ASIDE = /log|console|metric|tracer|span|emit$|events?$/i

export const unawaitedClaimWrite: Rule = {
  id: "unawaited-claim-write",
  title: "Claim that is not waited for",
  languages: ["python", "javascript", "typescript", "kotlin"],
  scope: "code",
  mentions:
    /save|update|persist|upsert|commit|checkpoint|claim|reserve|lease|mark|lock|set_?[sS]tat|set_?[rR]unning/,
  docs: {
    what: "Code writes down that it has taken a job (its state, its lock, its next run) and starts the job without waiting for the write.",
    why: "Until the write has arrived, everyone else still sees the job as free, and takes it too; where the write fails, the job has run and nobody knows. The job runs twice.",
    silent: [
      "The write is awaited, or the work stands in its callback.",
      "The write keeps no claim: nothing that others look at is set before it.",
      "Nothing is started after it.",
    ],
    reach: {
      sees: [
        "Writes of a claim by their names (`claim`, `reserveJob`, `markRunning`, `setInProgress`), and `save`, `update`, `commit` and their like where a state, lock, lease, next run or attempt was set before or in it.",
        "In TypeScript calls whose promise nobody awaits, also behind `void` and `.catch(…)`, and those whose callback is left out; in Python `create_task`, `ensure_future` and coroutines that are called without `await`; in Kotlin `launch` and `async` around one write.",
        "Behind it in the same block a call that does the work: `run`, `process`, `handle`, `send`, `publish`, `charge` and their like.",
      ],
      misses: [
        "The languages Go and Java.",
        "Work that starts in another function or block than the write.",
        "Claims and work under names of their own.",
      ],
    },
    fix: "Await the write before the work starts, and do not start it when the write fails.",
    reference:
      "https://developer.mozilla.org/en-US/docs/Web/JavaScript/Guide/Using_promises#common_mistakes",
    examples: {
      typescript: {
        bad: "job.lockedAt = new Date()\njob.save()\nawait handler(job)",
        good: "job.lockedAt = new Date()\nawait job.save()\nawait handler(job)",
      },
      python: {
        bad: 'job.status = "running"\nasyncio.create_task(repo.save(job))\nawait handle(job)',
        good: 'job.status = "running"\nawait repo.save(job)\nawait handle(job)',
      },
      kotlin: {
        bad: "scope.launch { jobs.markRunning(job.id) }\nhandler.run(job)",
        good: "jobs.markRunning(job.id)\nhandler.run(job)",
      },
    },
  },
  check(file, program, report) {
    for (const call of file.calls) {
      const write = writeOf(file, call)
      if (!write) continue
      const names = CLAIMS.test(write.name)
      if (!names && !PERSISTS.test(write.name)) continue
      const statement = statementOf(file, call)
      const block = statement && file.parentOf(statement)
      if (!statement || block?.kind !== "block") continue
      if (!isLater(program, file, call, write)) continue
      const intent = names ? write : claimBefore(file, block, statement, write)
      const work = intent && workAfter(block, statement)
      if (!work) continue
      const because: DraftFact[] = [
        ...(intent === write ? [] : [{ text: "the claim is set here", at: intent }]),
        { text: "it is written here, and not waited for", at: write },
        { text: "the work starts here", at: work },
      ]
      report({
        at: write,
        tier: "likely",
        severity: "high",
        message: `\`${dotted(write.callee)}\` writes a claim that nothing waits for before \`${dotted(work.callee)}\` starts: others still see the work as free`,
        because,
        checked: [
          "the write is not awaited, and its result is not kept to be awaited later",
          "the work does not stand in the callback of the write",
        ],
      })
    }
  },
}

const SPAWNS = /^(?:create_task|ensure_future|launch|async)$/

/** The write that a statement starts: itself, or what is put into a task of its own. */
function writeOf(file: File, call: Call): Call | null {
  if (file.language === "kotlin") {
    if (!/^(?:launch|async)$/.test(call.name)) return null
    const lambda = call.args.at(-1)
    if (lambda?.kind !== "lambda" || lambda.fn.body?.body.length !== 1) return null
    const only = lambda.fn.body.body[0]!
    const inner = only.kind === "return" ? only.value : only
    return inner?.kind === "call" ? inner : null
  }
  if (SPAWNS.test(call.name) && file.language === "python") {
    const inner = call.args[0]
    return inner?.kind === "call" ? inner : null
  }
  const parent = file.parentOf(call)
  // The inner call of `create_task(save())` is looked at with its task.
  if (parent?.kind === "call" && SPAWNS.test(parent.name)) return null
  return call
}

/** The expression statement that a call is, `void` and `.catch(…)` passed over. */
function statementOf(file: File, call: Call): Node | null {
  let at: Node = call
  for (let parent = file.parentOf(at); parent; parent = file.parentOf(at)) {
    if (parent.kind === "block") return at
    const isChain =
      (parent.kind === "member" && /^(?:catch|finally)$/.test(parent.name)) ||
      (parent.kind === "call" && parent.callee === at && /^(?:catch|finally)$/.test(parent.name)) ||
      (parent.kind === "unary" && parent.op === "void")
    if (!isChain) return null
    at = parent
  }
  return null
}

/** Whether a call is over before its write is: it gives a promise, a coroutine, or takes a callback that is not given. */
function isLater(program: Program, file: File, call: Call, write: Call): boolean {
  if (call !== write) return true
  const targets = resolveCall(program, file, call)
  if (targets.some(({ fn }) => fn.isAsync || /Promise|Awaitable|Coroutine/.test(fn.result ?? "")))
    return true
  if (file.language === "python") return false
  if (targets.length > 0 && !takesCallback(targets[0]!.fn.params)) return false
  if (
    call.args.some(
      (arg) => arg.kind === "lambda" || (arg.kind === "name" && CALLBACK.test(arg.name)),
    )
  )
    return false
  const named = file.functions.filter((fn) => fn.name === call.name && takesCallback(fn.params))
  if (named.some((fn) => call.args.length < fn.params.length)) return true
  if (ownRowsOf(program, file).some((row) => row.call === call && row.kind !== "read")) return true
  // The same method is awaited elsewhere.
  return file.calls.some(
    (other) => other !== call && other.name === call.name && file.parentOf(other)?.kind === "await",
  )
}

const CALLBACK = /^(?:cb|callback|done|next)$/

function takesCallback(params: readonly { readonly name: string }[]): boolean {
  return CALLBACK.test(params.at(-1)?.name ?? "")
}

/** What before a write, or in it, says that the row is taken. */
function claimBefore(file: File, block: Block, statement: Node, write: Call): Node | null {
  let found: Node | null = null
  const index = block.body.indexOf(statement)
  for (const one of block.body.slice(Math.max(0, index - 6), index)) {
    if (one.kind !== "assign" || !one.value) continue
    const [target] = one.targets
    if (target?.kind === "member" && claims(file, target.name, one.value)) found = one
  }
  walk(write, (node) => {
    if (node.kind === "object")
      for (const entry of node.entries)
        if (entry.key && claims(file, entry.key, entry.value)) found ??= write
    if (node.kind === "named" && claims(file, node.name, node.value)) found ??= write
    return node.kind !== "function"
  })
  // `job.computeNextRunAt()` before `job.save()`.
  const receiver = receiverOf(write)
  const before = block.body[index - 1]
  if (
    !found &&
    receiver &&
    before?.kind === "call" &&
    /next_?run|lock|claim|started/i.test(before.name)
  )
    found = before
  return found
}

function claims(file: File, name: string, value: Node): boolean {
  if (value.kind === "null" || (value.kind === "bool" && !value.value)) return false
  if (FIELDS.test(name)) return true
  return STATES.test(bare(name)) && RUNNING.test(file.textOf(value))
}

/** The first call after a statement that does the work. */
function workAfter(block: Block, statement: Node): Call | null {
  let found: Call | null = null
  for (const one of block.body.slice(block.body.indexOf(statement) + 1)) {
    walk(one, (node) => {
      if (found) return false
      if (node.kind === "call" && WORKS.test(node.name) && !ASIDE.test(dotted(node.callee)))
        found = node
      // What is defined here runs later.
      return !(node.kind === "assign" && node.value?.kind === "lambda")
    })
  }
  return found
}
