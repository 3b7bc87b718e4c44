/** The functions that run by themselves: methods, and lambdas that are registered to be called for each request. */
import type { Func, Node } from "../../ir/nodes.ts"
import type { File } from "./file.ts"

/** Calls that keep their callback for requests, commands and events to come. */
const REGISTERS =
  /^(?:get|post|put|patch|delete|all|use|on|once|handle|handler|HandleFunc|Handle|route|command|action|mutation|query|procedure|onCall|onRequest|register\w*|tool|addTool|serve|subscribe|consume|createRoute|openapi|GET|POST|PUT|PATCH|DELETE)$/

/** Bodies of tests, whatever their file is called: nobody else runs meanwhile. */
const TESTS = /^(?:it|test|describe|suite|beforeEach|beforeAll|afterEach|afterAll)$/

/** The innermost function around a node that runs by itself: callbacks within its own course belong to it. */
export function unitAround(file: File, node: Node): Func | null {
  let fn = file.functionOf(node)
  while (fn?.isLambda) {
    const lambda = file.parentOf(fn)
    const call = lambda && file.parentOf(lambda)
    if (call?.kind === "call" && call.callee.kind === "name" && TESTS.test(call.name)) return null
    if (call?.kind === "call" && call.callee !== lambda && REGISTERS.test(call.name)) return fn
    const outer = file.functionOf(fn)
    if (!outer) return fn
    fn = outer
  }
  return fn
}
