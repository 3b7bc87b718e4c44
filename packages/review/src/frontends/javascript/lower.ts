import type { SourceUnit } from "../../ir/nodes.ts"
import type { Syntax } from "../syntax.ts"

export function lowerJavaScript(_root: Syntax, _text: string, _language: "javascript" | "typescript"): SourceUnit {
  throw new Error("not written yet")
}
