/** stale-term-action: what was decided as leader is done when another may lead. */
import type { File } from "../analysis/program/file.ts"
import { leaves } from "../analysis/program/failures.ts"
import {
  asksLeadership,
  isAskedAgain,
  isLeaderName,
  isResignation,
  speaksOfLeadership,
  speaksOfTerm,
} from "../analysis/leadership/leadership.ts"
import { ownerOnlyIn } from "../analysis/leadership/leaseRows.ts"
import { callersOf } from "../analysis/program/definitions.ts"
import { renewalsIn } from "../analysis/leadership/renewals.ts"
import { dotted, receiverOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { outsideTermIn } from "../analysis/leadership/termContexts.ts"
import { waitsOf, type Wait } from "../analysis/waits/waits.ts"
import { courseOf } from "../analysis/program/yields.ts"
import { walk } from "../ir/children.ts"
import type { Call, Func, Node } from "../ir/nodes.ts"
import type { Draft, DraftFact, Rule } from "./rule.ts"

export const staleTermAction: Rule = {
  id: "stale-term-action",
  title: "Action of a term that may be over",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin", "sql"],
  scope: "code",
  mentions:
    /[lL]eader|[lL]ease|[eE]lect|LEADER|LEASE|[rR]esign|[sS]tep_?[dD]own|[pP]rimary|[rR]enew|[hH]eart_?[bB]eat/,
  docs: {
    what: "After leadership was obtained something slow happens, and then an action is taken without asking whether the term still lasts; or the work of a leader runs under a context that does not end with the term; or a lease is renewed or given up by its owner's name alone, or by its row alone.",
    why: "While it waited, the lease can have run out and another can lead, or the same process can lead in a newer term. The late action then stops, overwrites or resigns what belongs to the newer term.",
    silent: [
      "The term, the epoch, leadership or the context of the term is checked between the wait and the action.",
      "The action carries the term: as an argument, or as a column in its WHERE.",
      "The table has no column that tells terms of one owner apart, and a renewal compares the owner, a token or the value last written.",
    ],
    reach: {
      sees: [
        "A sleep or a backoff in the work of a leader, and then leadership is given up (`resign`, `stepDown`, `releaseLease`), or a service that was started in the same loop is stopped.",
        "A write, a deletion or a message behind a wait that stands under `if (!isLeader()) return` or within `if (isLeader())`.",
        "SQL in strings and files that renews or frees a row of a table named after leaders, leases, elections or masters (of locks where the file speaks of leases or renewing too) by its owner alone, where the table has a column that tells terms apart (term, epoch, generation, a fencing token, elected_at; of leaders also acquired_at and version).",
        "In Go a callback of an election (client-go's `OnStartedLeading`, a function that is handed to what is named after electing) that gets the context of its term and starts its work under another one, where losing leadership neither ends the process nor cancels anything.",
        "Functions named after renewing, extending or heartbeats that move the end of a lease by the row's key alone, in SQL, query builders and mappers.",
      ],
      misses: [
        "Slow work that is no wait: a long query or a pause of the process between the check and the action.",
        "Terms and leadership under other names.",
        "Tables whose columns no SQL of the repository declares or writes.",
      ],
    },
    fix: "Carry the term with the action and compare it in the same critical section or statement: WHERE owner = … AND term = ….",
    reference: "https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html",
    examples: {
      go: {
        bad: "if !e.IsLeader() {\n\treturn nil\n}\ntime.Sleep(settle)\nreturn e.store.Delete(ctx, old)",
        good: "if !e.IsLeader() {\n\treturn nil\n}\ntime.Sleep(settle)\nif !e.IsLeader() {\n\treturn nil\n}\nreturn e.store.Delete(ctx, old, e.Term())",
      },
      python: {
        bad: "if not self.is_leader:\n    return\nawait asyncio.sleep(5)\nawait self.store.delete_expired()",
        good: "if not self.is_leader:\n    return\nawait asyncio.sleep(5)\nif self.is_leader:\n    await self.store.delete_expired(self.term)",
      },
      typescript: {
        bad: "for (let attempt = 0; attempt < 3; attempt++) {\n  if (await tryStart()) return\n  await sleep(1000)\n}\nawait elector.resign()",
        good: "for (let attempt = 0; attempt < 3; attempt++) {\n  if (await tryStart()) return\n  await sleep(1000)\n}\nif (!signal.aborted) await elector.resign(term)",
      },
      java: {
        bad: "if (!election.isLeader()) return;\nThread.sleep(1000);\nstore.deleteStale();",
        good: "if (!election.isLeader()) return;\nThread.sleep(1000);\nstore.deleteStale(election.term());",
      },
      kotlin: {
        bad: "if (!elector.isLeader) return\ndelay(1_000)\nstore.deleteStale()",
        good: "if (!elector.isLeader) return\ndelay(1_000)\nif (elector.isLeader) store.deleteStale()",
      },
      sql: {
        bad: "UPDATE leader SET expires_at = now() + interval '15 s' WHERE leader_id = $1",
        good: "UPDATE leader SET expires_at = now() + interval '15 s' WHERE leader_id = $1 AND elected_at = $2",
      },
    },
  },
  check(file, program, report) {
    for (const draft of leaseDrafts(program, file)) report(draft)
    if (file.language === "sql") return
    for (const draft of renewalDrafts(program, file)) report(draft)
    for (const draft of outsideDrafts(file)) report(draft)
    const reported = new Set<Func>()
    for (const wait of waitsOf(program, file)) {
      if (!holdsUp(file, wait)) continue
      const fn = courseOf(file, wait.call)
      if (!fn || reported.has(fn)) continue
      const draft = afterWait(program, file, fn, wait)
      if (!draft) continue
      reported.add(fn)
      report(draft)
    }
  },
}

/** Whether the function goes on only when the wait is over. */
function holdsUp(file: File, wait: Wait): boolean {
  if (wait.form !== "timer") return wait.form === "block"
  for (const outer of file.ancestorsOf(wait.call)) {
    if (outer.kind === "call") return outer.isNew === true && outer.name === "Promise"
  }
  return false
}

// --- leases by their owner's name ------------------------------------------------------------------------------------

function leaseDrafts(program: Program, file: File): Draft[] {
  return ownerOnlyIn(program, file).map((one) => ({
    at: one.at,
    tier: "likely",
    severity: "high",
    message: `this ${one.verb} the lease in \`${one.table}\` by \`${one.owner}\` alone: when the same owner is elected again, it reaches the newer term`,
    because: [
      { text: `only \`${one.owner}\` is compared`, at: one.at },
      {
        text: `\`${one.term}\` tells the terms of one owner apart`,
        at: one.declared.at,
        file: one.declared.file,
      },
    ],
    checked: [
      `\`${one.term}\` is not compared in the same statement`,
      "the statement does not begin a new term",
    ],
    fix: {
      text: `Compare \`${one.term}\` too: … AND ${one.term} = the term that this process was elected for.`,
    },
  }))
}

/** A renewal that names the row and not its holder. */
function renewalDrafts(program: Program, file: File): Draft[] {
  return renewalsIn(program, file).map(({ at, name, column }) => ({
    at,
    tier: "likely",
    severity: "high",
    message: `\`${name}\` renews the lease by its row alone: who has lost it prolongs, or takes back, what another holds by now`,
    because: [{ text: `\`${column}\` is set whoever holds the row`, at }],
    checked: [
      "no owner, token or term is compared",
      "the value that was last written is not compared either",
    ],
    fix: {
      text: "Compare the owner's token (or the value that this holder last wrote) in the same statement, and give up when no row changed.",
    },
  }))
}

/** A leader's work under a context that goes on when the term is over. */
function outsideDrafts(file: File): Draft[] {
  if (file.language !== "go") return []
  return outsideTermIn(file).map(({ at, given, term }) => ({
    at,
    tier: "likely",
    severity: "high",
    message: `\`${dotted(at.callee)}\` runs under \`${given}\` and not under the context of the term: it goes on when another has become leader`,
    because: [
      { text: "the election hands this one over, which ends with the term", at: term },
      { text: `and this is given \`${given}\`, which does not`, at },
    ],
    checked: [
      "nothing here ends the process or cancels the work when leadership is lost",
      "the callback does not wait for the end of the term",
    ],
    fix: {
      text: "Give the work the context that the callback gets, or one that is derived from it.",
    },
  }))
}

// --- actions after a wait --------------------------------------------------------------------------------------------

function afterWait(program: Program, file: File, fn: Func, wait: Wait): Draft | null {
  return (
    resignation(program, file, fn, wait) ??
    stopOfService(program, file, fn, wait) ??
    actionOfLeader(file, fn, wait)
  )
}

/** Retries with waits, and then leadership is given up: whose? */
function resignation(program: Program, file: File, fn: Func, wait: Wait): Draft | null {
  const late = callsAfter(file, fn, wait).find((call) => isResignation(call))
  if (!late || carriesTerm(late) || isInFinalizer(file, late)) return null
  // Who campaigns here gives up its own candidacy.
  if (
    callsIn(file, fn).some(
      (call) =>
        /campaign|elect|acquire|become|runForLeader/i.test(call.name) &&
        call.start < wait.call.start,
    )
  )
    return null
  const from = roundStart(file, wait)
  if (isAskedAgain(file, fn, Math.max(from, wait.call.end), late)) return null
  if (!isOfLeadership(program, file, fn)) return null
  return draftOf(
    wait,
    late,
    [],
    `leadership is given up after a wait, and by then another term may have begun`,
  )
}

/** A service that a new leader starts with retries: a late failure stops what a newer term has started. */
function stopOfService(program: Program, file: File, fn: Func, wait: Wait): Draft | null {
  const loop = loopAround(file, wait.call)
  if (!loop || !isOfLeadership(program, file, fn)) return null
  const own = callsIn(file, fn).filter((call) => call.start >= loop.start && call.end <= loop.end)
  const started = own.find(
    (call) => /^(?:start|Start|run|Run)$/.test(call.name) && receiverOf(call),
  )
  if (!started) return null
  const receiver = dotted(receiverOf(started)!)
  const stopped = own.find(
    (call) =>
      call.start > started.end &&
      /^(?:stop|Stop|close|Close|shutdown|Shutdown)$/.test(call.name) &&
      receiverOf(call) !== null &&
      dotted(receiverOf(call)!) === receiver,
  )
  if (!stopped || carriesTerm(stopped) || isAskedAgain(file, fn, started.end, stopped)) return null
  return draftOf(
    wait,
    stopped,
    [{ text: "started here, which can take longer than the term", at: started }],
    `\`${receiver}\` is stopped after a start that may have outlived its term: a newer term's service is stopped with it`,
  )
}

const ACTS =
  /^(?:delete|remove|purge|prune|truncate|drop|evict|expire|reap|commit|write|save|update|upsert|insert|put|set|publish|send|promote|assign|reassign|rebalance|failover|stop|kill|terminate|cleanup|clean_up|compact|apply|execute|enqueue|Delete|Remove|Purge|Commit|Write|Save|Update|Put|Publish|Send|Promote|Assign|Stop|Kill|Exec|ExecContext)(?:[A-Z_]\w*)?$/
const HARMLESS =
  /log|debug|info|warn|metric|counter|gauge|span|stat|timer|cache|health|status|event|attribute|label|header|tracer|json|builder|flag|state/i

/** `if (!isLeader()) return`, a sleep, and then a write that only a leader may make. */
function actionOfLeader(file: File, fn: Func, wait: Wait): Draft | null {
  const guard = guardBefore(file, fn, wait)
  if (!guard) return null
  const late = callsAfter(file, fn, wait).find(
    (call) =>
      call.callee.kind === "member" &&
      ACTS.test(call.name) &&
      !HARMLESS.test(dotted(call.callee)) &&
      isUnder(file, guard, call),
  )
  if (!late || carriesTerm(late) || isInFinalizer(file, late)) return null
  if (isAskedAgain(file, fn, wait.call.end, late)) return null
  return draftOf(
    wait,
    late,
    [{ text: "leadership was checked here, before the wait", at: guard.test }],
    `leadership is checked before a wait and \`${dotted(late.callee)}\` runs after it, when another may lead`,
  )
}

/** The last question about leadership before a wait that the wait stands under. */
function guardBefore(file: File, fn: Func, wait: Wait): (Node & { kind: "if" }) | null {
  let found: (Node & { kind: "if" }) | null = null
  walk(fn, (node) => {
    if (
      node.kind === "function" &&
      node !== fn &&
      !(node.start <= wait.call.start && wait.call.end <= node.end)
    )
      return false
    if (node.kind !== "if" || node.test.end > wait.call.start) return undefined
    if (asksLeadership(node.test) && isUnder(file, node, wait.call)) found = node
    return undefined
  })
  return found
}

/** Whether a place runs only where a guard let it: in its branch, or after it where it leaves otherwise. */
function isUnder(file: File, guard: Node & { kind: "if" }, at: Node): boolean {
  const isWithin = (outer: Node): boolean => outer.start <= at.start && at.end <= outer.end
  if (isWithin(guard.then)) return !leaves(guard.then.body, "round") || guard.test.kind !== "unary"
  const around = file.parentOf(guard)
  return (
    guard.test.kind === "unary" &&
    leaves(guard.then.body, "round") &&
    around !== null &&
    isWithin(around) &&
    at.start >= guard.end
  )
}

function callsIn(file: File, fn: Func): Call[] {
  return file.calls.filter(
    (call) => call.start >= fn.start && call.end <= fn.end && courseOf(file, call) === fn,
  )
}

/** Calls that run after a wait in the course of its function; of a loop that waits, only what comes after or below it. */
function callsAfter(file: File, fn: Func, wait: Wait): Call[] {
  return callsIn(file, fn).filter((call) => call.start >= wait.call.end)
}

function roundStart(file: File, wait: Wait): number {
  const loop = loopAround(file, wait.call)
  return loop ? loop.end : wait.call.end
}

function loopAround(file: File, node: Node): Node | null {
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "loop") return outer
    if (outer.kind === "function") return null
  }
  return null
}

/** What is told the term can refuse to act for an old one. */
function carriesTerm(call: Call): boolean {
  return call.args.some((arg) => speaksOfTerm(arg)) || speaksOfTerm(call.callee)
}

function isInFinalizer(file: File, node: Node): boolean {
  let inner = node
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "try" && outer.finalizer === inner) return true
    if (outer.kind === "defer") return true
    inner = outer
  }
  return false
}

/** Whether a function is the work of a leader: by its name or its class, or because a leader's branch calls it. */
function isOfLeadership(program: Program, file: File, fn: Func): boolean {
  const owner = fn.receiver?.type ?? file.classOf(fn)?.name ?? ""
  if (isLeaderName(fn.name) || isLeaderName(owner)) return true
  return callersOf(program, { file, fn }).some(({ file: from, call }) => {
    for (const outer of from.ancestorsOf(call)) {
      if (outer.kind === "if" && speaksOfLeadership(outer.test)) return true
      if (outer.kind === "switch") {
        if (outer.subject && speaksOfLeadership(outer.subject)) return true
        if (outer.cases.some((one) => one.tests.some((test) => speaksOfLeadership(test))))
          return true
      }
      if (outer.kind === "function" && isLeaderName(outer.name)) return true
    }
    return false
  })
}

function draftOf(wait: Wait, late: Call, more: readonly DraftFact[], message: string): Draft {
  return {
    at: late,
    tier: "likely",
    severity: "high",
    message,
    because: [
      ...more,
      { text: "time passes here", at: wait.call },
      { text: "and this is done without asking again", at: late },
    ],
    checked: [
      "leadership, a term or the term's context is not checked between the two",
      "the action does not carry the term",
    ],
  }
}
