import { afterEach, beforeEach, describe, expect, test } from "vitest"
import {
  CodeActionRequest,
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidChangeWatchedFilesNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  PublishDiagnosticsNotification,
  RegistrationRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  type CodeAction,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
} from "vscode-languageserver-protocol/node"
import { pathToFileURL } from "node:url"
import type { ChildProcessWithoutNullStreams } from "node:child_process"
import { startProgram } from "../cli/process.fixture.ts"
import {
  createRepository,
  JITTERED,
  ONLY_RETRIES,
  RETRY,
  type Repository,
} from "../session/repository.fixture.ts"
import { changed } from "./documents.ts"

/** An editor: the client library that editors use, on the real program. */
class Editor {
  readonly connection: ProtocolConnection
  readonly child: ChildProcessWithoutNullStreams
  readonly #published: PublishDiagnosticsParams[] = []
  #wake = Promise.withResolvers<void>()

  constructor(root: string) {
    this.child = startProgram(["lsp", "--root", root], { cwd: root })
    this.connection = createProtocolConnection(
      new StreamMessageReader(this.child.stdout),
      new StreamMessageWriter(this.child.stdin),
    )
    this.connection.onNotification(PublishDiagnosticsNotification.type, (params) => {
      this.#published.push(params)
      this.#wake.resolve()
      this.#wake = Promise.withResolvers()
    })
    this.connection.listen()
  }

  async start(rootUri: string | null, canWatch = false): Promise<Record<string, unknown>> {
    const { capabilities } = await this.connection.sendRequest(InitializeRequest.type, {
      processId: process.pid,
      rootUri,
      capabilities: { workspace: { didChangeWatchedFiles: { dynamicRegistration: canWatch } } },
    })
    await this.connection.sendNotification(InitializedNotification.type, {})
    return capabilities as Record<string, unknown>
  }

  open(uri: string, text: string): Promise<void> {
    const textDocument = { uri, version: 1, languageId: "go", text }
    return this.connection.sendNotification(DidOpenTextDocumentNotification.type, { textDocument })
  }

  /** The next diagnostics that a condition holds for; what came before is gone. */
  async published(
    isWanted: (params: PublishDiagnosticsParams) => boolean,
  ): Promise<PublishDiagnosticsParams> {
    for (;;) {
      const at = this.#published.findIndex(isWanted)
      if (at >= 0) return this.#published.splice(0, at + 1).at(-1)!
      await this.#wake.promise
    }
  }

  actions(uri: string, line: number): Promise<CodeAction[]> {
    const place = { line, character: 3 }
    return this.connection.sendRequest(CodeActionRequest.type, {
      textDocument: { uri },
      range: { start: place, end: place },
      context: { diagnostics: [] },
    }) as Promise<CodeAction[]>
  }

  async stop(): Promise<number | null> {
    const closed = new Promise<number | null>((resolve) => this.child.once("close", resolve))
    await this.connection.sendRequest(ShutdownRequest.type)
    await this.connection.sendNotification(ExitNotification.type)
    const code = await closed
    this.connection.dispose()
    return code
  }
}

describe("an editor", () => {
  let repository: Repository
  let editor: Editor
  let uri: string

  beforeEach(() => {
    repository = createRepository({
      "client.go": "package client\n",
      "drover.review.yaml": ONLY_RETRIES,
    })
    uri = pathToFileURL(`${repository.root}/client.go`).href
    editor = new Editor(repository.root)
  })
  afterEach(() => {
    editor.child.kill()
    repository[Symbol.dispose]()
  })

  test("is told what the server can do, and ends it in order", async () => {
    expect(await editor.start(pathToFileURL(repository.root).href)).toMatchObject({
      positionEncoding: "utf-16",
      textDocumentSync: { openClose: true, change: 2 },
      codeActionProvider: { codeActionKinds: ["quickfix"] },
    })
    expect(await editor.stop()).toBe(0)
  })

  test("sees what it holds marked, not what lies on disk, and sees the mark go with the mistake", async () => {
    await editor.start(pathToFileURL(repository.root).href)
    await editor.open(uri, RETRY)
    const marked = await editor.published((params) => params.uri === uri)
    expect(marked.version).toBe(1)
    expect(marked.diagnostics).toEqual([
      expect.objectContaining({
        code: "retry-without-jitter",
        source: "drover-review",
        range: { start: { line: 9, character: 2 }, end: { line: 9, character: 29 } },
        relatedInformation: expect.arrayContaining([
          expect.objectContaining({ location: expect.objectContaining({ uri }) as unknown }),
        ]) as unknown,
      }),
    ])
    await editor.connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument: { uri, version: 2 },
      contentChanges: [
        {
          range: { start: { line: 2, character: 7 }, end: { line: 2, character: 13 } },
          text: '(\n\t"math/rand"\n\t"time"\n)',
        },
        {
          range: { start: { line: 12, character: 13 }, end: { line: 12, character: 28 } },
          text: "time.Duration(rand.Int63n(int64(5 * time.Second)))",
        },
      ],
    })
    const cleared = await editor.published((params) => params.version === 2)
    expect(cleared.diagnostics).toEqual([])
    await editor.connection.sendNotification(DidCloseTextDocumentNotification.type, {
      textDocument: { uri },
    })
    await editor.stop()
  })

  test("positions are right behind characters of two code units", async () => {
    await editor.start(pathToFileURL(repository.root).href)
    await editor.open(uri, RETRY.replace("\t\ttime.Sleep", "\t\t/* 🐂🐂 */ time.Sleep"))
    const { diagnostics } = await editor.published((params) => params.uri === uri)
    expect(diagnostics[0]?.range.start).toEqual({ line: 9, character: 13 })
  })

  test("files of the workspace that are not open are evidence", async () => {
    repository.write("go.mod", "module example.com/client\n")
    repository.write(
      "wait/wait.go",
      'package wait\n\nimport (\n\t"math/rand"\n\t"time"\n)\n\nfunc Next() time.Duration {\n\treturn time.Duration(rand.Int63n(1000))\n}\n',
    )
    const text = RETRY.replace(
      'import "time"',
      'import (\n\t"time"\n\n\t"example.com/client/wait"\n)',
    ).replace("5 * time.Second", "wait.Next()")
    await editor.start(pathToFileURL(repository.root).href)
    await editor.open(uri, text)
    expect((await editor.published((params) => params.uri === uri)).diagnostics).toEqual([])
  })

  test("is offered to ignore a finding with a reason, which marks it no more", async () => {
    await editor.start(pathToFileURL(repository.root).href)
    await editor.open(uri, RETRY)
    const actions = await editor.actions(uri, 9)
    const ignore = actions.find(({ title }) => title.startsWith("Ignore"))!
    expect(actions.every(({ kind }) => kind === "quickfix")).toBe(true)
    const edits = ignore.edit!.changes![uri]!
    const text = changed(
      RETRY,
      edits.map(({ range, newText }) => ({ range, text: newText })),
    )
    expect(text.split("\n")[9]).toBe(
      "\t\t// drover-ignore[retry-without-jitter]: say why this is right here",
    )
    await editor.connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument: { uri, version: 2 },
      contentChanges: [{ text }],
    })
    expect((await editor.published((params) => params.version === 2)).diagnostics).toEqual([])
    expect(await editor.actions(uri, 10)).toEqual([])
  })

  test("is told where an ignore comment holds nothing back, as the command line tells", async () => {
    await editor.start(pathToFileURL(repository.root).href)
    const noReason = RETRY.replace(
      "\t\ttime.Sleep",
      "\t\t// drover-ignore[retry-without-jitter]\n$&",
    )
    await editor.open(uri, noReason)
    const { diagnostics } = await editor.published(({ version }) => version === 1)
    expect(diagnostics.map(({ code }) => code)).toEqual([
      "retry-without-jitter",
      "ignore-without-reason",
    ])
    expect(diagnostics[1]).toMatchObject({
      severity: 2,
      message: expect.stringContaining("write drover-ignore[retry-without-jitter]: reason"),
      range: { start: { line: 9, character: 0 } },
    })
  })

  test("may ask for actions while a review is due, and call the question off", async () => {
    await editor.start(pathToFileURL(repository.root).href)
    await editor.open(uri, RETRY)
    const waiting = editor.actions(uri, 9)
    const { CancellationTokenSource } = await import("vscode-languageserver-protocol/node")
    const source = new CancellationTokenSource()
    const place = { line: 9, character: 3 }
    const asked = editor.connection.sendRequest(
      CodeActionRequest.type,
      { textDocument: { uri }, range: { start: place, end: place }, context: { diagnostics: [] } },
      source.token,
    )
    source.cancel()
    await expect(asked).rejects.toThrow("called off")
    expect((await waiting).length).toBeGreaterThan(0)
  })

  test("is asked to tell of files that change, and its word brings a new review", async () => {
    const registered = Promise.withResolvers<unknown>()
    editor.connection.onRequest(RegistrationRequest.type, (params) => registered.resolve(params))
    await editor.start(pathToFileURL(repository.root).href, true)
    expect(await registered.promise).toMatchObject({
      registrations: [{ method: "workspace/didChangeWatchedFiles" }],
    })
    await editor.open(uri, RETRY)
    expect((await editor.published((params) => params.uri === uri)).diagnostics).toHaveLength(1)
    repository.write("drover.review.yaml", "exclude: ['*.go']\n")
    await editor.connection.sendNotification(DidChangeWatchedFilesNotification.type, {
      changes: [{ uri: `${uri}.yaml`, type: 1 }],
    })
    expect((await editor.published((params) => params.uri === uri)).diagnostics).toEqual([])
  })

  test("files outside of the workspace and other languages are left alone", async () => {
    await editor.start(pathToFileURL(repository.root).href)
    await editor.open("untitled:Untitled-1", RETRY)
    await editor.open(pathToFileURL("/tmp/elsewhere.go").href, RETRY)
    await editor.open(uri, JITTERED)
    const { uri: first } = await editor.published(() => true)
    expect(first).toBe(uri)
  })

  test("asking before initialize, after shutdown, or for what is not there is an error and no end", async () => {
    await expect(editor.actions(uri, 1)).rejects.toThrow("initialize comes first")
    await editor.start(null)
    await expect(editor.connection.sendRequest("textDocument/hover", {})).rejects.toThrow(
      "there is no method",
    )
    await editor.connection.sendRequest(ShutdownRequest.type)
    await expect(editor.actions(uri, 1)).rejects.toThrow("shut down")
  })

  test("an exit without a shutdown is status 1", async () => {
    const closed = new Promise((resolve) => editor.child.once("close", resolve))
    await editor.start(null)
    await editor.connection.sendNotification(ExitNotification.type)
    expect(await closed).toBe(1)
  })
})
