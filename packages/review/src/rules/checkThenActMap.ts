/** check-then-act-map: a key is found missing, and put in when another has put it in as well. */
import { changesOf, type Change } from "../analysis/sharing/counters.ts"
import { type CalledInsert, calledInsert } from "../analysis/sharing/calledInserts.ts"
import { callersOf } from "../analysis/program/definitions.ts"
import type { File } from "../analysis/program/file.ts"
import { type Insert, insertAfter, type Lookup, lookupsIn } from "../analysis/sharing/lookups.ts"
import { bareName, CACHES, keepsWhatIsMade } from "../analysis/sharing/keptThings.ts"
import { leaves } from "../analysis/program/failures.ts"
import { mapUpdates } from "../analysis/sharing/mapUpdates.ts"
import { dotted } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { searchedMaps } from "../analysis/sharing/searchedMaps.ts"
import { isCalledHeld, sectionsAt, sectionsOf, shareSection } from "../analysis/sharing/sections.ts"
import { stateOf } from "../analysis/sharing/states.ts"
import { courseOf, isCooperative, yieldBetween, yieldShown } from "../analysis/program/yields.ts"
import { walk } from "../ir/children.ts"
import type { Node } from "../ir/nodes.ts"
import { checkThenActMapReach } from "./reach/checkThenActMap.ts"
import type { Draft, DraftFact, Rule } from "./rule.ts"

export const checkThenActMap: Rule = {
  id: "check-then-act-map",
  title: "Map checked, then changed",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /map\[|Map|\.has\(|\bnot in\b|contains|in self\.|\.get\(|Load\(|dict|\{\}/,
  docs: {
    what: "Code asks a shared map whether a key is there, and puts the key in later, without anything that holds the two together.",
    why: "Two callers that ask at the same time both find the key missing. Both create what belongs to it, and the one that writes last replaces the other's: a connection leaks, a worker runs twice, a name is given away twice. In Go the map itself breaks.",
    silent: [
      "The check and the insertion stand in one critical section, or no await lies between them in single-threaded code.",
      "The key is looked for again under the lock before it is put in.",
      "One operation does both: putIfAbsent, computeIfAbsent, LoadOrStore, setdefault.",
      "Nothing shows that several callers use the map at once.",
    ],
    reach: checkThenActMapReach,
    fix: "Hold one lock over both, use the map's own operation that does both, or put a placeholder (a promise) in before the first await.",
    reference: "https://cwe.mitre.org/data/definitions/367.html",
    examples: {
      go: {
        bad: "if _, ok := s.rooms[id]; ok {\n\treturn ErrExists\n}\nroom := newRoom(id)\ns.rooms[id] = room",
        good: "s.mu.Lock()\ndefer s.mu.Unlock()\nif _, ok := s.rooms[id]; ok {\n\treturn ErrExists\n}\ns.rooms[id] = newRoom(id)",
      },
      python: {
        bad: "if key not in self.clients:\n    self.clients[key] = await connect(key)",
        good: "async with self.lock:\n    if key not in self.clients:\n        self.clients[key] = await connect(key)",
      },
      typescript: {
        bad: "if (!this.clients.has(id)) {\n  this.clients.set(id, await connect(id))\n}",
        good: "if (!this.clients.has(id)) {\n  this.clients.set(id, connect(id))\n}\nreturn await this.clients.get(id)",
      },
      java: {
        bad: "if (!sessions.containsKey(id)) {\n  sessions.put(id, new Session(id));\n}",
        good: "sessions.computeIfAbsent(id, Session::new);",
      },
      kotlin: {
        bad: "if (!sessions.containsKey(id)) {\n  sessions[id] = Session(id)\n}",
        good: "sessions.computeIfAbsent(id) { Session(it) }",
      },
    },
  },
  check(file, program, report) {
    const reported = new Set<string>()
    for (const lookup of lookupsIn(program, file)) {
      const insert =
        insertAfter(program, file, lookup) ??
        (isCooperative(file, lookup.fn) ? calledInsert(program, file, lookup) : null)
      if (!insert || isAskedAgain(program, file, lookup, insert)) continue
      if (isOfOneThread(file, lookup) || (lookup.isPartly && !isRefusal(lookup.found!))) continue
      if (isHeld(program, file, lookup, insert)) continue
      const draft = isCooperative(file, lookup.fn)
        ? acrossYield(program, file, lookup, insert)
        : betweenThreads(program, file, lookup, insert)
      const once = `${lookup.state.key}@${lookup.fn.start}`
      if (!draft || reported.has(once)) continue
      reported.add(once)
      report(draft)
    }
    for (const { name, search, put } of searchedMaps(program, file))
      report(searchDraft(name, search, put))
    for (const { fn, state, read, put } of mapUpdates(program, file)) {
      const once = `${state.key}@${fn.start}`
      if (reported.has(once)) continue
      reported.add(once)
      report(updateDraft(state.name, read, put))
    }
  },
}

/** A key that is the thread itself is nobody else's. */
function isOfOneThread(file: File, { fn, key }: Lookup): boolean {
  const OWN = /currentThread|get_ident|current_task|threadId|thread_id/
  if (OWN.test(key)) return true
  return file.assignments.some(
    (assign) =>
      assign.start >= fn.start &&
      assign.end <= fn.end &&
      assign.value !== null &&
      assign.targets.some((target) => dotted(target) === key) &&
      OWN.test(file.textOf(assign.value)),
  )
}

function isHeld(program: Program, file: File, lookup: Lookup, insert: Insert): boolean {
  return (
    shareSection(program, file, lookup.at, insert.at) ||
    shareSection(program, file, lookup.test, insert.at) ||
    isCalledHeld(program, { file, fn: lookup.fn })
  )
}

/** Whether the key is looked for once more between the check and the insertion. */
function isAskedAgain(program: Program, file: File, lookup: Lookup, insert: Insert): boolean {
  return lookupsIn(program, file).some(
    (other) =>
      other.state.key === lookup.state.key &&
      other.key === lookup.key &&
      other.at.start > lookup.from &&
      other.at.end <= insert.at.start &&
      other.fn === lookup.fn,
  )
}

// --- one thread that hands over -----------------------------------------------------------------------------------

const MAKES =
  /^(?:create|connect|open|start|spawn|launch|init|boot|acquire|subscribe|mount|allocate|provision|make|build|register|join|establish|dial|new|setup|attach|bind|listen|reserve|claim)/i

function acrossYield(
  program: Program,
  file: File,
  lookup: Lookup,
  insert: Insert | CalledInsert,
): Draft | null {
  const gap =
    "gap" in insert ? insert.gap : yieldBetween(program, file, lookup.fn, lookup.at.end, insert.at)
  if (!gap || CACHES.test(lookup.state.name)) return null
  const refuses = lookup.found !== null && (isRefusal(lookup.found) || isFlag(file, lookup, insert))
  if (!refuses && !isMaking(gap) && !(insert.value && isMaking(insert.value))) return null
  return draftOf(
    lookup,
    insert,
    [{ text: `others run while ${yieldShown(gap)} is waited for`, at: gap }],
    refuses,
  )
}

const UNDER_WAY =
  /progress|process|pending|running|active|lock|busy|flight|claim|start|sett?ing|touching|updating|syncing|loading|sending|working|current|handling/i

/** `if (running.has(id)) return` … `running.add(id)`: the key itself says that somebody is at it. */
function isFlag(file: File, { found, state }: Lookup, { at, value }: Insert): boolean {
  if (!found || found.kind !== "block" || !leaves(found.body) || !UNDER_WAY.test(state.name))
    return false
  if (value) return value.kind === "bool" && value.value
  return file.language !== "go" && at.kind === "call" && /^add$/i.test(at.name)
}

/** The branch for a key that is there turns the caller away instead of handing out what is there. */
function isRefusal(found: Node): boolean {
  let refuses = false
  walk(found, (node) => {
    if (node.kind === "function") return false
    if (node.kind === "throw") refuses = true
    if (node.kind === "return" && node.value && isErrorValue(node.value)) refuses = true
    return !refuses
  })
  return refuses
}

function isErrorValue(value: Node): boolean {
  if (value.kind === "bool") return !value.value
  if (value.kind === "list") return value.items.some((item) => isErrorValue(item))
  if (value.kind === "unary") return isErrorValue(value.operand)
  const name = value.kind === "object" ? (value.type ?? "") : dotted(value)
  return /err|exist|already|duplicate|conflict|taken|refus/i.test(name)
}

function isMaking(node: Node): boolean {
  let makes = false
  walk(node, (one) => {
    if (one.kind === "function") return false
    if (one.kind === "call" && (MAKES.test(bareName(one)) || one.isNew)) makes = true
    return !makes
  })
  return makes
}

// --- threads --------------------------------------------------------------------------------------------------------

function betweenThreads(
  program: Program,
  file: File,
  lookup: Lookup,
  insert: Insert,
): Draft | null {
  if (isSetUp(program, file, lookup)) return null
  const shown = concurrencyOf(program, file, lookup, insert)
  if (!shown) {
    const isSuspending = file.language === "kotlin" && lookup.fn.isAsync
    return isSuspending ? acrossYield(program, file, lookup, insert) : null
  }
  const refuses = lookup.found !== null && isRefusal(lookup.found)
  if (lookup.isConcurrent && lookup.found && saysImpossible(file, lookup.found))
    return { ...draftOf(lookup, insert, [shown], refuses), tier: "context" }
  // Two who compute the same value and keep either lose nothing but time.
  const isLost = insert.at.kind === "call" && /^(?:putIfAbsent|LoadOrStore)$/.test(insert.at.name)
  const tier = refuses || isLost || keepsWhatIsMade(file, lookup, insert) ? "likely" : "context"
  return { ...draftOf(lookup, insert, [shown], refuses), tier }
}

/** The refusal tells of a mistake in the program, not of somebody who came second. */
function saysImpossible(file: File, found: Node): boolean {
  return /IllegalState|AssertionError|checkState|\bbug\b|error\("/.test(file.textOf(found))
}

/** Constructors and set-up run before anybody else is there. */
function isSetUp(program: Program, file: File, { fn }: Lookup): boolean {
  if (isSetUpName(fn.name)) return true
  if (file.language === "go" && fn.receiver === null && /^[nN]ew/.test(fn.name)) return true
  const callers = callersOf(program, { file, fn })
  return (
    callers.length > 0 &&
    callers.every(({ file: from, call }) => {
      const around = from.methodOf(call)
      return (
        around !== null &&
        (isSetUpName(around.name) || around.annotations.some((one) => one.name === "PostConstruct"))
      )
    })
  )
}

/** What shows that several threads use the map; null where nothing does. */
function concurrencyOf(
  program: Program,
  file: File,
  lookup: Lookup,
  insert: Insert,
): DraftFact | null {
  if (lookup.isConcurrent)
    return { text: "the map is made for several threads at once", at: lookup.at }
  const own = [lookup.at, insert.at].find((node) => sectionsAt(program, file, node).length > 0)
  if (own) return { text: "only one of the two stands under the lock", at: own }
  const guarded = changesOf(program, file, lookup.state).find(
    (change) => change.at !== insert.at && isGuarded(program, change),
  )
  if (guarded)
    return { text: "elsewhere the map changes under a lock", at: guarded.at, file: guarded.file }
  if (file.language !== "go") return sharedBeanOf(file, lookup)
  return handlerOf(lookup) ?? goroutineOf(file, lookup) ?? callerWithLock(program, file, lookup)
}

/** One instance of a component serves all requests of a container. */
const SHARED =
  /(?:^|\.)(?:Component|Service|Repository|Controller|RestController|Singleton|ApplicationScoped|ManagedBean|Startup)$/

function sharedBeanOf(file: File, { fn, state }: Lookup): DraftFact | null {
  if (file.language !== "java" && file.language !== "kotlin") return null
  const owner = file.classOf(fn)
  if (!owner || state.owner !== owner.name) return null
  const isScoped = owner.annotations.some((one) => /Scope$|Scoped$/.test(one.name))
  const shared = owner.annotations.find((one) => SHARED.test(one.name))
  if (!shared || (isScoped && !shared.name.endsWith("Scoped"))) return null
  return {
    text: "one instance of this component serves all requests",
    at: { start: owner.nameStart, end: owner.nameStart + owner.name.length },
  }
}

function isGuarded(program: Program, change: Change): boolean {
  return sectionsAt(program, change.file, change.at).length > 0
}

/** Handlers of requests run at once. */
function handlerOf({ fn }: Lookup): DraftFact | null {
  const isHandler = fn.params.some((param) =>
    /(?:http\.ResponseWriter|gin\.Context|echo\.Context|fiber\.Ctx)$/.test(param.type ?? ""),
  )
  return isHandler
    ? {
        text: "requests are handled at once",
        at: { start: fn.nameStart, end: fn.nameStart + fn.name.length },
      }
    : null
}

/** A goroutine of the same file that touches the map. */
function goroutineOf(file: File, lookup: Lookup): DraftFact | null {
  const call = file.calls.find((one) => {
    if (file.parentOf(one)?.kind !== "go") return false
    if (one.callee.kind === "lambda") return file.textOf(one).includes(`.${lookup.state.name}`)
    return one.name === lookup.fn.name
  })
  return call ? { text: "a goroutine uses the map too", at: call } : null
}

/** Those who call it take a lock for their own state, and others read the map without any. */
function callerWithLock(program: Program, file: File, lookup: Lookup): DraftFact | null {
  const read = unguardedRead(program, file, lookup)
  if (!read) return null
  for (const { file: from, call } of callersOf(program, { file, fn: lookup.fn })) {
    const around = courseOf(from, call)
    const section = around ? sectionsOf(program, from, around)[0] : undefined
    if (section)
      return {
        text: "those who call this expect others at the same time",
        at: section.at,
        file: from,
      }
  }
  return null
}

/** A read of a Go map in another method that holds no lock: it breaks when the map is written meanwhile. */
function unguardedRead(program: Program, file: File, lookup: Lookup): Node | null {
  if (file.language !== "go") return null
  let found: Node | null = null
  for (const fn of file.functions) {
    if (fn === lookup.fn || fn.isLambda || isSetUpName(fn.name)) continue
    walk(fn, (node) => {
      if (found || node.kind !== "member" || node.name !== lookup.state.name) return !found
      if (stateOf(program, file, node)?.key !== lookup.state.key) return undefined
      if (sectionsAt(program, file, node).length === 0 && !isCalledHeld(program, { file, fn }))
        found = node
      return undefined
    })
  }
  return found
}

function isSetUpName(name: string): boolean {
  return /^(?:constructor$|__init__$|init|New|main$|setUp|configure|Register|register)/.test(name)
}

function searchDraft(name: string, search: Node, put: Node): Draft {
  return {
    at: { start: search.start, end: search.start + "for".length },
    tier: "likely",
    severity: "low",
    message: `\`${name}\` is searched under one lock and added to under the next: two callers at once both find nothing`,
    because: [
      { text: "searched here", at: search },
      { text: "and added to here, when the lock was given back in between", at: put },
    ],
    checked: ["it is not searched again under the second lock"],
  }
}

function updateDraft(name: string, read: Node, put: Node): Draft {
  return {
    at: put,
    tier: "likely",
    severity: "low",
    message: `a value of \`${name}\` is read, computed anew and put back: what another thread puts in between is lost`,
    because: [
      { text: "read here", at: read },
      { text: "and put back here", at: put },
    ],
    checked: ["no critical section holds both", "no operation of the map does both at once"],
    fix: { text: "Use merge, compute or an atomic value." },
  }
}

// --- words ----------------------------------------------------------------------------------------------------------

function draftOf(
  lookup: Lookup,
  insert: Insert,
  more: readonly DraftFact[],
  refuses: boolean,
): Draft {
  const { name } = lookup.state
  return {
    at: lookup.test,
    tier: "likely",
    severity: refuses ? "medium" : "low",
    message: `\`${name}\` is asked for a key and the key is put in later: two callers at once both find it missing`,
    because: [
      { text: `\`${name}\` is asked here`, at: lookup.at },
      ...more,
      { text: "and the key is put in here", at: insert.at },
    ],
    checked: [
      "no critical section holds both",
      "the key is not looked for again before it is put in",
      "no operation of the map does both at once",
    ],
  }
}
