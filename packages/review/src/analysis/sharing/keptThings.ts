/** Things that are made for a key of a map, of which there should be one. */
import type { Call, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import type { Insert, Lookup } from "./lookups.ts"
import { dotted, rootOf } from "../program/names.ts"

/** Maps of what may be made twice: nothing but time is lost. */
export const CACHES = /cache|memo|lru|seen|visited/i

/** What is put in was made for this key, and who finds it later gets another one. */
export function keepsWhatIsMade(file: File, lookup: Lookup, insert: Insert): boolean {
  if (CACHES.test(lookup.state.name) || !insert.value) return false
  if (insert.value.kind === "name") {
    const { name } = insert.value
    return file.assignments.some(
      (assign) =>
        assign.start >= lookup.fn.start &&
        assign.end <= insert.at.start &&
        assign.value !== null &&
        assign.targets.some((target) => dotted(target) === name) &&
        (isMade(file, assign.value, assign.type) ||
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
  /(?:List|Map|Set|Queue|Deque|Lock|Mutex|Semaphore|Latch|Counter|Executor\w*|Thread|Connection|Conn|Client|Session|Channel|Pool|Worker|Producer|Consumer|Subscription|Room|Socket|Limiter|Actor|Process|Stream|Listener|Server|Buffer|Hub|Tenant|Player|Game|Store|Repository|Registry|Manager|Tracker|Bucket|Breaker|Scheduler|Monitor|Gauge|Histogram|Timer|Meter|Group|Agent|Watcher|Broker|Container)$|^Atomic/

/** `type` is the one that the local was declared with: `Session made = factory.create(id)`. */
function isMade(file: File, value: Node, type: string | null = null): boolean {
  const bare = value.kind === "unary" ? value.operand : value
  if (bare.kind === "object")
    return bare.type !== null && IDENTITIES.test(bare.type.replace(/[[{<][^]*$/, ""))
  if (bare.kind !== "call") return false
  const isConstructor =
    bare.isNew === true ||
    (file.language !== "go" && /^[A-Z]/.test(bare.name)) ||
    /^(?:[nN]ew|[cC]reate|[mM]ake)/.test(bare.name)
  if (OPENS.test(bareName(bare))) return true
  // `HttpClient.newBuilder().proxy(p).build()`
  if (bare.name === "build")
    return IDENTITIES.test(type ?? "") || IDENTITIES.test(rootOf(bare) ?? "")
  return isConstructor && (IDENTITIES.test(bare.name) || IDENTITIES.test(type ?? ""))
}

/** The last name of a callee without the marks of what is private. */
export function bareName(call: Call): string {
  return call.name.replace(/^[_#]+/, "")
}
