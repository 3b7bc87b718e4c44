/** Retry policies of Go's libraries: what they do unless they are told otherwise counts; some jitter, some never. */
import { walk } from "../../../ir/children.ts"
import type { Call, Node, Obj } from "../../../ir/nodes.ts"
import type { File } from "../../program/file.ts"
import { dotted, receiverOf } from "../../program/names.ts"
import type { Policy } from "./policy.ts"

const SPREADS = /jitter|random/i
const WHY = "its wait is fixed or only grows"
const MISSING = "no jitter is set on the policy, and the library adds none by itself"

/** Functions of Go's libraries, by the module that they are imported from. */
const GO: readonly { readonly module: RegExp; readonly calls: RegExp }[] = [
  { module: /\/cenkalti\/backoff/, calls: /^NewConstantBackOff$/ },
  { module: /\/sethvargo\/go-retry/, calls: /^(?:New)?(?:Constant|Exponential|Fibonacci)$/ },
  { module: /\/PuerkitoBio\/rehttp/, calls: /^ConstDelay$/ },
  { module: /\/eapache\/go-resiliency\/retrier/, calls: /^(?:Exponential|Constant)Backoff$/ },
]

/** Structs of Go's libraries whose zero value has no chance in it. */
const GO_STRUCTS: readonly {
  readonly module: RegExp
  readonly type: string
  readonly chance: string
  readonly needs?: string
}[] = [
  { module: /\/jpillora\/backoff/, type: "Backoff", chance: "Jitter" },
  {
    module: /k8s\.io\/apimachinery\/pkg\/util\/wait/,
    type: "Backoff",
    chance: "Jitter",
    needs: "Duration",
  },
  {
    module: /google\.golang\.org\/grpc\/backoff/,
    type: "Config",
    chance: "Jitter",
    needs: "BaseDelay",
  },
  { module: /\/cenkalti\/backoff/, type: "ExponentialBackOff", chance: "RandomizationFactor" },
]

/** The policies of a file whose waits have no chance in them, in the order of the text. */
export function goPolicies(file: File): Policy[] {
  const found: Policy[] = []
  for (const call of file.calls) {
    const module = moduleOf(file, receiverOf(call))
    if (module === null) continue
    const isKnown = GO.some((one) => one.module.test(module) && one.calls.test(call.name))
    const isBare = isKnown && !isNoWait(call) && !isSpread(file, call)
    if (
      isBare ||
      isRetryGo(module, call) ||
      isRetryable(file, module, call) ||
      isRoko(module, call)
    )
      found.push({ at: call, who: `\`${dotted(call.callee)}\``, why: WHY, missing: MISSING })
  }
  for (const object of file.objects) {
    const known = structOf(file, object)
    if (known) found.push({ at: object, who: `\`${object.type}\``, why: WHY, missing: MISSING })
  }
  for (const assign of file.assignments) {
    const [target] = assign.targets
    if (target?.kind !== "member" || !assign.value) continue
    const isOff =
      target.name === "RandomizationFactor" &&
      assign.value.kind === "number" &&
      assign.value.value === 0
    const isBare =
      target.name === "Backoff" &&
      /^(?:pester\.(?:Default|Linear|Exponential)Backoff|retryablehttp\.DefaultBackoff)$/.test(
        dotted(assign.value),
      )
    if (isOff || isBare)
      found.push({ at: assign, who: `\`${dotted(target)}\``, why: WHY, missing: MISSING })
  }
  return found.sort((a, b) => a.at.start - b.at.start)
}

function moduleOf(file: File, receiver: Node | null): string | null {
  if (receiver?.kind !== "name") return null
  return file.unit.imports.find((one) => one.local === receiver.name)?.module ?? null
}

/** `retry.DelayType(retry.BackOffDelay)`: by default the library combines it with a random one. */
function isRetryGo(module: string, call: Call): boolean {
  const [type] = call.args
  return (
    /\/avast\/retry-go/.test(module) &&
    call.name === "DelayType" &&
    type?.kind === "member" &&
    /^(?:FixedDelay|BackOffDelay)$/.test(type.name)
  )
}

/** `roko.NewRetrier(roko.WithStrategy(roko.Constant(d)))` without one of its options for jitter. */
function isRoko(module: string, call: Call): boolean {
  if (!/\/buildkite\/roko/.test(module) || call.name !== "NewRetrier") return false
  const given = call.args.map((arg) => (arg.kind === "call" ? arg : null))
  return (
    given.some((one) => one?.name === "WithStrategy") &&
    given.every((one) => one !== null && !SPREADS.test(one.name))
  )
}

/** `retryablehttp.NewClient()` with waits of its own and the default backoff, which only grows. */
function isRetryable(file: File, module: string, call: Call): boolean {
  if (!/\/hashicorp\/go-retryablehttp/.test(module) || call.name !== "NewClient") return false
  const method = file.methodOf(call)
  const text = method ? file.textOf(method) : ""
  return /\.RetryWait(?:Min|Max)\s*=/.test(text) && !/\.Backoff\s*=/.test(text)
}

function structOf(file: File, object: Obj): boolean {
  const [local, type] = object.type?.split(".") ?? []
  if (!local || !type) return false
  const module = file.unit.imports.find((one) => one.local === local)?.module
  if (module === undefined) return false
  return GO_STRUCTS.some((one) => {
    if (!one.module.test(module) || one.type !== type) return false
    if (object.entries.some((entry) => entry.key === null)) return false
    const valueOf = (key: string): Node | undefined =>
      object.entries.find((entry) => entry.key === key)?.value
    const [chance, steps] = [valueOf(one.chance), valueOf("Steps")]
    if (object.entries.length === 0 || (one.needs && !valueOf(one.needs))) return false
    if (steps?.kind === "number" && steps.value <= 1) return false
    return !chance || isOff(chance) ? !isSetLater(file, object, one.chance) : false
  })
}

function isOff(node: Node): boolean {
  return (node.kind === "number" && node.value === 0) || (node.kind === "bool" && !node.value)
}

function isSetLater(file: File, object: Obj, field: string): boolean {
  const method = file.methodOf(object)
  let found = false
  if (method)
    walk(method, (node) => {
      if (node.kind === "assign")
        found ||= node.targets.some((target) => target.kind === "member" && target.name === field)
      return !found
    })
  return found
}

function isNoWait(call: Call): boolean {
  const [first] = call.args
  return first?.kind === "number" && first.value === 0
}

/** Whether chance is put in beside it, in the same function. */
function isSpread(file: File, at: Node): boolean {
  const around = file.methodOf(at) ?? file.classOf(at)
  return SPREADS.test(around ? file.textOf(around) : file.textOf(at))
}
