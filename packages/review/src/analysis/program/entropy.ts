/**
 * Whether a value depends on chance. Randomness elsewhere in the file is no evidence: the random source has to flow
 * into the expression, through names, fields, parameters and the results of functions in any file.
 */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { childrenOf, walk } from "../../ir/children.ts"
import { definitionsOf } from "./definitions.ts"
import type { File } from "./file.ts"
import { isKnown } from "./known.ts"
import { argNamed, dotted, receiverOf, rootOf } from "./names.ts"
import type { Located, Program } from "./program.ts"
import { resolveCall } from "./resolve.ts"

/** Names, fields and calls that are followed from one expression. */
const MAX_STEPS = 12

const MODULES =
  /^(?:math\/rand|math\/rand\/v2|crypto\/rand|random|secrets|numpy\.random|crypto|node:crypto|uuid|nanoid|kotlin\.random(?:\..*)?|java\.util\.Random|java\.security\.SecureRandom)$/

/** Sources that a dotted name alone gives away. */
const SOURCES =
  /(?:^|\.)(?:Math\.random|crypto\.(?:randomUUID|getRandomValues|randomInt|randomBytes)|ThreadLocalRandom\.current\(\).*|(?:np|numpy)\.random\..*|os\.urandom|uuid\.(?:uuid[14]|New(?:String)?|NewV[47]|NewRandom|v[147])|UUID\.randomUUID|Random\.(?:Default\.)?next\w+|rand\.\w+|random\.(?:random|uniform|randint|randrange|choice|choices|gauss|normalvariate|expovariate|triangular|betavariate|getrandbits|sample)|secrets\.\w+|faker\..*|ulid\.\w+|xid\.New|ksuid\.New|cuid)$/

/** Methods of random generators, when what they are called on is named like one. */
const GENERATOR_METHODS =
  /^(?:next(?:Int|Long|Double|Float|Gaussian|Boolean|Bytes)|(?:Int|Uint|Float)\w*|Perm|uniform|random|randint)$/
const GENERATORS = /ran(?:d|dom)|rng|rnd|entropy/i

/** Bare names of functions that are random wherever they come from. */
const BARE =
  /^(?:uuid4|uuidv[147]|v4|nanoid|randomUUID|randomBytes|randomInt|ulid|cuid|randint|uniform|randrange|urandom|randomString|token_hex|token_urlsafe)$/

/** Functions of libraries that jitter what they compute; asked only where the repository does not define them. */
const JITTERING = /jitter|random|fuzz(?!y)|wait_random|full_?jitter|NextBackOff/i

const MEMO = Symbol("entropic results")

/** Whether chance flows into an expression. */
export function isEntropic(program: Program, file: File, node: Node, steps = MAX_STEPS): boolean {
  return follow(program, file, node, steps, new Set())
}

function follow(
  program: Program,
  file: File,
  node: Node,
  steps: number,
  seen: Set<Node>,
  field: string | null = null,
): boolean {
  if (steps <= 0 || seen.has(node)) return false
  seen.add(node)
  // Of an object that is asked for one field, the others say nothing: a random id beside a fixed delay.
  if (field !== null && node.kind === "object")
    return node.entries.some(
      (one) =>
        (one.key === null || one.key === field) && follow(program, file, one.value, steps, seen),
    )
  if (node.kind === "call") {
    if (isKnown(program.known.jitterHelpers, node.callee)) return true
    if (isRandomSource(file, node)) return true
    if (isEntropicCall(program, file, node, steps, seen, field)) return true
  }
  if (node.kind === "name" || node.kind === "member") {
    const definitions = definitionsOf(program, file, node, MAX_STEPS - steps)
    for (const { file: from, value } of definitions) {
      if (value && follow(program, from, value, steps - 1, seen, field)) return true
    }
    // A field that says what it is, of a type that stands elsewhere: `cfg.jitteredDelay`.
    if (definitions.length === 0 && JITTERING.test(node.name)) return true
    if (node.kind === "member") {
      // A field that is known is not asked of the whole object again.
      if (definitions.length > 0) return false
      return follow(program, file, node.object, steps, seen, node.name)
    }
  }
  if (node.kind === "lambda")
    return node.fn.body !== null && anyReturn(program, file, node.fn, steps, seen)
  const within = node.kind === "unary" ? field : null
  // What is asked is not the value, unless it tosses a coin: `generation.attempts if generation else 0`.
  if (node.kind === "conditional" && !tosses(file, node.test))
    return [node.then, node.otherwise].some((one) =>
      follow(program, file, one, steps, seen, within),
    )
  return childrenOf(node).some((child) => follow(program, file, child, steps, seen, within))
}

function tosses(file: File, test: Node): boolean {
  let found = false
  walk(test, (node) => {
    if (node.kind === "call") found ||= isRandomSource(file, node)
    return !found
  })
  return found
}

function isEntropicCall(
  program: Program,
  file: File,
  call: Call,
  steps: number,
  seen: Set<Node>,
  field: string | null,
): boolean {
  const targets = resolveCall(program, file, call)
  if (targets.length > 0 && field !== null)
    return targets.some((one) => anyReturn(program, one.file, one.fn, steps - 1, seen, field))
  if (targets.length > 0)
    return targets.some((target) => returnsEntropy(program, target, steps - 1, seen))
  if (JITTERING.test(call.name)) return argNamed(call, "jitter")?.kind !== "bool"
  // `new Backoff({ jitter: true }).duration()` and the like: chance is switched on by an option.
  const jitter = argNamed(call, "jitter", "Jitter", "randomize", "random", "randomizationFactor")
  if (jitter !== null) return !isNone(jitter)
  // `new ExponentialBackoff(100, 2, 5000, BACKOFF_JITTER)` of a library: an argument that is called so.
  return call.args.some(
    (arg) =>
      (arg.kind === "name" || arg.kind === "member") &&
      /jitter/i.test(arg.name) &&
      !definitionsOf(program, file, arg).some(({ value }) => value !== null && isNone(value)),
  )
}

function isNone(jitter: Node): boolean {
  return (
    (jitter.kind === "bool" && !jitter.value) || (jitter.kind === "number" && jitter.value === 0)
  )
}

/** Whether what a function returns depends on chance. */
function returnsEntropy(
  program: Program,
  { file, fn }: Located,
  steps: number,
  seen: Set<Node>,
): boolean {
  if (steps <= 0) return false
  return program.memo<Func, boolean>(MEMO, fn, false, () =>
    anyReturn(program, file, fn, steps, seen),
  )
}

function anyReturn(
  program: Program,
  file: File,
  fn: Func,
  steps: number,
  seen: Set<Node>,
  field: string | null = null,
): boolean {
  let found = false
  if (!fn.body) return false
  walk(fn.body, (node) => {
    if (found || (node.kind === "function" && node !== fn)) return false
    if (node.kind === "return" && node.value)
      found = follow(program, file, node.value, steps, seen, field)
    return undefined
  })
  // Go's named results are returned without being named.
  return found
}

/** Whether a call draws from a random source itself. */
export function isRandomSource(file: File, call: Call): boolean {
  const name = dotted(call.callee)
  if (SOURCES.test(name)) return !isOwnModule(file, name)
  const receiver = receiverOf(call)
  if (receiver && GENERATOR_METHODS.test(call.name) && GENERATORS.test(dotted(receiver)))
    return true
  if (receiver?.kind === "call" && receiver.isNew && /^(?:Secure)?Random$/.test(receiver.name))
    return true
  if (file.language === "kotlin" && call.name === "random" && call.callee.kind === "member")
    return true
  if (call.callee.kind === "name") {
    if (BARE.test(call.name)) return true
    const link = file.unit.imports.find((one) => one.local === call.name)
    return link !== undefined && MODULES.test(link.module) && !/shuffle|seed/i.test(link.name)
  }
  const root = rootOf(call.callee)
  const link = root === null ? undefined : file.unit.imports.find((one) => one.local === root)
  return (
    link !== undefined &&
    MODULES.test(link.module) &&
    !/^(?:shuffle|Shuffle|seed|Seed|createHash|createHmac)$/.test(call.name) &&
    !/crypto|uuid/.test(link.module)
  )
}

/** A package of one's own that is called rand proves nothing by its name alone. */
function isOwnModule(file: File, name: string): boolean {
  const root = name.split(".")[0]!
  const link = file.unit.imports.find((one) => one.local === root)
  return link !== undefined && link.module.startsWith(".")
}
