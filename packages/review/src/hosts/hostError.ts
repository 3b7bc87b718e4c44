/**
 * `credentials`: the token is wrong or missing. `denied`: it may not do this, as in a build of a fork. `invalid`: the
 * host refused what was sent. `limited`: it asks for a longer wait than a build can take. `failed`: everything else.
 */
export type HostErrorKind = "credentials" | "denied" | "invalid" | "limited" | "failed"

/** A host did not do what was asked. The message never holds a token. */
export class HostError extends Error {
  override readonly name = "HostError"
  readonly kind: HostErrorKind
  readonly status: number | null

  constructor(kind: HostErrorKind, message: string, status: number | null = null) {
    super(message)
    this.kind = kind
    this.status = status
  }
}

/** What is needed to find the pull request is missing or makes no sense; the message says which option to give. */
export class TargetError extends Error {
  override readonly name = "TargetError"
}
