/** Checks the arguments of a tool against its schema: the small part of JSON Schema that the tools use. */
import { hint } from "../config/nearest.ts"

export type ArgumentSchema = { readonly description: string } & (
  | { readonly type: "string"; readonly enum?: readonly string[]; readonly maxLength?: number }
  | { readonly type: "integer"; readonly minimum: number; readonly maximum: number }
  | { readonly type: "boolean" }
  | {
      readonly type: "array"
      readonly items: { readonly type: "string" }
      readonly maxItems: number
    }
)

export interface InputSchema {
  readonly type: "object"
  readonly properties: Readonly<Record<string, ArgumentSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties: false
}

export type Arguments = Readonly<Record<string, unknown>>

/** What is wrong with the arguments, or null. */
export function argumentProblem(schema: InputSchema, given: unknown): string | null {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return "the arguments are not an object"
  const names = Object.keys(schema.properties)
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(schema.properties, name))
      return `there is no argument "${name}"; ${hint(name, names)}`
    const problem = valueProblem(schema.properties[name]!, value)
    if (problem !== null) return `"${name}" ${problem}`
  }
  const missing = (schema.required ?? []).find((name) => !Object.hasOwn(given, name))
  return missing === undefined
    ? null
    : `"${missing}" is missing: ${schema.properties[missing]!.description}`
}

function valueProblem(schema: ArgumentSchema, value: unknown): string | null {
  switch (schema.type) {
    case "string":
      if (typeof value !== "string") return "is not a string"
      if (schema.enum && !schema.enum.includes(value)) {
        return `"${value}" is not one of ${schema.enum.join(", ")}; ${hint(value, schema.enum)}`
      }
      return value.length > (schema.maxLength ?? Infinity)
        ? `is longer than ${schema.maxLength} characters`
        : null
    case "integer":
      return Number.isInteger(value) &&
        (value as number) >= schema.minimum &&
        (value as number) <= schema.maximum
        ? null
        : `is not a whole number from ${schema.minimum} to ${schema.maximum}`
    case "boolean":
      return typeof value === "boolean" ? null : "is neither true nor false"
    case "array":
      if (!Array.isArray(value) || value.some((item) => typeof item !== "string"))
        return "is not a list of strings"
      return value.length > schema.maxItems ? `has more than ${schema.maxItems} entries` : null
  }
}
