/** Retry policies of the JVM's libraries: guava-retrying, Resilience4j, Failsafe, Spring, Armeria, Reactor, Arrow. */
import type { Call, Node } from "../../../ir/nodes.ts"
import type { File } from "../../program/file.ts"
import type { Policy } from "./policy.ts"

const SPREADS = /jitter|random/i
/** Kotlin imports these from its source of chance. */
const DRAWS = /\bnext(?:Long|Int|Double)\(/
const WHY = "its wait is fixed or only grows"
const MISSING = "no jitter is set on the policy, and the library adds none by itself"

/** Calls that give a policy of the JVM its wait, by the package that the file imports. */
const KINDS: readonly { readonly module: RegExp; readonly calls: RegExp; readonly in?: RegExp }[] =
  [
    {
      module: /^com\.github\.rholder\.retry/,
      calls: /^(?:fixedWait|exponentialWait|incrementingWait|fibonacciWait)$/,
    },
    {
      module: /^io\.github\.resilience4j\.(?:retry|core)/,
      calls: /^(?:waitDuration|ofExponentialBackoff)$/,
      in: /RetryConfig|IntervalFunction/,
    },
    {
      module: /^(?:net\.jodah|dev)\.failsafe/,
      calls: /^(?:withBackoff|withDelay)$/,
      in: /RetryPolicy/,
    },
    {
      module: /^org\.springframework\.(?:retry|kafka|amqp|util\.backoff|core\.retry)/,
      calls:
        /^(?:FixedBackOffPolicy|ExponentialBackOffPolicy|FixedBackOff|ExponentialBackOff|ExponentialBackOffWithMaxRetries|fixedBackoff|exponentialBackoff|backOffOptions)$/,
    },
    { module: /^org\.springframework\.core\.retry/, calls: /^delay$/, in: /^RetryPolicy\b/ },
    {
      module: /^com\.linecorp\.armeria\.client\.retry/,
      calls: /^(?:exponential|fixed|fibonacci)$/,
      in: /^Backoff\b/,
    },
    { module: /^reactor\.util\.retry/, calls: /^fixedDelay$/, in: /^Retry\b/ },
    {
      module: /^arrow\.(?:resilience|fx)/,
      calls: /^(?:exponential|spaced|linear|fibonacci)$/,
      in: /^Schedule\b/,
    },
    {
      module: /^com\.github\.michaelbull\.retry/,
      calls: /^(?:constantDelay|binaryExponentialBackoff)$/,
    },
  ]

/** The policies of a file whose waits have no chance in them, in the order of the text. */
export function jvmPolicies(file: File): Policy[] {
  const kinds = KINDS.filter(({ module }) =>
    file.unit.imports.some((one) => module.test(one.module)),
  )
  const found: Policy[] = []
  for (const call of file.calls) {
    const kind = kinds.find((one) => one.calls.test(call.name))
    if (!kind || isNoWait(call) || isSpread(file, call)) continue
    const chain = chainOf(file, call)
    if (kind.in && !kind.in.test(file.textOf(chain))) continue
    // A wait that a function computes is judged where it is computed.
    if (call.args.some((arg) => arg.kind === "lambda")) continue
    found.push({ at: call, who: `\`${call.name}\``, why: WHY, missing: MISSING })
  }
  return [...found, ...annotated(file)]
}

/** `@Retryable(backoff = @Backoff(delay = 1000))`: Spring and Micronaut wait the same unless they are told. */
function annotated(file: File): Policy[] {
  const from = file.unit.imports
    .map((one) => one.module)
    .find((module) =>
      /^(?:org\.springframework\.(?:retry|kafka|core\.retry|resilience)|io\.micronaut\.retry)/.test(
        module,
      ),
    )
  if (from === undefined) return []
  return file.functions.flatMap((fn) =>
    fn.annotations.flatMap((one) => {
      if (!/^(?:Retryable|RetryableTopic)$/.test(one.name)) return []
      const text = file.text.slice(one.start, one.end)
      const waits = /\b(?:delay|delayExpression|multiplier|backoff)\s*=/.test(text)
      if (!waits || SPREADS.test(text) || /\bdelay\s*=\s*"?0L?[",)\s]/.test(text)) return []
      return [{ at: one, who: `\`@${one.name}\``, why: WHY, missing: MISSING }]
    }),
  )
}

/** The whole chain of calls that a call is a link of. */
function chainOf(file: File, call: Call): Node {
  let at: Node = call
  for (const outer of file.ancestorsOf(call)) {
    const goesOn =
      (outer.kind === "member" && outer.object === at) ||
      (outer.kind === "call" && outer.callee === at)
    if (!goesOn) break
    at = outer
  }
  return at
}

function isNoWait(call: Call): boolean {
  const [first] = call.args
  return first?.kind === "number" && first.value === 0
}

/** Whether chance is put in beside it: in the statement, in the method or, of a field, in the class. */
function isSpread(file: File, at: Node): boolean {
  const around = file.methodOf(at) ?? file.classOf(at)
  return DRAWS.test(file.textOf(at)) || SPREADS.test(file.textOf(around ?? at))
}
