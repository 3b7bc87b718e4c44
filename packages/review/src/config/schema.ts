/** The JSON Schema of a configuration, for editors; `schema.json` at the package's root is what this gives. */
import type { KnownRules } from "./checkShape.ts"
import { MAX_PATTERN } from "./glob.ts"
import { configShape, MAX_NAME, MAX_TEXTS, NAME_PATTERN, RULE_LEVELS, type Shape } from "./shape.ts"

/** Where a published package has it. */
export const SCHEMA_ID = "https://unpkg.com/@drover/review/schema.json"

export type Schema = { readonly [key: string]: unknown }

/** The schema with the names of all rules. */
export function configSchema(rules: KnownRules): Schema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: SCHEMA_ID,
    title: "drover-review",
    ...schemaOf(configShape),
    definitions: { rules: rulesSchema(rules), setting: settingSchema() },
  }
}

function schemaOf(shape: Shape): Schema {
  const description = shape.about
  switch (shape.kind) {
    case "choice":
      return { description, enum: shape.values }
    case "boolean":
      return { description, type: "boolean" }
    case "integer":
      return { description, type: "integer", minimum: shape.min, maximum: shape.max }
    case "text":
      return { description, type: "string", maxLength: shape.max }
    case "texts":
      return { description, type: "array", maxItems: MAX_TEXTS, items: textSchema(shape.each) }
    case "list":
      return { description, type: "array", maxItems: shape.max, items: schemaOf(shape.of) }
    case "map":
      return {
        description,
        type: "object",
        additionalProperties: false,
        ...(shape.required && { required: shape.required }),
        properties: Object.fromEntries(
          Object.entries(shape.fields).map(([key, field]) => [key, schemaOf(field)]),
        ),
      }
    case "rules":
      return { $ref: "#/definitions/rules" }
  }
}

function textSchema(each: "glob" | "name"): Schema {
  if (each === "name") return { type: "string", maxLength: MAX_NAME, pattern: NAME_PATTERN }
  // Relative, within the root, with "/".
  return {
    type: "string",
    minLength: 1,
    maxLength: MAX_PATTERN,
    pattern: String.raw`^(?![!/]|[A-Za-z]:)(?!(.*/)?\.\.(/|$))[^\\]*$`,
  }
}

function rulesSchema(rules: KnownRules): Schema {
  const properties = [...rules].map((id) => [id, { $ref: "#/definitions/setting" }])
  return {
    description: "How each rule is heard",
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(properties) as Schema,
  }
}

/** A level, bare or by its key. */
function settingSchema(): Schema {
  const level = { enum: RULE_LEVELS }
  return {
    anyOf: [level, { type: "object", additionalProperties: false, properties: { level } }],
  }
}
