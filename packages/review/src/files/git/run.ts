/**
 * Runs Git on a repository that may be hostile. Only plumbing that reads objects is ever asked, never the work tree, so
 * that no filter, hook, pager, monitor or differ of the repository's configuration has a reason to start; each is
 * switched off besides, and so is the network, which a partial clone would reach for. A configuration may also name a
 * pipe to wait for: every run has a deadline and a bound on what it may print.
 */
import { spawn } from "node:child_process"
import { delimiter, isAbsolute, resolve } from "node:path"
import { devNull } from "node:os"
import { InputError } from "../inputError.ts"

const DEADLINE_MS = 20_000
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024
const MAX_ERROR_BYTES = 4_096

/** Settings that win over the repository's own. */
const OVERRIDES: readonly string[] = [
  "core.fsmonitor=false",
  `core.hooksPath=${devNull}`,
  `core.attributesFile=${devNull}`,
  "core.symlinks=false",
  "core.sshCommand=false",
  "core.gitProxy=false",
  "core.quotePath=false",
  "core.packedGitLimit=256m",
  "core.preloadIndex=false",
  "credential.helper=",
  "diff.external=",
  "gc.auto=0",
  "maintenance.auto=false",
  "protocol.allow=never",
  "safe.bareRepository=explicit",
  // What an owner could plant is switched off above; a container that runs as another user reads like any other.
  "safe.directory=*",
  "submodule.recurse=false",
]

/** What the person's environment may tell Git; everything else is left behind. */
const KEPT: readonly string[] = ["HOME", "SystemRoot", "TEMP", "TMP", "TMPDIR"]

export interface GitRun {
  readonly args: readonly string[]
  readonly input?: string
  readonly signal?: AbortSignal | undefined
  readonly deadlineMs?: number
  readonly maxBytes?: number
  /** Instead of the repository's index: what `git commit` tells its hooks. */
  readonly indexFile?: string | undefined
}

/** Git's answer was longer than what is read. */
export class GitOutputError extends InputError {}

/**
 * Runs Git and returns what it printed.
 * @throws InputError when Git is not there, says no, or does not end in time
 */
export async function runGit(root: string, run: GitRun): Promise<Buffer> {
  const settings = OVERRIDES.flatMap((setting) => ["-c", setting])
  // Its own folder is of no use to it: `-C` says where to look, and Windows would look there for programs first.
  const child = spawn("git", ["--no-pager", ...settings, "-C", root, ...run.args], {
    cwd: resolve("/"),
    env: environment(run.indexFile),
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
    timeout: run.deadlineMs ?? DEADLINE_MS,
    killSignal: "SIGKILL",
    ...(run.signal ? { signal: run.signal } : {}),
  })
  const maxBytes = run.maxBytes ?? MAX_OUTPUT_BYTES
  const { promise, resolve: settle, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let bytes = 0
  let said = ""
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= maxBytes) chunks.push(chunk)
    else child.kill("SIGKILL")
  })
  child.stderr.on("data", (chunk: Buffer) => {
    if (said.length < MAX_ERROR_BYTES) said += chunk.toString("utf8")
  })
  // It may end before it read everything; what it printed decides.
  child.stdin.on("error", () => undefined)
  child.stdin.end(run.input ?? "")
  child.on("error", (error) => reject(run.signal?.aborted ? error : notStarted(error)))
  child.on("close", (status, signal) => {
    if (bytes > maxBytes)
      reject(new GitOutputError(`git ${run.args[0]} printed more than ${maxBytes} bytes`))
    else if (status === 0) settle(Buffer.concat(chunks))
    else if (signal !== null)
      reject(new InputError(`git ${run.args[0]} did not end in time and was stopped`))
    else reject(new InputError(`git ${run.args[0]}: ${said.trim().split("\n", 1)[0] ?? ""}`))
  })
  return promise
}

function notStarted(error: Error): InputError {
  return new InputError(`git cannot be started (${error.message}); comparing revisions needs it`)
}

function environment(indexFile: string | undefined): NodeJS.ProcessEnv {
  const kept = Object.fromEntries(KEPT.map((name) => [name, process.env[name]]))
  return {
    ...kept,
    // A folder that is named relative to where one stands could be the repository's.
    PATH: (process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute).join(delimiter),
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_SYSTEM: devNull,
    GIT_CONFIG_GLOBAL: devNull,
    GIT_ATTR_NOSYSTEM: "1",
    GIT_ALLOW_PROTOCOL: "",
    GIT_ASKPASS: "",
    GIT_NO_LAZY_FETCH: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_PROTOCOL_FROM_USER: "0",
    GIT_TERMINAL_PROMPT: "0",
    ...(indexFile === undefined ? {} : { GIT_INDEX_FILE: indexFile }),
  }
}
