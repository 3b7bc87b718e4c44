/** check-then-act-map: a key is found missing, and put in when another has put it in as well. */
import { changesOf, type Change } from "../analysis/counters.ts"
import { callersOf } from "../analysis/definitions.ts"
import type { File } from "../analysis/file.ts"
import { type Insert, insertAfter, type Lookup, lookupsIn } from "../analysis/lookups.ts"
import { dotted } from "../analysis/names.ts"
import type { Program } from "../analysis/program.ts"
import { isCalledHeld, sectionsAt, sectionsOf, shareSection } from "../analysis/sections.ts"
import { stateOf } from "../analysis/states.ts"
import { courseOf, isCooperative, yieldBetween, yieldShown } from "../analysis/yields.ts"
import { walk } from "../ir/children.ts"
import type { Call, Node } from "../ir/nodes.ts"
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
      const insert = insertAfter(program, file, lookup)
      if (!insert || isAskedAgain(program, file, lookup, insert)) continue
      if (isOfOneThread(file, lookup)) continue
      if (isHeld(program, file, lookup, insert)) continue
      const draft = isCooperative(file, lookup.fn)
        ? acrossYield(program, file, lookup, insert)
        : betweenThreads(program, file, lookup, insert)
      const once = `${lookup.state.key}@${lookup.fn.start}`
      if (!draft || reported.has(once)) continue
      reported.add(once)
      report(draft)
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
const CACHES = /cache|memo|lru|seen|visited/i

function acrossYield(program: Program, file: File, lookup: Lookup, insert: Insert): Draft | null {
  const gap = yieldBetween(program, file, lookup.fn, lookup.at.end, insert.at)
  if (!gap || CACHES.test(lookup.state.name)) return null
  const refuses = lookup.found !== null && isRefusal(lookup.found)
  if (!refuses && !isMaking(gap) && !(insert.value && isMaking(insert.value))) return null
  return draftOf(
    lookup,
    insert,
    [{ text: `others run while ${yieldShown(gap)} is waited for`, at: gap }],
    refuses,
  )
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

/** What is put in was made for this key, and who finds it later gets another one. */
function keepsWhatIsMade(file: File, lookup: Lookup, insert: Insert): boolean {
  if (CACHES.test(lookup.state.name) || !insert.value) return false
  if (insert.value.kind === "name") {
    const { name } = insert.value
    return file.assignments.some(
      (assign) =>
        assign.start >= lookup.fn.start &&
        assign.end <= insert.at.start &&
        assign.value !== null &&
        assign.targets.some((target) => dotted(target) === name) &&
        (isMade(file, assign.value) ||
          (assign.value.kind === "call" && isStarted(file, name, assign.end, insert.at))),
    )
  }
  return isMade(file, insert.value)
}

/** `made.start()` before it is put in: two of them run, and one is lost sight of. */
function isStarted(file: File, name: string, from: number, until: Node): boolean {
  return file.calls.some(
    (call) =>
      call.start >= from &&
      call.end <= until.start &&
      call.callee.kind === "member" &&
      dotted(call.callee.object) === name &&
      /^(?:init(?:iali[sz]e)?|start|open|connect|run|subscribe|listen|bind)$/i.test(call.name),
  )
}

const OPENS =
  /^(?:connect|open|start|spawn|launch|acquire|subscribe|allocate|provision|join|dial|listen|claim|reserve|fork|submit|schedule)/i
/** Things of which there should be one: who holds another one does not notice. */
const IDENTITIES =
  /(?:List|Map|Set|Queue|Deque|Lock|Mutex|Semaphore|Latch|Counter|Executor\w*|Thread|Connection|Conn|Client|Session|Channel|Pool|Worker|Producer|Consumer|Subscription|Room|Socket|Limiter|Actor|Process|Stream|Listener|Server|Buffer|Hub|Tenant|Player|Game)$|^Atomic/

function isMade(file: File, value: Node): boolean {
  const bare = value.kind === "unary" ? value.operand : value
  if (bare.kind === "object")
    return bare.type !== null && IDENTITIES.test(bare.type.replace(/[[{<][^]*$/, ""))
  if (bare.kind !== "call") return false
  const isConstructor =
    bare.isNew === true ||
    (file.language !== "go" && /^[A-Z]/.test(bare.name)) ||
    /^(?:[nN]ew|[cC]reate|[mM]ake)/.test(bare.name)
  return OPENS.test(bareName(bare)) || (isConstructor && IDENTITIES.test(bare.name))
}

function bareName(call: Call): string {
  return call.name.replace(/^[_#]+/, "")
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
  const tier = refuses || keepsWhatIsMade(file, lookup, insert) ? "likely" : "context"
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
  if (file.language !== "go") return null
  return handlerOf(lookup) ?? goroutineOf(file, lookup) ?? callerWithLock(program, file, lookup)
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
