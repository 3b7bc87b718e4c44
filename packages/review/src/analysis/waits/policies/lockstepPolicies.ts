/** Retries that a library carries out with delays that are the same for everyone, in the order of the text. */
import type { File } from "../../program/file.ts"
import type { Program } from "../../program/program.ts"
import { goPolicies } from "./go.ts"
import { jvmPolicies } from "./jvm.ts"
import type { Policy } from "./policy.ts"
import { policiesOfPython } from "./python.ts"
import { policiesOfScript } from "./script.ts"

export function lockstepPoliciesOf(program: Program, file: File): readonly Policy[] {
  switch (file.language) {
    case "python":
      return inOrder(policiesOfPython(program, file))
    case "javascript":
    case "typescript":
      return inOrder(policiesOfScript(program, file))
    case "go":
      return inOrder(goPolicies(file))
    case "java":
    case "kotlin":
      return inOrder(jvmPolicies(file))
    default:
      return []
  }
}

function inOrder(policies: readonly Policy[]): readonly Policy[] {
  return policies.toSorted((a, b) => a.at.start - b.at.start)
}
