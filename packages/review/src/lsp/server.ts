/**
 * A language server: it reviews what the editor holds, with the whole workspace as evidence, and offers fixes. It is
 * handed messages and a way to answer, and knows nothing of streams.
 */
import { relative, sep } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { isSourcePath } from "../engine/wanted.ts"
import { realRoot } from "../files/workTree.ts"
import {
  codes,
  errorMessage,
  messageOf,
  resultMessage,
  RpcError,
  type Id,
  type RpcRequest,
} from "../mcp/jsonRpc.ts"
import { Turn, type After } from "../session/turn.ts"
import { actionsOf, type CodeAction } from "./actions.ts"
import { diagnosticOf, ignoreDiagnosticOf, rangeOf, type Diagnostic } from "./diagnostics.ts"
import { changed, type ContentChange, type Document, type LspRange } from "./documents.ts"
import { WorkspaceReview, type Reviewed } from "./workspaceReview.ts"

/** How long nobody may type before a review runs. */
const QUIET_MS = 200

export interface LspOptions {
  /** Where the workspace is when the editor does not say it. */
  readonly root: string
  readonly version: string
  readonly today: () => string
  readonly after: After
  readonly threads?: number | undefined
  readonly cacheDir?: string | null | undefined
  /** Sends one message to the editor. */
  readonly send: (message: object) => void
}

type State = "new" | "running" | "shut-down"

export class LspServer {
  readonly #options: LspOptions
  readonly #documents = new Map<string, Document>()
  /** Requests that wait for a review; each can be called off. */
  readonly #waiting = new Map<Id, RpcRequest>()
  readonly #turn: Turn
  #state: State = "new"
  #root: string
  #review: WorkspaceReview | null = null
  #last: Reviewed | null = null
  /** What the editor was told, so that nothing stays marked. */
  #published = new Set<string>()
  #isDirty = false
  #canWatch = false
  #exitCode: number | null = null

  constructor(options: LspOptions) {
    this.#options = options
    this.#root = options.root
    this.#turn = new Turn({
      after: options.after,
      quietMs: QUIET_MS,
      task: () => this.#reviewAll(),
    })
  }

  /** The exit status that the editor asked for; null while it has not. */
  get exitCode(): number | null {
    return this.#exitCode
  }

  /** Takes the text of one message. */
  receive(text: string): void {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      this.#options.send(errorMessage(null, new RpcError(codes.parse, "the message is not JSON")))
      return
    }
    const message = messageOf(value)
    if (message === null) {
      this.#options.send(
        errorMessage(null, new RpcError(codes.invalidRequest, "this is not JSON-RPC 2.0")),
      )
    } else if (message.kind === "notification") this.#notified(message.method, message.params)
    else if (message.kind === "request") this.#requested(message)
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#review?.cancel()
    await this.#turn.stop()
  }

  #requested(request: RpcRequest): void {
    try {
      const result = this.#resultOf(request)
      if (result !== undefined) this.#options.send(resultMessage(request.id, result))
    } catch (error) {
      this.#options.send(errorMessage(request.id, error))
    }
  }

  /** Undefined when the answer comes later. */
  #resultOf(request: RpcRequest): unknown {
    const { method, params } = request
    if (method === "initialize") return this.#initialize(params)
    if (this.#state === "new") throw new RpcError(codes.notInitialized, "initialize comes first")
    if (this.#state === "shut-down")
      throw new RpcError(codes.invalidRequest, "the server was shut down")
    if (method === "shutdown") {
      this.#state = "shut-down"
      this.#review?.cancel()
      for (const { id } of this.#waiting.values()) this.#refuse(id, "the server was shut down")
      return null
    }
    if (method !== "textDocument/codeAction") {
      throw new RpcError(codes.methodNotFound, `there is no method "${method}"`)
    }
    if (!this.#isDirty) return this.#actions(params)
    // Offsets of an older text would cut the new one in the wrong places.
    this.#waiting.set(request.id, request)
    return undefined
  }

  #notified(method: string, params: unknown): void {
    if (method === "exit") {
      this.#exitCode = this.#state === "shut-down" ? 0 : 1
      return
    }
    if (this.#state !== "running") return
    switch (method) {
      case "initialized":
        return this.#register()
      case "textDocument/didOpen":
        return this.#opened(
          params as { textDocument: { uri: string; version: number; text: string } },
        )
      case "textDocument/didChange":
        return this.#changed(
          params as {
            textDocument: { uri: string; version: number }
            contentChanges: ContentChange[]
          },
        )
      case "textDocument/didSave":
      case "workspace/didChangeWatchedFiles":
        this.#review?.forget()
        return this.#mark()
      case "textDocument/didClose":
        return this.#closed((params as { textDocument: { uri: string } }).textDocument.uri)
      case "$/cancelRequest": {
        const { id } = params as { id: Id }
        if (this.#waiting.has(id)) this.#refuse(id, "called off")
        return
      }
      default:
    }
  }

  #initialize(params: unknown): object {
    if (this.#state !== "new") throw new RpcError(codes.invalidRequest, "initialize comes once")
    const { rootUri, workspaceFolders, capabilities } = (params ?? {}) as {
      rootUri?: string | null
      workspaceFolders?: readonly { uri: string }[] | null
      capabilities?: { workspace?: { didChangeWatchedFiles?: { dynamicRegistration?: boolean } } }
    }
    const uri = workspaceFolders?.[0]?.uri ?? rootUri
    this.#root = realRoot((uri && pathOfUri(uri)) ?? this.#options.root)
    this.#review = new WorkspaceReview({ ...this.#options, root: this.#root })
    this.#canWatch = capabilities?.workspace?.didChangeWatchedFiles?.dynamicRegistration === true
    this.#state = "running"
    return {
      capabilities: {
        positionEncoding: "utf-16",
        textDocumentSync: { openClose: true, change: 2, save: { includeText: false } },
        codeActionProvider: { codeActionKinds: ["quickfix"] },
      },
      serverInfo: { name: "drover-review", version: this.#options.version },
    }
  }

  /** Asks to be told of files that change outside of the editor; they are evidence too. */
  #register(): void {
    if (!this.#canWatch) return
    const method = "workspace/didChangeWatchedFiles"
    const registerOptions = { watchers: [{ globPattern: "**/*" }] }
    this.#options.send({
      jsonrpc: "2.0",
      id: "register-watcher",
      method: "client/registerCapability",
      params: { registrations: [{ id: "files", method, registerOptions }] },
    })
  }

  #opened({
    textDocument: { uri, version, text },
  }: {
    textDocument: Omit<Document, "path">
  }): void {
    this.#documents.set(uri, { uri, version, text, path: this.#pathOf(uri) })
    this.#mark()
  }

  #changed(params: {
    textDocument: { uri: string; version: number }
    contentChanges: ContentChange[]
  }): void {
    const { uri, version } = params.textDocument
    const document = this.#documents.get(uri)
    if (!document) return
    this.#documents.set(uri, {
      ...document,
      version,
      text: changed(document.text, params.contentChanges),
    })
    this.#mark()
  }

  #closed(uri: string): void {
    this.#documents.delete(uri)
    this.#publish(uri, [])
    // What it held and did not save is gone.
    this.#review?.forget()
    this.#mark()
  }

  /** Something changed: what is under way tells of an older text. */
  #mark(): void {
    this.#isDirty = true
    this.#review?.cancel()
    this.#turn.request()
  }

  async #reviewAll(): Promise<void> {
    if (!this.#review || this.#state !== "running") return
    const documents = [...this.#documents.values()].filter(({ path }) => path !== null)
    if (!this.#canWatch) this.#review.forget()
    const reviewed = await this.#review.run(documents)
    // Something newer is on its way.
    if (reviewed === null) return
    this.#last = reviewed
    this.#isDirty = false
    for (const { uri, version, path } of documents) {
      this.#publish(uri, this.#diagnosticsOf(reviewed, path), version)
    }
    if (reviewed.problem !== null) this.#log(reviewed.problem)
    for (const request of this.#waiting.values()) {
      this.#waiting.delete(request.id)
      this.#options.send(resultMessage(request.id, this.#actions(request.params)))
    }
  }

  #diagnosticsOf({ findings, notices }: Reviewed, path: string | null): Diagnostic[] {
    const here = <Told extends { readonly path?: string }>(told: readonly Told[]): Told[] =>
      told.filter((one) => one.path === path)
    return [
      ...here(findings).map((finding) => diagnosticOf(finding, (other) => this.#uriOf(other))),
      ...here(notices).flatMap((notice) => ignoreDiagnosticOf(notice) ?? []),
    ]
  }

  #publish(uri: string, diagnostics: readonly Diagnostic[], version?: number): void {
    if (diagnostics.length === 0 && !this.#published.has(uri) && version === undefined) return
    if (diagnostics.length === 0) this.#published.delete(uri)
    else this.#published.add(uri)
    const params = { uri, diagnostics, ...(version !== undefined && { version }) }
    this.#options.send({ jsonrpc: "2.0", method: "textDocument/publishDiagnostics", params })
  }

  #actions(params: unknown): CodeAction[] {
    const { textDocument, range } = params as { textDocument: { uri: string }; range: LspRange }
    const document = this.#documents.get(textDocument.uri)
    const last = this.#last
    if (!document || !last) return []
    return last.findings
      .filter((finding) => finding.path === document.path && touch(rangeOf(finding), range))
      .flatMap((finding) =>
        actionsOf(finding, {
          textOf: (path) => last.textOf(path),
          fileUri: (path) => this.#uriOf(path),
          diagnosticOf: (one) => diagnosticOf(one, (path) => this.#uriOf(path)),
        }),
      )
  }

  #refuse(id: Id, why: string): void {
    this.#waiting.delete(id)
    this.#options.send(errorMessage(id, new RpcError(codes.requestCancelled, why)))
  }

  #log(message: string): void {
    this.#options.send({
      jsonrpc: "2.0",
      method: "window/logMessage",
      params: { type: 1, message },
    })
  }

  /** The editor's own name for a file that it holds; else one that is made from the path. */
  #uriOf(path: string): string {
    for (const document of this.#documents.values()) if (document.path === path) return document.uri
    return pathToFileURL(`${this.#root}/${path}`).href
  }

  #pathOf(uri: string): string | null {
    const full = pathOfUri(uri)
    if (full === null) return null
    const inside = relative(this.#root, full).split(sep).join("/")
    return inside.startsWith("../") || inside === "" || !isSourcePath(inside) ? null : inside
  }
}

function pathOfUri(uri: string): string | null {
  try {
    return uri.startsWith("file:") ? fileURLToPath(uri) : null
  } catch {
    return null
  }
}

/** Whether two ranges share a place; an empty one at the end of the other does. */
function touch(a: LspRange, b: LspRange): boolean {
  const isBefore = (x: LspRange["start"], y: LspRange["start"]): boolean =>
    x.line < y.line || (x.line === y.line && x.character < y.character)
  return !isBefore(a.end, b.start) && !isBefore(b.end, a.start)
}
