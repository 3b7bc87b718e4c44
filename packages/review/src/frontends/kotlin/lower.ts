import type { SourceUnit } from "../../ir/nodes.ts"
import type { Syntax } from "../syntax.ts"

export function lowerKotlin(_root: Syntax, _text: string): SourceUnit {
  throw new Error("not written yet")
}
