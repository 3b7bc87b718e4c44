/** Steps of durable workflows: activities of Temporal and Cadence, in the order of the text. */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { meaningOf } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf, rootOf } from "../program/names.ts"

export interface WorkflowStep {
  readonly name: string
  readonly call: Call
  /** Whether it stands where something has failed, or is kept to be run then. */
  readonly isOnFailure: boolean
}

const EXECUTES =
  /^(?:Execute(?:Local)?Activity|ExecuteChildWorkflow|execute_(?:local_)?activity(?:_method)?|start_activity(?:_method)?|execute_child_workflow)$/

/** The steps of each function of a file that runs at least one. */
export function workflowStepsOf(file: File): ReadonlyMap<Func, readonly WorkflowStep[]> {
  const stubs = stubsOf(file)
  const found = new Map<Func, WorkflowStep[]>()
  for (const call of file.calls) {
    const name = stepName(file, call, stubs)
    const fn = name ? (file.methodOf(call) ?? file.functionOf(call)) : null
    if (!name || !fn) continue
    const steps = found.get(fn) ?? []
    steps.push({ name, call, isOnFailure: isOnFailure(file, call) })
    found.set(fn, steps)
  }
  return found
}

function stepName(file: File, call: Call, stubs: ReadonlySet<string>): string | null {
  if (EXECUTES.test(call.name)) {
    const index = file.language === "go" ? 1 : 0
    const activity = call.args[index]
    return activity ? nameOf(activity) : null
  }
  // `Async.function(activities::reserve, order)`
  if (/^(?:function|procedure)$/.test(call.name) && dotted(call.callee).startsWith("Async.")) {
    const [activity] = call.args
    return activity && stubs.has(rootOf(activity) ?? "") ? nameOf(activity) : null
  }
  const receiver = receiverOf(call)
  if (!receiver) return stubs.has(`${call.name}()`) ? call.name : null
  const last = receiver.kind === "name" || receiver.kind === "member" ? receiver.name : ""
  return stubs.has(last) ? call.name : null
}

function nameOf(node: Node): string | null {
  if (node.kind === "string") return node.value.split(".").at(-1) ?? null
  if (node.kind === "name" || node.kind === "member") return node.name
  return node.kind === "other" && node.children.length > 0 ? nameOf(node.children.at(-1)!) : null
}

/** Names of stubs (`payments`), and of functions taken from one (`charge()`). */
function stubsOf(file: File): ReadonlySet<string> {
  const found = new Set<string>()
  const isStub = (value: Node | null): boolean =>
    value?.kind === "call" &&
    /^(?:newActivityStub|newLocalActivityStub|newChildWorkflowStub|proxyActivities|proxyLocalActivities)$/.test(
      value.name,
    )
  for (const assign of file.assignments) {
    if (!isStub(assign.value)) continue
    const [target] = assign.targets
    if (
      assign.targets.length === 1 &&
      (target?.kind === "name" || target?.kind === "member") &&
      !isDestructured(file, assign)
    )
      found.add(target.name)
    else for (const one of assign.targets) if (one.kind === "name") found.add(`${one.name}()`)
  }
  for (const owner of file.classes)
    for (const field of owner.fields) if (isStub(field.value)) found.add(field.name)
  return found
}

/** `const { charge } = proxyActivities()` has one target too. */
function isDestructured(file: File, assign: Node): boolean {
  return /^(?:const|let|var)?\s*\{/.test(file.textOf(assign))
}

function isOnFailure(file: File, call: Call): boolean {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "try" && outer.catches.some((one) => one.body === inner)) return true
    if (outer.kind === "defer") return true
    // What is kept in a lambda runs later; a workflow that is a lambda itself runs now.
    if (outer.kind === "lambda" && file.functionOf(outer) !== null) return true
    if (outer.kind === "if" && inner === outer.then && meaningOf(outer.test) === "failure")
      return true
    if (
      outer.kind === "call" &&
      inner !== outer.callee &&
      /compensat|catch|push|append|add/i.test(outer.name)
    )
      return true
    if (outer.kind === "function" && !outer.isLambda) return false
    inner = outer
  }
  return false
}
