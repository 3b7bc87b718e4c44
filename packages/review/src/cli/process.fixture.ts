/** The program as a real process. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url))

/** Starts `drover-review` from its source. */
export function startProgram(
  words: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): ChildProcessWithoutNullStreams {
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env
  return spawn(process.execPath, ["--conditions=@drover/source", MAIN, ...words], {
    cwd: options.cwd,
    env: { ...env, XDG_CACHE_HOME: `${options.cwd}/.cache`, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  })
}

/** Runs it to its end. */
export async function runProgram(
  words: readonly string[],
  options: {
    readonly cwd: string
    readonly env?: Readonly<Record<string, string>>
    readonly input?: string
  },
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const child = startProgram(words, options)
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve))
  child.stdin.end(options.input ?? "")
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await closed, out, err }
}
