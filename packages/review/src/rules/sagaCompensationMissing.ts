/** saga-compensation-missing: a later step fails, and what an earlier one did stays. */
import {
  type HalfCompensation,
  halfCompensationsOf,
} from "../analysis/effects/halfCompensations.ts"
import { isHarmless, mutatingStep, type Step, takesBack } from "../analysis/effects/inverses.ts"
import type { File } from "../analysis/program/file.ts"
import type { Program } from "../analysis/program/program.ts"
import { type SagaStep, sagasOf } from "../analysis/effects/sagaSteps.ts"
import { type WorkflowStep, workflowStepsOf } from "../analysis/effects/workflowSteps.ts"
import { isExamplePath } from "../files/testPath.ts"
import { walk } from "../ir/children.ts"
import type { Class, Func } from "../ir/nodes.ts"
import type { Draft, Rule } from "./rule.ts"

/** Words of taking back: where a function has them, it does. */
const COMPENSATES = /compensat|rollback|roll_back|\bundo|revert|unwind/i

export const sagaCompensationMissing: Rule = {
  id: "saga-compensation-missing",
  title: "Step of a saga that nothing takes back",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /[aA]ctivit|[sS]aga|SAGA|[cC]ompensat|rollback|Rollback|add_?[sS]tep|AddStep|\.step\(|[rR]efund\w*\(|\.(?:[dD]elete|[rR]emove|[rR]elease|[cC]ancel|[dD]estroy|[vV]oid|[rR]evoke)\w*\(/,
  docs: {
    what: "A workflow changes several systems one after the other (it charges, reserves, books), and a step that can be taken back has no counterpart that runs when a later step fails; or a function takes a step back when the next one fails, and leaves it when the one after that does.",
    why: "There is no transaction around services. When the second step fails for good, the first stays done: money is taken for an order that does not exist, seats stay reserved for nobody.",
    silent: [
      "The step has a counterpart: an inverse activity where something failed, a compensation of the builder, a saga of the library.",
      "The step is the last that changes anything, comes after the point of no return, or changes nothing.",
      "The inverse activity exists elsewhere in the service (tier context).",
    ],
    reach: {
      sees: [
        "Workflows of Temporal and Cadence: activities and child workflows by name, by stub and by proxy, in Go, Python, TypeScript, Java and Kotlin.",
        "Builders: chains of `step` with `invoke` and `withCompensation`, lists of steps with an action and a compensation, and calls such as `saga.addStep(…)`.",
        "Axon's `@Saga` classes that send commands and hear of no failure and no deadline.",
        "Any function that takes a step back when the next call fails, and not when the one after that does.",
        "Steps by their verbs, with those that take them back: charge and refund, reserve and release, book and cancel, debit and credit, provision and destroy, create and delete and more.",
      ],
      misses: [
        "AWS Step Functions, Camunda, Conductor and other engines whose workflows are data.",
        "Compensations that another service runs when it hears of the failure.",
        "Steps whose verb has no known inverse.",
      ],
    },
    fix: "Register the inverse of each step (refund, release, cancel) before or right after the step, and run those of the steps that were done, last first, when a later one fails.",
    reference: "https://microservices.io/patterns/data/saga.html",
    examples: {
      go: {
        bad: "workflow.ExecuteActivity(ctx, ChargeCard, order).Get(ctx, nil)\nerr := workflow.ExecuteActivity(ctx, ReserveStock, order).Get(ctx, nil)\nif err != nil {\n\treturn err\n}",
        good: "workflow.ExecuteActivity(ctx, ChargeCard, order).Get(ctx, nil)\nerr := workflow.ExecuteActivity(ctx, ReserveStock, order).Get(ctx, nil)\nif err != nil {\n\tworkflow.ExecuteActivity(ctx, RefundCard, order).Get(ctx, nil)\n\treturn err\n}",
      },
      python: {
        bad: "await workflow.execute_activity(charge_card, order)\nawait workflow.execute_activity(reserve_stock, order)",
        good: "await workflow.execute_activity(charge_card, order)\ntry:\n    await workflow.execute_activity(reserve_stock, order)\nexcept ActivityError:\n    await workflow.execute_activity(refund_card, order)\n    raise",
      },
      typescript: {
        bad: "await chargeCard(order)\nawait reserveStock(order)",
        good: "await chargeCard(order)\ntry {\n  await reserveStock(order)\n} catch (error) {\n  await refundCard(order)\n  throw error\n}",
      },
      java: {
        bad: "payments.chargeCard(order);\nstock.reserveItems(order);",
        good: "Saga saga = new Saga(options);\nsaga.addCompensation(payments::refundCard, order);\npayments.chargeCard(order);\nstock.reserveItems(order);",
      },
      kotlin: {
        bad: "payments.chargeCard(order)\nstock.reserveItems(order)",
        good: "val saga = Saga(options)\nsaga.addCompensation { payments.refundCard(order) }\npayments.chargeCard(order)\nstock.reserveItems(order)",
      },
    },
  },
  check(file, program, report) {
    for (const [fn, steps] of workflowStepsOf(file)) ofWorkflow(program, file, fn, steps, report)
    for (const steps of sagasOf(file)) ofBuilder(steps, report)
    for (const owner of file.classes) ofAxon(file, owner, report)
    if (isExamplePath(file.path)) return
    for (const half of halfCompensationsOf(file)) report(ofHalf(half))
  },
}

type Say = (draft: Draft) => void

// --- taken back for one failure, and not for the next --------------------------------------------------------------

function ofHalf({ step, inverse, later }: HalfCompensation): Draft {
  return {
    at: later,
    tier: "likely",
    severity: mutatingStep(step.name)?.isStrong ? "high" : "medium",
    message: `when \`${later.name}\` fails, what \`${step.name}\` did stays, though an earlier failure takes it back`,
    because: [
      { text: "changes something", at: step },
      { text: "an earlier failure takes it back here", at: inverse },
      { text: "a failure here does not", at: later },
    ],
    checked: [
      "nothing is taken back where this fails",
      "no defer, finally or transaction takes back whatever failed",
    ],
  }
}

// --- workflows -----------------------------------------------------------------------------------------------------

function ofWorkflow(
  program: Program,
  file: File,
  fn: Func,
  steps: readonly WorkflowStep[],
  report: Say,
): void {
  const forward = steps
    .filter((one) => !one.isOnFailure)
    .flatMap((one) => {
      const step = mutatingStep(one.name)
      return step ? [{ ...one, step }] : []
    })
  if (forward.length < 2 || !forward.some((one) => one.step.isStrong)) return
  if (COMPENSATES.test(file.textOf(fn))) return
  const names = forward.map((one) => one.name)
  for (const one of forward.slice(0, -1)) {
    const isBackHere = steps.some(
      (other) =>
        !(names.includes(other.name) && !other.isOnFailure) && takesBack(other.name, one.step),
    )
    if (isBackHere) continue
    const elsewhere = inverseElsewhere(program, file, one.step, names)
    const later = forward[forward.indexOf(one) + 1]!
    report({
      at: one.call,
      tier: elsewhere ? "context" : "likely",
      severity: one.step.isStrong ? "high" : "medium",
      message: `\`${one.name}\` stays done when a later step fails: nothing takes it back`,
      because: [
        { text: "changes something", at: one.call },
        { text: `\`${later.name}\` may fail after it`, at: later.call },
      ],
      checked: [
        "no activity with an inverse verb, here or elsewhere in the service",
        "no compensation, rollback or saga in this workflow",
      ],
    })
    return
  }
}

/** A function of the service that would take the step back, though this workflow does not call it. */
function inverseElsewhere(
  program: Program,
  file: File,
  step: Step,
  forward: readonly string[],
): boolean {
  return program.sources.some(
    (source) =>
      !source.isTest &&
      source.language === file.language &&
      source.summary.functions.some(
        (fn) =>
          !forward.includes(fn.name) &&
          step.nouns.length > 0 &&
          takesBack(fn.name, step) &&
          /activit|workflow|worker|saga/i.test(source.text.slice(0, 20_000)),
      ),
  )
}

// --- builders ------------------------------------------------------------------------------------------------------

/**
 * Before the last step with a compensation every step has to have one: a rollback passes it by. After it come steps
 * that are only tried again.
 */
function ofBuilder(steps: readonly SagaStep[], report: Say): void {
  if (steps.length < 2) return
  const last = steps.findLastIndex((one) => one.compensation !== null)
  const bare = steps
    .slice(0, last < 0 ? steps.length - 1 : last)
    .filter((one) => one.compensation === null && one.action !== null && !isHarmless(one.name))
  const [first] = bare
  if (!first) return
  // Without any compensation the steps have to be known to change something.
  if (last < 0 && !steps.some((one) => mutatingStep(one.name)?.isStrong)) return
  const at = last < 0 ? (steps.find((one) => mutatingStep(one.name)) ?? first) : first
  const later = steps[last < 0 ? steps.length - 1 : last]!
  report({
    at: at.at,
    tier: "likely",
    severity: "medium",
    message: `the step ${at.name === "" ? "" : `\`${at.name}\` `}has no compensation: when a later one fails, what it did stays`,
    because: [
      { text: "has no compensation", at: at.at },
      { text: last < 0 ? "may fail after it" : "is taken back, and comes after it", at: later.at },
    ],
    checked: ["no compensation is given with the step", "the step is not one that changes nothing"],
  })
}

// --- Axon ------------------------------------------------------------------------------------------------------------

const FAILURE_EVENT =
  /fail|reject|declin|cancel|expire|timeout|timedout|abort|denied|compensat|insufficient|error|rollback/i

function ofAxon(file: File, owner: Class, report: Say): void {
  if (!owner.annotations.some((one) => /(?:^|\.)Saga$/.test(one.name))) return
  const handlers = owner.methods.filter((one) =>
    one.annotations.some((annotation) =>
      /(?:SagaEventHandler|DeadlineHandler)$/.test(annotation.name),
    ),
  )
  if (handlers.length < 2) return
  const isHandled = handlers.some(
    (one) =>
      one.annotations.some((annotation) => annotation.name.endsWith("DeadlineHandler")) ||
      FAILURE_EVENT.test(`${one.name} ${one.params.map((param) => param.type ?? "").join(" ")}`),
  )
  if (isHandled || COMPENSATES.test(file.textOf(owner))) return
  let sends = 0
  let looks = false
  for (const handler of handlers) {
    walk(handler, (node) => {
      if (node.kind === "call" && /^(?:send|sendAndWait)$/.test(node.name)) {
        sends++
        if (node.args.length > 1) looks = true
      }
      if (
        node.kind === "call" &&
        /^(?:exceptionally|whenComplete|handle|onErrorResume)$/.test(node.name)
      )
        looks = true
      if (node.kind === "try" && node.catches.length > 0) looks = true
      return undefined
    })
  }
  if (sends < 2 || looks) return
  report({
    at: { start: owner.nameStart, end: owner.nameStart + owner.name.length },
    tier: "likely",
    severity: "medium",
    message: `\`${owner.name}\` sends ${sends} commands and hears of no failure of any`,
    because: handlers.slice(0, 3).map((one) => ({
      text: "goes on when a step went well",
      at: { start: one.nameStart, end: one.nameStart + one.name.length },
    })),
    checked: [
      "no handler for an event of failure, cancellation or expiry",
      "no deadline",
      "no look at a command's result",
    ],
  })
}
