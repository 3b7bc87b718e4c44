/** Words of locks on rows, of locks around code that touches rows, and of isolation that does as much. */

// A pool's `acquire()` gives a connection, and an advisory may be a bulletin.
const GUARDS =
  /for\s+(?:no\s+key\s+)?update|\.for\(["'](?:no key )?update["']|for_update|forUpdate|updlock|lock_?for|with_?lock|runExclusive|\bsynchronized\b|mutex|\.lock\(|\.rlock\(|(?<!(?:pool|engine|database|db)(?:\(\))?\.)acquire(?!d|_?conn)|redlock|advisory_?(?:xact_?)?(?:un)?lock|(?<![a-z_])serializable(?![a-z_])|repeatable.?read|\.watch\(|compareAnd|ConditionExpression|optimistic_?(?:lock|concurrency|version|transaction)|StaleObject|pessimistic|Locking\{|skip_?locked|lock\s+table|lockMode|singleflight|setLock/i
/** Redis's command; a path may be called so too. */
const WATCHES = /\bWATCH\b/

/** Whether a text speaks of a lock on rows, or of an isolation that does as much. */
export function takesLock(text: string): boolean {
  return GUARDS.test(text) || WATCHES.test(text)
}
