/** JSON-RPC 2.0, as far as servers of editors and agents speak it: what a message is, and what an error is. */

export type Id = string | number

export interface RpcRequest {
  readonly kind: "request"
  readonly id: Id
  readonly method: string
  readonly params: unknown
}

export interface RpcNotification {
  readonly kind: "notification"
  readonly method: string
  readonly params: unknown
}

/** An answer to something that the server asked. */
export interface RpcResponse {
  readonly kind: "response"
  readonly id: Id
}

export type RpcMessage = RpcRequest | RpcNotification | RpcResponse

export const codes = {
  parse: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internal: -32_603,
  /** Of the language server protocol: the client called the request off. */
  requestCancelled: -32_800,
  /** Of the language server protocol: nothing may be asked before `initialize`. */
  notInitialized: -32_002,
} as const

/** A request cannot be answered; the code says why. */
export class RpcError extends Error {
  override readonly name = "RpcError"
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** Reads a parsed value as a message; null when it is none. */
export function messageOf(value: unknown): RpcMessage | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null
  const { jsonrpc, id, method, params } = value as Record<string, unknown>
  if (jsonrpc !== "2.0") return null
  const isId = typeof id === "string" || typeof id === "number"
  if (typeof method === "string") {
    if (id === undefined) return { kind: "notification", method, params }
    return isId ? { kind: "request", id, method, params } : null
  }
  return method === undefined && isId ? { kind: "response", id } : null
}

export function resultMessage(id: Id, result: unknown): object {
  return { jsonrpc: "2.0", id, result }
}

/** @param id - null when the message was so broken that it has none */
export function errorMessage(id: Id | null, error: unknown): object {
  const code = error instanceof RpcError ? error.code : codes.internal
  const message = error instanceof Error ? error.message : String(error)
  return { jsonrpc: "2.0", id, error: { code, message } }
}
