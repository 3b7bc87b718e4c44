/** Tests and what stands in them: whose course a node is part of, and what the test asserts. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "./file.ts"
import { dotted, rootOf } from "./names.ts"
import { runsInPlace } from "./yields.ts"

const SCRIPT_TESTS = /^(?:it|test|specify|fit|xit|xtest|Deno|bench)$/
const KOTLIN_TESTS = /^(?:test|it|should|expect|scenario|then|Then)$/
const TEST_ANNOTATION =
  /^(?:\w+\.)*(?:Test|ParameterizedTest|RepeatedTest|TestFactory|TestTemplate)$/

/** Callbacks that a test runs in the middle of its own course, in real time. */
const WITHIN_TEST = /^(?:assertTimeout|assertDoesNotThrow|assertAll|runBlockingTest|By|step|use)$/

/** The test whose own course a node is part of; null for servers, threads and handlers that a test sets up. */
export function testAround(file: File, node: Node): Func | null {
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind !== "function") continue
    if (isTest(file, outer)) return outer
    if (!outer.isLambda) return null
    const call = callTaking(file, outer)
    if (!runsInPlace(file, outer) && !(call && WITHIN_TEST.test(call.name))) return null
  }
  return null
}

/** Whether a function is one test. */
export function isTest(file: File, fn: Func): boolean {
  switch (file.language) {
    case "go":
      return isGoTest(file, fn)
    case "python":
      return !fn.isLambda && fn.name.startsWith("test")
    case "javascript":
    case "typescript": {
      const call = callTaking(file, fn)
      return call !== null && SCRIPT_TESTS.test(rootOf(call.callee) ?? "")
    }
    case "java":
    case "kotlin": {
      if (fn.annotations.some((one) => TEST_ANNOTATION.test(one.name))) return true
      if (!fn.isLambda) return /^test[A-Z]/.test(fn.name) && file.language === "java"
      const call = callTaking(file, fn)
      if (!call || file.language === "java") return false
      return call.callee.kind === "string" || KOTLIN_TESTS.test(call.name)
    }
    default:
      return false
  }
}

function isGoTest(file: File, fn: Func): boolean {
  const takesT = fn.params.some((param) => /\*testing\.(?:T|TB|F)$/.test(param.type ?? ""))
  if (!fn.isLambda) {
    const isMethod = fn.receiver !== null && fn.receiver.type.endsWith("Suite")
    return /^Test(?:[A-Z_\d]|$)/.test(fn.name) && (takesT || isMethod)
  }
  const call = callTaking(file, fn)
  if (!call) return false
  if (call.name === "Run" && (takesT || fn.params.length === 0)) return true
  return /^(?:It|Specify|FIt|Entry)$/.test(call.name)
}

/** The call that a lambda is an argument of. */
function callTaking(file: File, fn: Func): Call | null {
  const lambda = file.parentOf(fn)
  let outer = lambda && file.parentOf(lambda)
  if (outer?.kind === "named") outer = file.parentOf(outer)
  return outer?.kind === "call" && outer.callee !== lambda ? outer : null
}

/** The name of a test as a reader finds it: of its function, or the text that it is given. */
export function testName(file: File, test: Func): string {
  if (!test.isLambda) return test.name
  const call = callTaking(file, test)
  if (!call) return test.name
  const [first] = call.callee.kind === "string" ? [call.callee] : call.args
  return first?.kind === "string" ? first.value : first ? file.textOf(first) : test.name
}

const ASSERTS =
  /^(?:assert\w*|expect\w*|require\w*|verify\w*|should\w*|must\w*|ensure\w*|check[A-Z_]\w*|isEqualTo|Errorf?|Fatalf?|Fail|FailNow|fail)$/i
const ASSERT_ROOT =
  /^(?:assert|require|expect|Assert|Assertions|Assertion|is|qt|c|chai|sinon|t|s|suite|self)$/
const ASSERT_METHOD =
  /^(?:Equal\w*|Len|True|False|Contains|NotContains|Nil|NotNil|Empty|NotEmpty|Greater\w*|Less\w*|InDelta|WithinDuration|ElementsMatch|Zero|NotZero|JSONEq|Subset|Eventually|Never|is|deepEqual|strictEqual|equal|ok|throws|calledOnce|calledWith|assert\w*|fail\w*)$/

/** What a test asserts after a place, in order; errors of calls that are expected to be nil are left out. */
export function assertionsAfter(test: Func, after: number): Node[] {
  const found: Node[] = []
  walk(test, (node) => {
    if (node.end <= after) return false
    if (node.start < after) return undefined
    if (node.kind === "other" && node.type === "assert_statement") found.push(node)
    if (node.kind !== "call" || !isAssertion(node)) return undefined
    found.push(node)
    return false
  })
  return found
}

function isAssertion(call: Call): boolean {
  if (/^(?:NoError|ErrorIs|assertNoError|NoErrorf)$/.test(call.name)) return false
  const root = rootOf(call.callee) ?? ""
  if (ASSERT_ROOT.test(root) && call.callee.kind === "member" && ASSERT_METHOD.test(call.name))
    return true
  if (call.callee.kind === "name") return ASSERTS.test(call.name)
  return (
    /^(?:Error|Fatal)f?$|^assert[A-Z]|^should[A-Z]|^verify$/.test(call.name) ||
    /^expect(?:\(\))?\b|assertThat\(\)/.test(dotted(call.callee))
  )
}

const POSITIVE =
  /not_?nil|not_?null|not_?empty|not_none|is not None|not_?zero|not\.toBe(?:Null|Undefined)/gi
const NEGATIVE =
  /\bnot\b|\bNOT\b|[nN]one[A-Z]\w*\(|\b[sS]till\b|Not[A-Z_(]|_not_|[nN]ever|[eE]mpty|[fF]alse\b|Nil\b|Null\b|Undefined|isZero|Zero\(|\bnone\b|\bNone\b|\(0\)|\(\s*0\s*,|,\s*0\s*[,)]|==\s*0\b|!==?|\b[nN]o[A-Z_]|assert_?[nN]o(?:ne)?[A-Z_]|['"](?:PENDING|pending)['"]/

/** Whether an assertion says that something did not happen: only time can show that. */
export function saysNothingHappened(file: File, assertion: Node): boolean {
  if (isOfNothing(file, assertion)) return true
  const call = file.parentOf(assertion)
  const chain = call?.kind === "member" ? (file.parentOf(call) ?? assertion) : assertion
  return NEGATIVE.test(file.textOf(chain).slice(0, 300).replaceAll(POSITIVE, "set"))
}

/** `if n := count.Load(); n != 0 { t.Fatal(…) }` */
function isOfNothing(file: File, assertion: Node): boolean {
  for (const outer of file.ancestorsOf(assertion)) {
    if (outer.kind === "function" || outer.kind === "loop") return false
    if (outer.kind !== "if") continue
    const { test } = outer
    return (
      test.kind === "binary" &&
      /^(?:!=|!==|>)$/.test(test.op) &&
      test.right.kind === "number" &&
      test.right.value === 0
    )
  }
  return false
}

/** A comment between two places that says that all is as it was: `// should still be there`. */
export function saysItStays(file: File, from: number, to: number): boolean {
  return file.unit.comments.some(
    ({ start, end }) =>
      start >= from &&
      end <= to &&
      /should(?:n't| not| still)|must(?:n't| not)|\bstill (?:exists?|there|present|holds?|be)\b|not yet|\bnever\b|\bnothing\b|\bunchanged\b/i.test(
        file.text.slice(start, end),
      ),
  )
}

/** A comment at a wait that says whose time runs out: `// longer than the timeout of the job`. */
export function saysTimeRunsOut(file: File, { start, end }: Node): boolean {
  return file.unit.comments.some((one) => {
    if (!RUNS_OUT.test(file.text.slice(one.start, one.end))) return false
    // In the lines above it, where only a `try` may stand between, or behind it in its own line.
    if (one.end <= start) return LEADS.test(file.text.slice(one.end, start))
    return one.start >= end && !file.text.slice(end, one.start).includes("\n")
  })
}

const RUNS_OUT = /\b(?:time-?outs?|timed out|times out|expir\w+|ttl)\b/i

/** What may stand between a comment and the call that it is about. */
const LEADS =
  /^\s*(?:(?:try|await)\b[\s{]*|[\w.]{1,30}\(|\/\/[^\n]{0,200}\n\s*|#[^\n]{0,200}\n\s*){0,4}$/
