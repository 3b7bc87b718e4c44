import type { Fenced, TermRef } from "./leadershipStore.ts"

/** What a limit is about: all jobs of a queue, whatever their kind, or all of a kind, whatever their queue. */
export type LimitScope = "queue" | "kind"

/**
 * What is limited: jobs that run at once; starts in any window of `perMs`; or, for `fair`, the share of each key
 * among those that wait.
 */
export type LimitType = "concurrency" | "rate" | "fair"

/** The identity of a limit. Its text is `limitName(limit)`: `kind:resize#concurrency.tenant`. */
export interface LimitId {
  readonly scope: LimitScope
  /** Name of the queue or kind. */
  readonly target: string
  readonly type: LimitType
  /** The name of its key, if it holds for each key by itself; `null` for one limit over all. Never `null` for fair. */
  readonly by: string | null
}

/** What a limit says. */
export interface LimitSetting {
  /** The most jobs at once, or starts in a window; 0 starts none. `null` for fair. */
  readonly max: number | null
  /** Length of the window of a rate; `null` for the others. */
  readonly perMs: number | null
  /** Of fair: shares of keys that are not 1. `null` for none. */
  readonly weights: Readonly<Record<string, number>> | null
}

/** A limit as code declares it. */
export interface DeclaredLimit extends LimitId, LimitSetting {}

/** All limits that one client's code declares. */
export interface LimitDeclaration {
  /** Of the code. What an older generation declares changes nothing that a newer one has declared. */
  readonly generation: number
  readonly limits: readonly DeclaredLimit[]
  /** Kinds and queues that this code speaks for: a limit of theirs that it does not declare is withdrawn. */
  readonly kinds: readonly string[]
  readonly queues: readonly string[]
}

/** A job's key under one limit. */
export interface NewKey {
  /** `limitName` of a keyed limit. */
  readonly limit: string
  /** 1 to 125 characters; see `storedKey` in jobs/define: longer ones are cut and hashed by the client. */
  readonly key: string
}

/** One key of a limit, with what is going on under it. */
export interface LimitKeyRow {
  readonly key: string
  readonly running: number
  /** Starts in the window that ends now. */
  readonly starts: number
}

/** A limit and what is going on under it. */
export interface LimitRow extends LimitId {
  readonly name: string
  /** What holds now: what an operator set, or else what code declares. `null`: nothing does, the limit was withdrawn. */
  readonly setting: LimitSetting | null
  readonly declared: LimitSetting | null
  readonly set: LimitSetting | null
  readonly setAt: number | null
  readonly setBy: string | null
  /** Over all keys. */
  readonly running: number
  readonly starts: number
  /** Jobs that are due and wait for this limit and nothing else, as the last claims saw it; stops at the cap. */
  readonly waiting: number
  /** Of a keyed limit: its busiest keys, at most 100. */
  readonly keys: readonly LimitKeyRow[]
}

/** What one reconciliation cleared away or put right. */
export interface LimitRepairs {
  /** Uses of jobs that do not run any more, and starts that left every window. */
  readonly cleared: number
  /** Tracks that were opened although nothing had told them to. */
  readonly opened: number
  readonly more: boolean
}

/**
 * Limits that hold over all processes, exactly and at every instant. Claims obey them; see
 * docs/decisions/0013-limits.md. Jobs without keys and queues without limits know nothing of it.
 */
export interface LimitStore {
  /**
   * Takes over what code declares; what an operator set stays in force. Repeating it changes nothing.
   * @returns the names of the limits whose setting in force changed.
   */
  declareLimits(declaration: LimitDeclaration): Promise<readonly string[]>
  /**
   * Sets a limit over what code declares, also one that no code declares; `null` takes that back. Holds from the
   * commit: lowering kills nothing, raising lets waiting jobs go on. Only a keyed limit's jobs that were enqueued with
   * its key are subject to it.
   * @returns the setting in force, `null` for none.
   */
  setLimit(
    limit: LimitId,
    setting: LimitSetting | null,
    actor: string,
  ): Promise<LimitSetting | null>
  /** All limits, declared or set, with what is going on under them. @param cap where counting of waiting jobs stops. */
  limits(cap: number): Promise<readonly LimitRow[]>
  /** Clears away what no limit counts any more, at most `limit` rows, and opens tracks that nothing blocks. */
  reconcileLimits(request: {
    readonly term: TermRef
    readonly limit: number
  }): Promise<Fenced<LimitRepairs>>
}

/** The text that names a limit: in job keys, for operators and in messages. No name of a queue or kind contains `#`. */
export function limitName({ scope, target, type, by }: LimitId): string {
  return `${scope}:${target}#${type}${by === null ? "" : `.${by}`}`
}

const NAME = /^(queue|kind):([^#]{1,100})#(concurrency|rate|fair)(?:\.(\w{1,40}))?$/

/** The limit that a text names, `undefined` if it names none. */
export function parseLimitName(name: string): LimitId | undefined {
  const [, scope, target, type, by = null] = NAME.exec(name) ?? []
  if (scope === undefined || target === undefined || type === undefined) return undefined
  if (type === "fair" && by === null) return undefined
  return { scope: scope as LimitScope, target, type: type as LimitType, by }
}
