/**
 * A server of the Model Context Protocol: coding agents call the reviewer's tools through it. It is handed messages and
 * a way to answer, and knows nothing of streams.
 */
import { ConfigError } from "../config/configError.ts"
import { InputError } from "../files/inputError.ts"
import { argumentProblem } from "./arguments.ts"
import {
  codes,
  errorMessage,
  messageOf,
  resultMessage,
  RpcError,
  type Id,
  type RpcRequest,
} from "./jsonRpc.ts"
import { checkSnippet, reviewDiff } from "./reviewTools.ts"
import { explainFinding, listRules } from "./ruleTools.ts"
import { ToolError, type Tool, type ToolWorld } from "./tool.ts"

/** From the newest; an agent that asks for another one is answered with the first and decides. */
export const PROTOCOL_VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const

export const tools: readonly Tool[] = [reviewDiff, checkSnippet, explainFinding, listRules]

/** Calls that wait; an agent that sends more does not listen. */
const MAX_WAITING = 100

const INSTRUCTIONS =
  "Call review_diff after a change that touches locks, retries, timeouts, queues, schedules or shared state. Each finding has its evidence (because), what would have cleared it (checked) and a fix."

export class McpServer {
  readonly #world: ToolWorld
  readonly #version: string
  readonly #send: (message: object) => void
  readonly #running = new Map<Id, AbortController>()
  /** One review at a time: each uses all the threads that help. */
  #turn: Promise<void> = Promise.resolve()

  /** @param options.send - sends one message to the agent */
  constructor(options: { world: ToolWorld; version: string; send: (message: object) => void }) {
    this.#world = options.world
    this.#version = options.version
    this.#send = options.send
  }

  /** Takes one line of input. What comes back is sent, now or later. */
  receive(line: string): void {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      this.#send(errorMessage(null, new RpcError(codes.parse, "the line is not JSON")))
      return
    }
    // Version 2025-03-26 has lists of messages; answers may come one by one.
    const values = Array.isArray(value) && value.length > 0 ? value : [value]
    for (const one of values) this.#take(one)
  }

  /** Calls everything off and waits for it. */
  async close(): Promise<void> {
    for (const abort of this.#running.values()) abort.abort(new Error("the server ends"))
    await this.#turn
  }

  /** Waits for what was asked so far. */
  async idle(): Promise<void> {
    await this.#turn
  }

  #take(value: unknown): void {
    const message = messageOf(value)
    if (message === null) {
      this.#send(
        errorMessage(
          null,
          new RpcError(codes.invalidRequest, "this is not a JSON-RPC 2.0 message"),
        ),
      )
    } else if (message.kind === "notification") this.#notified(message.method, message.params)
    else if (message.kind === "request") this.#answer(message)
  }

  #notified(method: string, params: unknown): void {
    if (method !== "notifications/cancelled") return
    const { requestId } = (params ?? {}) as { requestId?: unknown }
    if (typeof requestId !== "string" && typeof requestId !== "number") return
    this.#running.get(requestId)?.abort(new Error("called off"))
  }

  #answer(request: RpcRequest): void {
    try {
      if (request.method === "tools/call") return this.#enqueue(request)
      this.#send(resultMessage(request.id, this.#resultOf(request)))
    } catch (error) {
      this.#send(errorMessage(request.id, error))
    }
  }

  #resultOf({ method, params }: RpcRequest): object {
    switch (method) {
      case "initialize":
        return this.#initialize(params)
      case "ping":
        return {}
      case "tools/list":
        return {
          tools: tools.map(({ name, title, description, inputSchema, outputSchema }) => ({
            name,
            title,
            description,
            inputSchema,
            outputSchema,
            annotations: { readOnlyHint: true, openWorldHint: false, idempotentHint: true },
          })),
        }
      default:
        throw new RpcError(codes.methodNotFound, `there is no method "${method}"`)
    }
  }

  #initialize(params: unknown): object {
    const { protocolVersion: asked } = (params ?? {}) as { protocolVersion?: unknown }
    if (typeof asked !== "string")
      throw new RpcError(codes.invalidParams, '"protocolVersion" is missing')
    return {
      protocolVersion:
        PROTOCOL_VERSIONS.find((version) => version === asked) ?? PROTOCOL_VERSIONS[0],
      capabilities: { tools: { listChanged: false } },
      serverInfo: { name: "drover-review", title: "Drover reviewer", version: this.#version },
      instructions: INSTRUCTIONS,
    }
  }

  #enqueue(request: RpcRequest): void {
    const {
      name,
      arguments: given = {},
      _meta: meta,
    } = (request.params ?? {}) as {
      name?: unknown
      arguments?: unknown
      _meta?: { progressToken?: unknown }
    }
    const tool = tools.find((one) => one.name === name)
    if (!tool) {
      const names = tools.map((one) => one.name).join(", ")
      throw new RpcError(
        codes.invalidParams,
        `there is no tool ${JSON.stringify(name)}; there are: ${names}`,
      )
    }
    if (this.#running.has(request.id)) throw new RpcError(codes.invalidRequest, "this id is in use")
    if (this.#running.size >= MAX_WAITING)
      throw new RpcError(codes.internal, "too many calls are waiting")
    const abort = new AbortController()
    this.#running.set(request.id, abort)
    const run = async (): Promise<void> => {
      try {
        if (!abort.signal.aborted)
          await this.#call(tool, request.id, given, meta?.progressToken, abort.signal)
      } finally {
        this.#running.delete(request.id)
      }
    }
    this.#turn = this.#turn.then(run)
  }

  async #call(
    tool: Tool,
    id: Id,
    given: unknown,
    token: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const problem = argumentProblem(tool.inputSchema, given)
      if (problem !== null) throw new ToolError(problem)
      const progress = this.#progressOf(token)
      const structured = await tool.run({
        arguments: given as Readonly<Record<string, unknown>>,
        world: this.#world,
        signal,
        progress,
      })
      const text = JSON.stringify(structured)
      this.#send(
        resultMessage(id, { content: [{ type: "text", text }], structuredContent: structured }),
      )
    } catch (error) {
      // Who called it off does not wait for an answer.
      if (signal.aborted) return
      if (
        error instanceof ToolError ||
        error instanceof InputError ||
        error instanceof ConfigError
      ) {
        const content = [{ type: "text", text: error.message }]
        this.#send(resultMessage(id, { content, isError: true }))
      } else this.#send(errorMessage(id, error))
    }
  }

  /** Tells how far a call is, at most once for each twentieth of a step. */
  #progressOf(token: unknown): (done: number, total: number, step: string) => void {
    if (typeof token !== "string" && typeof token !== "number") return () => {}
    let count = 0
    let last = ""
    return (done, total, step) => {
      const mark = `${step} ${total === 0 ? 0 : Math.floor((done * 20) / total)}`
      if (mark === last) return
      last = mark
      const message = total === 0 ? step : `${step} ${done} of ${total}`
      const params = { progressToken: token, progress: ++count, message }
      this.#send({ jsonrpc: "2.0", method: "notifications/progress", params })
    }
  }
}
