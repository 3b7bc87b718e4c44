import { DroverError } from "../../errors/index.ts"
import type { DroverErrorCode } from "../../errors/index.ts"

/**
 * A schema of any library that speaks Standard Schema 1 (Zod, Valibot, ArkType and others). Only the
 * types are copied here, so that Drover depends on none of them. Source: standardschema.dev.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What a schema says about a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The type that a schema accepts. */
export type InferInput<Schema extends StandardSchemaV1> = NonNullable<
  Schema["~standard"]["types"]
>["input"]

/** The type that a schema gives out. */
export type InferOutput<Schema extends StandardSchemaV1> = NonNullable<
  Schema["~standard"]["types"]
>["output"]

type InvalidCode = Extract<DroverErrorCode, "DROVER_INPUT_INVALID" | "DROVER_OUTPUT_INVALID">

// More would fill a log and help nobody.
const MAX_ISSUES = 10

/** Tells whether a value is a Standard Schema of version 1. Some libraries make them functions. */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false
  const standard = (value as Partial<StandardSchemaV1>)["~standard"]
  return standard?.version === 1 && typeof standard.validate === "function"
}

/**
 * Validates a value.
 * @param code what the error is: `DROVER_INPUT_INVALID` or `DROVER_OUTPUT_INVALID`.
 * @param where for messages: `image.resize input`.
 * @returns the schema's output; a promise only when the schema is asynchronous.
 * @throws (or rejects with) DroverError with that code; `details.issues` lists the first ten problems.
 */
export function validate(
  schema: StandardSchemaV1,
  value: unknown,
  code: InvalidCode,
  where: string,
): unknown {
  const broken = (error: unknown): never => {
    throw new DroverError(code, `${where}: the schema itself threw an error`, { cause: error })
  }
  let result: SchemaResult<unknown> | Promise<SchemaResult<unknown>>
  try {
    result = schema["~standard"].validate(value)
  } catch (error) {
    return broken(error)
  }
  // A sync schema stays sync: enqueue validates every input and must not wait a turn for each.
  // Asked for `then`, not for the class: a promise of another realm or library must not pass for an answer.
  return isPromiseLike(result)
    ? acceptLater(Promise.resolve(result).catch(broken), code, where)
    : accept(result, code, where)
}

async function acceptLater(
  result: Promise<SchemaResult<unknown>>,
  code: InvalidCode,
  where: string,
): Promise<unknown> {
  return accept(await result, code, where)
}

function accept(result: SchemaResult<unknown>, code: InvalidCode, where: string): unknown {
  if (!isResult(result)) {
    throw new DroverError(code, `${where}: the schema gave neither a value nor issues`)
  }
  if (result.issues === undefined) return result.value
  const issues = result.issues.slice(0, MAX_ISSUES).map((issue) => ({
    path: writePath(issue.path ?? []),
    message: issue.message,
  }))
  const text = issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`))
  const more =
    result.issues.length > MAX_ISSUES ? ` (and ${result.issues.length - MAX_ISSUES} more)` : ""
  throw new DroverError(code, `${where} does not satisfy its schema: ${text.join("; ")}${more}`, {
    details: { issues },
  })
}

function isPromiseLike(
  result: SchemaResult<unknown> | Promise<SchemaResult<unknown>>,
): result is Promise<SchemaResult<unknown>> {
  return typeof result === "object" && result !== null && "then" in result
}

// What is no answer at all must not count as a yes.
function isResult(result: unknown): boolean {
  if (typeof result !== "object" || result === null) return false
  return "value" in result || ("issues" in result && result.issues !== undefined)
}

function writePath(path: readonly (PropertyKey | { readonly key: PropertyKey })[]): string {
  return path.map((part) => String(typeof part === "object" ? part.key : part)).join(".")
}
