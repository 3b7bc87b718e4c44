import { checkOptions, DroverError } from "../../errors/index.ts"
import type { RetryPolicyOptions } from "../../retry/index.ts"
import { encodePayload } from "../../store/index.ts"
import type { JobPatch } from "../../store/index.ts"
import { parseDuration } from "../../time/index.ts"
import type { Duration } from "../../time/index.ts"
import { limitMs } from "./jobDefinition.ts"
import type { JobDefinition } from "./jobDefinition.ts"
import { keysFor } from "./limitOptions.ts"
import type { OwnLimit } from "./limitOptions.ts"
import { encodeMetadata } from "./metadata.ts"
import { checkName, checkPriority, checkTags } from "./names.ts"
import { kindRetry, readInstant, resolveOverride } from "./newJobs.ts"
import { validate } from "./standardSchema.ts"

/** A change to a waiting job. What is absent stays as it is. */
export interface JobEdit {
  /** Validated against the kind's schema where the client knows the kind. */
  readonly input?: unknown
  readonly queue?: string
  /** 0 (first) to 1000 (last). */
  readonly priority?: number
  /** Run after this wait from now. */
  readonly runIn?: Duration
  /** Run at this instant (a number is ms since 1970). Not together with `runIn`. */
  readonly runAt?: Date | number
  readonly tags?: readonly string[]
  /** `null` removes it. */
  readonly metadata?: Readonly<Record<string, unknown>> | null
  /** `null` goes back to the kind's policy. */
  readonly retry?: Omit<RetryPolicyOptions, "delay"> | null
  /** `false` for none, `null` for the kind's. */
  readonly timeout?: Duration | false | null
}

const OPTIONS: readonly (keyof JobEdit)[] = [
  "input",
  "queue",
  "priority",
  "runIn",
  "runAt",
  "tags",
  "metadata",
  "retry",
  "timeout",
]

/**
 * Checks an edit and encodes it for the store.
 * @param definition the definition of the job's kind, if this client knows it.
 * @throws DroverError `DROVER_CONFIG`, `DROVER_INPUT_INVALID` or `DROVER_PAYLOAD_…`.
 */
export async function preparePatch(
  edit: JobEdit,
  definition: JobDefinition | undefined,
  payloadLimit: number,
): Promise<JobPatch> {
  checkOptions(edit, OPTIONS, "edit")
  if (edit.runIn !== undefined && edit.runAt !== undefined) {
    throw new DroverError("DROVER_CONFIG", "edit: give either runIn or runAt, not both")
  }
  if (edit.input !== undefined && definition?.input) {
    const where = `${definition.kind} input`
    await validate(definition.input, edit.input, "DROVER_INPUT_INVALID", where)
  }
  return {
    ...(edit.input !== undefined && { input: encodePayload(edit.input, "input", payloadLimit) }),
    ...(edit.queue !== undefined && { queue: checkName(edit.queue, "queue") }),
    ...(edit.priority !== undefined && { priority: checkPriority(edit.priority, "edit.priority") }),
    ...(edit.runIn !== undefined && {
      delayMs: Math.ceil(parseDuration(edit.runIn, "edit.runIn")),
    }),
    ...(edit.runAt !== undefined && { runAt: readInstant(edit.runAt, "edit.runAt") }),
    ...(edit.tags !== undefined && { tags: checkTags(edit.tags, "edit.tags") }),
    ...(edit.metadata !== undefined && {
      metadata: edit.metadata === null ? null : encodeMetadata(edit.metadata),
    }),
    ...(edit.timeout !== undefined && {
      timeoutMs: edit.timeout === null ? null : limitMs(edit.timeout, "edit.timeout"),
    }),
    ...retryPatch(edit.retry, definition),
  }
}

/**
 * The keys of a job whose input or queue an edit changes; `undefined` when they stay, also where the kind is not known.
 * @param input the new one, or else the job's.
 * @throws DroverError `DROVER_LIMIT_KEY`.
 */
export function keysAfterEdit(
  edit: JobEdit,
  definition: JobDefinition | undefined,
  job: { readonly queue: string; readonly input: unknown },
  queueLimits: ReadonlyMap<string, readonly OwnLimit[]>,
): Pick<JobPatch, "keys"> {
  if (definition === undefined || (edit.input === undefined && edit.queue === undefined)) return {}
  const queue = edit.queue ?? job.queue
  const limits = [...definition.limits, ...(queueLimits.get(queue) ?? [])]
  const input = edit.input === undefined ? job.input : edit.input
  return { keys: keysFor(limits, input, { kind: definition.kind, queue }) }
}

function retryPatch(
  retry: JobEdit["retry"],
  definition: JobDefinition | undefined,
): Pick<JobPatch, "retry" | "maxAttempts"> {
  if (retry === undefined) return {}
  if (retry !== null) {
    const { retry: policy, maxAttempts } = resolveOverride(retry, definition?.retry, "edit.retry")
    // A new number of attempts alone leaves a policy that the job may have of its own.
    return policy === null ? { maxAttempts } : { retry: policy, maxAttempts }
  }
  // Of a kind that is not known here the number of attempts is not known either, and stays.
  return definition === undefined ? { retry: null } : kindRetry(definition)
}
