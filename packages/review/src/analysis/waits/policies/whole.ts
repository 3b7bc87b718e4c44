/** Functions that a library of Python tries again after any exception: tenacity and backoff without a word on which. */
import type { Annotation, At, Func, Node } from "../../../ir/nodes.ts"
import type { File } from "../../program/file.ts"

export interface Whole {
  readonly at: At
  readonly fn: Func
  /** Who tries again, to show. */
  readonly who: string
}

const LIBRARIES = /\b(?:tenacity|backoff)\b/
const ALL = /^(?:Exception|BaseException|(?:\w+\.)*(?:RequestException|HTTPError|ClientError))$/

/** The decorated functions of a file whose retry asks nothing of the error. */
export function retriedWhole(file: File): readonly Whole[] {
  if (file.language !== "python" || !LIBRARIES.test(file.text)) return []
  return file.functions.flatMap((fn) => {
    for (const annotation of fn.annotations) {
      const who = whoRetries(file, annotation)
      if (who !== null) return [{ at: annotation, fn, who }]
    }
    return []
  })
}

function whoRetries(file: File, { name, args }: Annotation): string | null {
  const [root, ...rest] = name.split(".")
  const link = file.importOf(root!)
  if (!link) return null
  const origin = [link.module, ...(link.name === "*" ? [] : [link.name]), ...rest].join(".")
  const keys = new Set(args.flatMap((arg) => (arg.kind === "named" ? [arg.name] : [])))
  if (args.some((arg) => arg.kind === "spread")) return null
  // `retry=retry_if_exception_type(…)` chooses, and so does a test of the result.
  if (origin === "tenacity.retry") return keys.has("retry") || args.length === 0 ? null : "tenacity"
  if (origin !== "backoff.on_exception" || keys.has("giveup")) return null
  const [, types] = args
  return types && takesAll(file, types) ? "backoff" : null
}

function takesAll(file: File, types: Node): boolean {
  const items = types.kind === "list" ? types.items : [types]
  return items.some((one) => ALL.test(file.textOf(one)))
}
