/**
 * Every code a `DroverError` can carry, with the one-line meaning that documentation and tests print.
 * Codes are part of the public surface: match on `error.code`, never on the message. A code is never
 * reused for another meaning.
 */
export const errorCodes = {
  DROVER_ASSERTION: "An invariant of Drover itself is broken; this is a bug in Drover.",
  DROVER_ABORTED: "A wait was aborted without a reason of its own.",
  DROVER_CANCELLED: "The job was cancelled, by its handler, by a person or by another process.",
  DROVER_CLOSED: "The client or the store was closed before this call.",
  DROVER_CONFIG: "An option has a value that cannot work, or an option does not exist.",
  DROVER_CRASHED: "The process or thread that ran the attempt died.",
  DROVER_DEADLINE: "The total deadline of a retry ended before an attempt succeeded.",
  DROVER_DISCARDED: "The job ended without a result and will not run again.",
  DROVER_DUPLICATE_KIND: "Two job definitions have the same kind.",
  DROVER_EXPIRED: "The job was not started before its expiry.",
  DROVER_HANDLER: "A handler threw something that is not an Error; the value is in `details`.",
  DROVER_INPUT_INVALID: "An input does not satisfy the schema of its job.",
  DROVER_JOB_NOT_FOUND: "No job has this id.",
  DROVER_JOB_STATE: "The job is in a state that does not allow this operation.",
  DROVER_LEASE_LOST: "The worker lost its lease, so another may already run the job.",
  DROVER_LIMIT_KEY: "The key of a job under a limit could not be made from its input.",
  DROVER_MOVE_REFUSED: "A move between databases cannot begin or go on as things are.",
  DROVER_OUTPUT_INVALID: "A handler returned a value that does not satisfy the output schema.",
  DROVER_PAYLOAD_INVALID: "A value cannot be stored as JSON without loss.",
  DROVER_PAYLOAD_TOO_LARGE: "A value is larger than the limit for stored payloads.",
  DROVER_RESULT_TIMEOUT: "The job did not finish within the time given to wait for its result.",
  DROVER_RETRIES_EXHAUSTED: "Every attempt of a retry failed.",
  DROVER_SERVICE_STATE: "A service was used in a state that does not allow it.",
  DROVER_SHUTDOWN: "The worker is shutting down.",
  DROVER_SLOTS_FULL: "As many callers as allowed already wait for a slot.",
  DROVER_SLOTS_STATE: "A reservation was used after its release, or asked for more than it holds.",
  DROVER_STORE_BUSY: "The database stayed locked by others for longer than the store waits.",
  DROVER_STORE_CORRUPT: "The database file is damaged or is not a database.",
  DROVER_STORE_DENIED: "The database refused the login, or the role lacks a grant.",
  DROVER_STORE_FULL: "The disk or the database is full.",
  DROVER_STORE_IO: "The database could not be read or written.",
  DROVER_STORE_MIGRATION: "The database schema is older or newer than this version can use.",
  DROVER_STORE_MOVED:
    "The database is shut, because it is being moved, was moved, or is being filled.",
  DROVER_STORE_QUERY: "The database refused a statement.",
  DROVER_STORE_READONLY: "The database cannot be written.",
  DROVER_STORE_REPLACED: "The database file was replaced or removed while it was open.",
  DROVER_STORE_TIMEOUT: "The database took longer to answer than the store waits.",
  DROVER_STORE_UNREACHABLE: "The database server could not be reached, or the connection broke.",
  DROVER_STORE_UNSAFE: "The database is somewhere or of a version where it cannot be used safely.",
  DROVER_STUCK: "A handler did not end although its attempt was aborted.",
  DROVER_TERM_ENDED: "The term of leadership under which this ran has ended.",
  DROVER_TIMEOUT: "An attempt ran longer than its timeout.",
  DROVER_TRANSACTION: "A transaction was used after it ended, or took too long.",
  DROVER_UNIQUE_CONFLICT: "Another job holds the same unique key.",
  DROVER_UNKNOWN_KIND: "No job definition with this kind is registered on this client.",
  DROVER_UNKNOWN_QUEUE: "No queue with this name is configured.",
  DROVER_UNKNOWN_SCHEDULE: "No schedule has this name.",
} as const

/** A stable, machine-readable name of what went wrong. */
export type DroverErrorCode = keyof typeof errorCodes
