/**
 * Locks that the code builds itself out of a store: a key is set only when it is absent, and deleted afterwards.
 * Library locks (Redisson, redlock, redsync, redis-py's Lock) do both behind their own names and never show here.
 */
import type { Func, Node } from "../../ir/nodes.ts"
import { callersOf, definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { isSameByNameOnly, isSameKey, keyFamilyOf, type KeyFamily } from "../program/keys.ts"
import { dotted, receiverOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { question, sourcesMentioning } from "../program/question.ts"
import { ownClassOf, resolveCall } from "../program/resolve.ts"
import { isStore, storeCallsOf, type StoreCall } from "./storeCalls.ts"
import { HOLE } from "../program/text.ts"

/** A call to a store, where it stands and which entries it means. */
export interface Step {
  readonly file: File
  readonly store: StoreCall
  readonly family: KeyFamily
}

const LOCK_WORD =
  /^(?:un|dist|red|try|get|global|cron|job|redis|spin)?lock(?:s|ed|er|ing|key|name|id|value|token)?$|^mutex(?:es)?$|^leases?$|^semaphore|^leader(?:ship)?$|^acquired?$|^lck$/

/** Markers that something was done: they are taken back on failure, and nobody waits for them. */
const MARKER_WORD =
  /^(?:once|dedup\w*|debounced?|processed|idem|idempot\w+|seen|throttled?|cooldown|ratelimit|rate|sent|notified|nonces?|otp|captcha|replay\w*|duplicates?|visited|viewed|quota|revalidat\w*|recheck\w*)$/

const RELEASE_WORD =
  /^(?:release|free|unlock|cleanup|dispose|close|exit|relinquish|stepdown|resign)$/

/** Deleting by force is what it says. */
const FORCED = /force|admin|break|steal|purge|flush|reset|evict|cleanup|invalidate/i

const STEPS = Symbol("steps of locks")
const MAX_FILES = 20

/** Calls of a file to a store, with the entries that they mean. */
export function stepsOf(program: Program, file: File): readonly Step[] {
  return program.memo<File, readonly Step[]>(STEPS, file, [], () =>
    [...storeCallsOf(program, file), ...wrappedClaims(program, file)].map((store) => {
      let family: KeyFamily | null = null
      return {
        file,
        store,
        // Most calls to a store have nothing to do with locks; nobody asks what their keys are.
        get family() {
          return (family ??= keyFamilyOf(program, file, store.key))
        },
      }
    }),
  )
}

const TAKES = /lock|acquire|claim|absent|nx$/i
const TAKES_ALONE = /^(?:(?:try|take|get|set|with)_?)?(?:acquire|lock|claim)/i

/** `repository.lock(key)` of a thin layer over a client, or `acquireLock(key)`, is a claim of the key that it is given. */
function wrappedClaims(program: Program, file: File): StoreCall[] {
  return file.calls.flatMap((call) => {
    const receiver = receiverOf(call)
    if (receiver ? !TAKES.test(call.name) || !isStore(receiver) : !TAKES_ALONE.test(call.name))
      return []
    for (const { file: from, fn } of resolveCall(program, file, call)) {
      if (from === file) continue
      const inner = storeCallsOf(program, from).find(
        (one) => one.kind === "claim" && one.call.start >= fn.start && one.call.end <= fn.end,
      )
      const index = fn.params.findIndex((param) => param.name === dotted(inner?.key ?? fn))
      const key = index >= 0 ? call.args[index] : undefined
      if (inner && key) return [{ kind: "claim", call, key, value: null, expires: inner.expires }]
    }
    return []
  })
}

/** The claim behind a call of a thin layer; a claim that says what it sets is itself. */
export function claimBehind(program: Program, claim: Step): Step {
  if (claim.store.value) return claim
  const [inner = claim] = resolveCall(program, claim.file, claim.store.call).flatMap(
    ({ file, fn }) =>
      stepsOf(program, file).filter(
        ({ store }) =>
          store.kind === "claim" && store.call.start >= fn.start && store.call.end <= fn.end,
      ),
  )
  return inner
}

/** Steps of some kinds on the same key, in this file and in others that spell its text or its maker. */
export function partnersOf(
  program: Program,
  step: Step,
  ...kinds: readonly StoreCall["kind"][]
): Step[] {
  const near = stepsOf(program, step.file).filter(
    (one) => kinds.includes(one.store.kind) && one !== step && isPartner(step, one),
  )
  return near.length > 0 ? near : partnersElsewhere(program, step, kinds)
}

function isPartner(a: Step, b: Step): boolean {
  if (!isSameKey(a.family, b.family)) return false
  if (!isSameByNameOnly(a.family, b.family)) return true
  if (methodOf(a) !== null && methodOf(a) === methodOf(b)) return true
  // Every utility has a `key` to set and a `key` to delete; in a lock both ends say so.
  return speaksOfLock(a) && speaksOfLock(b)
}

function partnersElsewhere(
  program: Program,
  step: Step,
  kinds: readonly StoreCall["kind"][],
): Step[] {
  if (kinds.includes("claim") && claimingPaths(program).length === 0) return []
  const { text, maker } = step.family
  const spelled = (text ?? "").split(HOLE).sort((a, b) => b.length - a.length)[0] ?? ""
  const token = spelled.length > 4 ? spelled : (maker ?? "")
  if (token.length < 5) return []
  const found: Step[] = []
  const claiming = kinds.includes("claim") ? new Set(claimingPaths(program)) : null
  const sources = sourcesMentioning(program, token).filter(
    ({ path, language }) =>
      path !== step.file.path &&
      language === step.file.language &&
      (claiming === null || claiming.has(path)),
  )
  for (const source of sources.slice(0, MAX_FILES)) {
    const file = program.file(source.path)
    if (!file) continue
    for (const one of stepsOf(program, file)) {
      if (kinds.includes(one.store.kind) && isSameKey(step.family, one.family)) {
        if (!isSameByNameOnly(step.family, one.family)) found.push(one)
      }
    }
  }
  return found
}

const CLAIMS = /setnx|set_?if_?absent|set_?if_?not_?exist|\bnx\b|trySet|cache\.add\(|\.Add\(&/i
const CLAIMING = question("sources with claims", (program): string[] =>
  program.sources
    .filter((source) => !source.isTest && CLAIMS.test(source.text))
    .map(({ path }) => path),
)

/** Deletes are many and claims are few: only files that may have one are searched for a delete's. */
function claimingPaths(program: Program): readonly string[] {
  return program.ask(CLAIMING, "")
}

/** What gives a lock back: beside its claim, or beside a call of the function that claims the key that it is given. */
export function releaseOf(program: Program, claim: Step): Step | null {
  const own = partnersOf(program, claim, "delete", "script").find((one) => isLock(claim, one))
  const fn = methodOf(claim)
  const isGiven = (node: Node | null): boolean =>
    node !== null && fn !== null && fn.params.some((param) => param.name === dotted(node))
  // What its caller chooses is judged there.
  if (own || !fn || !isGiven(claim.store.key) || isGiven(claim.store.value)) return own ?? null
  for (const { file, call } of callersOf(program, { file: claim.file, fn })) {
    const taken = stepsOf(program, file).find((one) => one.store.call === call)
    const given =
      taken && partnersOf(program, taken, "delete", "script").find((one) => isLock(taken, one))
    if (given) return given
  }
  return null
}

/** Whether a claim and a delete of its key make a lock: it says so, or it is given back come what may. */
export function isLock(claim: Step, release: Step): boolean {
  if (isForced(release)) return false
  const words = wordsAround(claim)
  // What the key spells says more than the name of the variable that holds it.
  if (words.spelled.some((word) => LOCK_WORD.test(word))) return true
  if (words.spelled.some((word) => MARKER_WORD.test(word))) return false
  if (words.key.some((word) => LOCK_WORD.test(word))) return true
  if ([...words.key, ...words.around].some((word) => MARKER_WORD.test(word))) return false
  if (words.around.some((word) => LOCK_WORD.test(word))) return true
  if (speaksOfLock(release)) return true
  return methodOf(claim) !== null && methodOf(claim) === methodOf(release) && isFinal(release)
}

/** Whether a step's key, function, class or file is called after locks. */
export function speaksOfLock(step: Step): boolean {
  const { key, around } = wordsAround(step)
  if (key.some((word) => LOCK_WORD.test(word))) return true
  const isRelease = step.store.kind === "delete" || step.store.kind === "script"
  return around.some((word) => LOCK_WORD.test(word) || (isRelease && RELEASE_WORD.test(word)))
}

/** Whether the text of a step's key, or the function that makes it, says that it is a lock's. */
export function spellsLock(step: Step): boolean {
  return wordsAround(step).spelled.some((word) => LOCK_WORD.test(word))
}

interface Words {
  /** Of the key's text and of the function that makes it. */
  readonly spelled: string[]
  /** Also of the names that it goes by. */
  readonly key: string[]
  /** Of the function, the class, the file and the result's name. */
  readonly around: string[]
}

const WORDS = new WeakMap<Step, Words>()

/** Each step is held against every other on the same key, so its words are looked for once. */
function wordsAround(step: Step): Words {
  let words = WORDS.get(step)
  if (!words) WORDS.set(step, (words = wordsOfStep(step)))
  return words
}

function wordsOfStep(step: Step): Words {
  const { file, store, family } = step
  const fn = file.methodOf(store.call)
  const name = file.path.split("/").at(-1)!
  const spelled = [family.text ?? "", family.maker ?? ""].flatMap(wordsOf)
  return {
    spelled,
    key: [...spelled, ...family.names.flatMap(wordsOf)],
    around: [
      fn?.name ?? "",
      ownClassOf(file, store.call) ?? "",
      name.replace(/\.\w+$/, ""),
      boundTo(file, store.call),
    ].flatMap(wordsOf),
  }
}

/** The name that a call's result goes to, and the lambda's that it stands in. */
function boundTo(file: File, call: Node): string {
  const names: string[] = []
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "assign") names.push(...outer.targets.map(dotted))
    if (outer.kind === "function") {
      names.push(outer.name)
      if (!outer.isLambda) break
    }
    if (outer.kind === "block" && names.length > 2) break
  }
  return names.join(" ")
}

function isForced(step: Step): boolean {
  return FORCED.test(methodOf(step)?.name ?? "")
}

const METHODS = new WeakMap<Step, Func | null>()

export function methodOf(step: Step): Func | null {
  let method = METHODS.get(step)
  if (method === undefined) METHODS.set(step, (method = step.file.methodOf(step.store.call)))
  return method
}

/** Whether a step runs however its function ends: in a `finally`, deferred, in `.finally(…)`. */
export function isFinal(step: Step): boolean {
  const { file, store } = step
  let inner: Node = store.call
  for (const outer of file.ancestorsOf(store.call)) {
    if (outer.kind === "try" && outer.finalizer === inner) return true
    if (outer.kind === "defer") return true
    if (
      outer.kind === "call" &&
      /^(?:finally|doFinally|whenComplete|also|onCompletion|onTermination)$/.test(outer.name)
    ) {
      return true
    }
    if (outer.kind === "function" && !outer.isLambda) return false
    inner = outer
  }
  return false
}

/** Whether the lock ends by itself: the claim gives an expiry, or another call on its key does; null: unknown. */
export function expires(program: Program, claim: Step): boolean {
  if (claim.store.expires !== false || partnersOf(program, claim, "expire").length > 0) return true
  // The old recipe: the value is the end, and GETSET takes over what has passed it.
  return claim.file.calls.some((call) => /^get_?set$/i.test(call.name))
}

/** Whether anything is decided by what a claim returns. A claim whose result nobody reads is no claim. */
export function isDecided(file: File, claim: StoreCall): boolean {
  let inner: Node = claim.call
  for (const outer of file.ancestorsOf(claim.call)) {
    if (outer.kind === "await" || outer.kind === "member") inner = outer
    else if (outer.kind === "call" && outer.callee === inner) inner = outer
    else return outer.kind !== "block"
  }
  return false
}

/** Whether a step goes into a transaction or a pipeline with others. */
export function isInBatch(program: Program, { file, store }: Step): boolean {
  const receiver = receiverOf(store.call)
  if (!receiver) return false
  const made = definitionsOf(program, file, receiver).flatMap((one) => one.value ?? [])
  return [receiver, ...made].some((node) =>
    wordsOf(dotted(node)).some((word) =>
      /^(?:multi|pipe|pipeline|pipelined|tx|txn|transaction|batch)$/.test(word),
    ),
  )
}
