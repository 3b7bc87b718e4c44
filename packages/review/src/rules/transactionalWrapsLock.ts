/** transactional-wraps-lock: the lock is free again before what it protects can be seen. */
import { databaseWritesWithin } from "../analysis/rows/databaseWrites.ts"
import { definitionsOf } from "../analysis/program/definitions.ts"
import type { File } from "../analysis/program/file.ts"
import { heldLocksOf, runsFinally } from "../analysis/sharing/heldLocks.ts"
import { dotted, receiverOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { resolveCall } from "../analysis/program/resolve.ts"
import { sectionsOf } from "../analysis/sharing/sections.ts"
import { type TransactionScope, transactionAround } from "../analysis/rows/transactionScopes.ts"
import type { Annotation, Call, Func, Node } from "../ir/nodes.ts"
import type { Draft, DraftFact, Rule, Spot } from "./rule.ts"

const TAKES_WITH_CALLBACK =
  /^(?:(?:run|execute|do|call|perform|invoke)?_?(?:with|in|under)_?\w*?(?:lock|mutex|lease)\w*|lock_?and_?\w+|(?:execute|run|do)_?(?:locked|exclusive(?:ly)?|synchronized)|runExclusive|guarded_?by_?lock)$/i

const AFTER_COMMIT =
  /afterCommit|after_commit|afterCompletion|on_commit|onCommit|registerSynchronization|TransactionSynchronization/

export const transactionalWrapsLock: Rule = {
  id: "transactional-wraps-lock",
  title: "Lock given back before the transaction commits",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /ransaction|atomic|\.begin|\.Begin|[iI]nTx|[wW]ithTx|\.tx\(/,
  docs: {
    what: "A transaction begins, then a lock is taken, rows are written and the lock is given back; only then does the transaction commit.",
    why: "Between the release and the commit the next holder reads the rows as they were before: both work from the same state, and what the lock was for has happened. It shows under load, when commits take long.",
    silent: [
      "The lock is taken outside and the transaction runs within it.",
      "The lock is given back after the commit: in a synchronization, by on_commit, by a deferred call of the caller.",
      "The lock belongs to the transaction (pg_advisory_xact_lock, select for update).",
      "The transaction only reads, or no row is written under the lock.",
    ],
    reach: {
      sees: [
        "Transactions: `@Transactional` of methods and classes, transaction templates, Django's `atomic`, SQLAlchemy's `begin`, `$transaction` and `transaction` of Prisma, TypeORM, Sequelize and Knex, GORM's `Transaction`, `WithTx` and `InTx`, Begin and Commit in one function.",
        "Locks within: `synchronized`, java.util.concurrent, Redisson, async-mutex, `with lock`, `withLock`, keys of a store that are set when absent and deleted, and helpers by their names (`runWithLock`, `executeLocked`).",
        "Rows that are written under the lock, itself or up to two calls deep, and managed rows that are changed.",
        "A transactional method that calls one of its file which takes the lock; and in Spring a transactional method that is called on the object itself under a lock.",
      ],
      misses: [
        "A transaction that a filter, a middleware or another file's caller opens.",
        "Locks behind an aspect or an annotation of one's own.",
        "Writes deeper than two calls.",
      ],
    },
    fix: "Take the lock first and run the whole transaction within it, in another bean or with a transaction template; or give the lock back after the commit.",
    reference:
      "https://docs.spring.io/spring-framework/reference/data-access/transaction/declarative/annotations.html",
    examples: {
      go: {
        bad: "return db.Transaction(func(tx *gorm.DB) error {\n\tmu.Lock()\n\tdefer mu.Unlock()\n\treturn tx.Save(&order).Error\n})",
        good: "mu.Lock()\ndefer mu.Unlock()\nreturn db.Transaction(func(tx *gorm.DB) error {\n\treturn tx.Save(&order).Error\n})",
      },
      python: {
        bad: 'with transaction.atomic():\n    with cache.lock("stock"):\n        item.stock -= 1\n        item.save()',
        good: 'with cache.lock("stock"):\n    with transaction.atomic():\n        item.stock -= 1\n        item.save()',
      },
      typescript: {
        bad: "await db.transaction(async (tx) => {\n  await mutex.runExclusive(() => tx.insert(orders).values(order))\n})",
        good: "await mutex.runExclusive(() =>\n  db.transaction((tx) => tx.insert(orders).values(order)))",
      },
      java: {
        bad: "@Transactional\npublic void pay(long id) {\n  lock.lock();\n  try {\n    repository.save(paid(id));\n  } finally {\n    lock.unlock();\n  }\n}",
        good: "public void pay(long id) {\n  lock.lock();\n  try {\n    transactionTemplate.executeWithoutResult(tx -> repository.save(paid(id)));\n  } finally {\n    lock.unlock();\n  }\n}",
      },
      kotlin: {
        bad: "@Transactional\nfun pay(id: Long) = lock.withLock {\n  repository.save(paid(id))\n}",
        good: "fun pay(id: Long) = lock.withLock {\n  transactionTemplate.execute { repository.save(paid(id)) }\n}",
      },
    },
  },
  check(file, program, report) {
    const seen = new Set<Node>()
    for (const fn of file.functions) {
      if (fn.isLambda && file.functionOf(fn) !== null) continue
      for (const lock of protectedIn(program, file, fn)) {
        if (seen.has(lock.at)) continue
        seen.add(lock.at)
        const draft = wrapped(program, file, fn, lock) ?? selfCalled(program, file, fn, lock)
        if (draft) report(draft)
      }
      const draft = calledWithin(program, file, fn)
      if (draft) report(draft)
    }
  },
}

/** What runs under a lock in a function: where it is taken, and from where to where it is held. */
interface Protected {
  readonly at: Node
  readonly start: number
  readonly end: number
  /** Where it is given back, when that is a call of its own. */
  readonly give: Call | null
}

const PROTECTED = Symbol("what runs under locks")

function protectedIn(program: Program, file: File, fn: Func): readonly Protected[] {
  return program.memo<Func, readonly Protected[]>(PROTECTED, fn, [], () => {
    const held = heldLocksOf(program, file, fn).map(({ take, gives }): Protected => {
      const inner = file.functionOf(take)
      const near = gives.filter((give) => file.functionOf(give) === inner)
      const own = near.length > 0 ? near : gives
      const last = own.find((give) => runsFinally(file, give)) ?? own.at(-1)!
      const end = isDeferred(file, last) ? (inner?.end ?? fn.end) : last.start
      return { at: take, start: take.end, end, give: last }
    })
    const taken = new Set(held.map((one) => one.at))
    const inner = file.functions.filter((one) => one.start >= fn.start && one.end <= fn.end)
    const sections = inner
      .flatMap((one) => sectionsOf(program, file, one))
      .filter((one) => !taken.has(one.at))
      .flatMap(({ at, spans }): Protected[] => {
        const [first] = spans
        const isBlock =
          at.kind === "function" || file.parentOf(at)?.kind === "with" || hasLambda(at)
        return first && isBlock ? [{ at, start: first.start, end: first.end, give: null }] : []
      })
    const callbacks = file.calls.flatMap((call): Protected[] => {
      const body = call.args.at(-1)
      if (call.start < fn.start || call.end > fn.end || body?.kind !== "lambda") return []
      if (!TAKES_WITH_CALLBACK.test(call.name) || sections.some((one) => one.at === call)) return []
      return [{ at: call, start: body.start, end: body.end, give: null }]
    })
    return [...held, ...sections, ...callbacks].sort((a, b) => a.at.start - b.at.start)
  })
}

/** A release in a `finally` stands where the lock ends; a deferred one stands before. */
function isDeferred(file: File, give: Call): boolean {
  for (const outer of file.ancestorsOf(give)) {
    if (outer.kind === "defer") return true
    if (outer.kind === "function" && !outer.isLambda) return false
  }
  return false
}

function hasLambda(node: Node): boolean {
  return node.kind === "call" && node.args.some((arg) => arg.kind === "lambda")
}

/** The lock is taken and given back while a transaction is open. */
function wrapped(program: Program, file: File, fn: Func, lock: Protected): Draft | null {
  const scope = scopeOf(file, fn, lock)
  if (!scope || !isWriting(scope.at) || AFTER_COMMIT.test(file.textOf(fn))) return null
  if (!writesUnder(program, file, fn, lock)) return null
  return draftOf(lock, scope)
}

/** The transaction that is open when the lock is taken, and still when it is given back. */
function scopeOf(file: File, fn: Func, lock: Protected): TransactionScope | null {
  const scope = transactionAround(file, fn, lock.at.kind === "function" ? lock.at.body! : lock.at)
  if (!scope || (scope.at === lock.at && scope.at.kind !== "function")) return null
  if (scope.at.kind === "with" && isBeside(scope.at, lock.at)) return null
  const isBetweenCalls = scope.at.kind === "call" && scope.end > scope.at.end
  if (isBetweenCalls) {
    // A deferred release comes after the commit.
    if (!lock.give || runsFinally(file, lock.give)) return null
  }
  return lock.start >= scope.start && (lock.give ?? lock).end <= scope.end ? scope : null
}

/** `with lock, transaction.atomic():`, whose first is left last. */
function isBeside(around: Node & { kind: "with" }, lock: Node): boolean {
  const index = around.resources.findIndex((one) => one.value === lock)
  const other = around.resources.findIndex((one) =>
    /atomic|begin|transaction/.test(dotted(one.value)),
  )
  return index >= 0 && index < other
}

/** A transaction that reads only, or that there may not be, protects nothing that is written. */
function isWriting(at: Node): boolean {
  if (at.kind !== "function") return true
  const own = transactionalOf(at.annotations)
  return !own || !own.args.some((arg) => isOption(arg))
}

function isOption(arg: Node): boolean {
  if (arg.kind !== "named") return false
  if (arg.name === "readOnly") return arg.value.kind === "bool" && arg.value.value
  return /NOT_SUPPORTED|NEVER|SUPPORTS$/.test(dotted(arg.value))
}

function transactionalOf(annotations: readonly Annotation[]): Annotation | null {
  return annotations.find((one) => /(?:^|\.)(?:Transactional|atomic)$/.test(one.name)) ?? null
}

/** Whether rows are written under the lock, in this transaction and not in one of its own. */
function writesUnder(program: Program, file: File, fn: Func, lock: Protected): boolean {
  const within = (node: { readonly start: number; readonly end: number }): boolean =>
    node.start >= lock.start && node.end <= lock.end
  const nested = file.calls.some(
    (call) =>
      within(call) &&
      /^(?:execute|executeWithoutResult|transaction|\$transaction|Transaction|inTransaction)$/.test(
        call.name,
      ) &&
      /transaction|\btx|template|db|prisma|sequelize|dataSource/i.test(dotted(call.callee)) &&
      hasLambda(call),
  )
  if (nested) return false
  const writes = databaseWritesWithin(program, file, fn)
  return (
    writes.some(
      ({ from, what }) => within(from) && !isOwnTransaction(program, file, from, what.call),
    ) || file.calls.some((call) => within(call) && changesManaged(program, file, fn, call))
  )
}

const CHANGES =
  /^(?:set[A-Z]\w*|(?:increase|decrease|increment|decrement|reduce|deduct|subtract|change|update|issue|cancel|approve|withdraw|deposit)\w*|add[A-Z]\w*|remove[A-Z]\w*)$/

/** JPA writes what was changed of a managed row when the transaction commits: `stock.decrease(1)`. */
function changesManaged(program: Program, file: File, fn: Func, call: Call): boolean {
  if (file.language !== "java" && file.language !== "kotlin") return false
  const owner = file.classOf(fn)
  if (!transactionalOf([...fn.annotations, ...(owner?.annotations ?? [])])) return false
  const receiver = receiverOf(call)
  if (receiver?.kind !== "name" || !CHANGES.test(call.name)) return false
  return definitionsOf(program, file, receiver).some(({ value }) => {
    let made = value
    while (made?.kind === "call" && /^(?:orElse\w*|get)$/.test(made.name)) made = receiverOf(made)
    return (
      made?.kind === "call" &&
      /^(?:find(?:One)?By\w*|getReferenceById|getById|getBy\w+)$/.test(made.name) &&
      /repo(?:sitory)?$|dao$/i.test(dotted(receiverOf(made) ?? made))
    )
  })
}

/** A called method that begins a transaction of its own commits it before the lock is given back. */
function isOwnTransaction(program: Program, file: File, from: Node, write: Call): boolean {
  if (from.kind !== "call" || from === write) return false
  return resolveCall(program, file, from).some(({ fn }) =>
    transactionalOf(fn.annotations)?.args.some((arg) =>
      /REQUIRES_NEW/.test(arg.kind === "named" ? dotted(arg.value) : dotted(arg)),
    ),
  )
}

function draftOf(lock: Protected, scope: TransactionScope): Draft {
  const because: DraftFact[] = [
    { text: "the transaction begins here", at: headOf(scope.at) },
    { text: "the lock is taken here", at: headOf(lock.at) },
  ]
  if (lock.give) because.push({ text: "and given back here, before the commit", at: lock.give })
  return {
    at: headOf(lock.at),
    tier: "likely",
    severity: "high",
    message:
      "The lock is given back before the transaction commits: the next holder does not see what was written under it",
    because,
    checked: [
      "the lock is not given back after the commit",
      "what is written under the lock runs in no transaction of its own",
      "the transaction is not declared to read only",
    ],
  }
}

function headOf(node: Node): Spot {
  if (node.kind === "function")
    return { start: node.nameStart, end: node.nameStart + Math.max(1, node.name.length) }
  return node
}

/** A transactional method that calls one of its own class which takes the lock and gives it back. */
function calledWithin(program: Program, file: File, fn: Func): Draft | null {
  if (!transactionalOf(fn.annotations) || !isWriting(fn) || !fn.body) return null
  if (AFTER_COMMIT.test(file.textOf(fn))) return null
  for (const call of file.calls) {
    if (call.start < fn.body.start || call.end > fn.body.end) continue
    for (const { file: from, fn: callee } of resolveCall(program, file, call)) {
      if (from !== file || callee === fn || transactionalOf(callee.annotations)) continue
      if (AFTER_COMMIT.test(file.textOf(callee))) continue
      const lock = protectedIn(program, file, callee).find((one) =>
        writesUnder(program, file, callee, one),
      )
      if (!lock) continue
      return {
        at: call,
        tier: "likely",
        severity: "high",
        message: `\`${callee.name}\` gives its lock back before this transaction commits: the next holder does not see what was written under it`,
        because: [
          { text: "the transaction begins here", at: headOf(fn) },
          { text: "the lock is taken here", at: headOf(lock.at) },
          ...(lock.give ? [{ text: "and given back here, before the commit", at: lock.give }] : []),
        ],
        checked: ["the lock is not given back after the commit"],
      }
    }
  }
  return null
}

/** Under a lock a method of the same object is called whose annotation then does nothing: no proxy is passed. */
function selfCalled(program: Program, file: File, fn: Func, lock: Protected): Draft | null {
  if (!file.unit.imports.some((one) => /springframework\.transaction/.test(one.module))) return null
  const owner = file.classOf(fn)
  if (!owner || transactionalOf([...fn.annotations, ...owner.annotations])) return null
  for (const call of file.calls) {
    if (call.start < lock.start || call.end > lock.end) continue
    const isOwn =
      call.callee.kind === "name" ||
      (call.callee.kind === "member" &&
        call.callee.object.kind === "name" &&
        call.callee.object.name === "this")
    if (!isOwn) continue
    const target = resolveCall(program, file, call).find(
      (one) => one.file.classOf(one.fn) === owner,
    )
    if (!target || !transactionalOf(target.fn.annotations)) continue
    return {
      at: call,
      tier: "likely",
      severity: "medium",
      message: `\`${call.name}\` is called on the object itself, so its @Transactional does nothing: each write under the lock commits alone`,
      because: [
        { text: "the lock is taken here", at: headOf(lock.at) },
        { text: "the method is called without passing the proxy", at: call },
        { text: "and is annotated here", at: headOf(target.fn) },
      ],
      checked: ["neither the calling method nor the class is transactional"],
      fix: {
        text: "Move the transactional method to another bean, or run it in a TransactionTemplate under the lock.",
      },
    }
  }
  return null
}
