/** What is only there for the type checker. */
import type { Syntax } from "../syntax.ts"

const TYPES = new Set([
  "type_annotation",
  "type_arguments",
  "type_parameters",
  "type_parameter",
  "type_predicate",
  "type_query",
  "asserts",
  "constraint",
  "infer_type",
  "index_signature",
  "call_signature",
  "construct_signature",
  "mapped_type_clause",
  "property_signature",
])

/** Whether a node is a type: it says nothing of what runs. */
export function isType(node: Syntax): boolean {
  return TYPES.has(node.type) || (node.isNamed && /_(?:type|annotation)$/.test(node.type))
}
