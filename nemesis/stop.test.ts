import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { systemClock } from "../packages/drover/src/time/index.ts"

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url))
const DEADLINE_MS = 30_000
const limits = { timeout: 90_000 }

test.each(["SIGINT", "SIGKILL"] as const)(
  "after %s in the middle of a run no process and no mount of it is left",
  limits,
  async (signal) => {
    const folders = folderNames()
    const driver = spawn(
      process.execPath,
      ["--conditions=@drover/source", MAIN, "--minutes", "5", "--seed", "1"],
      { stdio: "ignore" },
    )
    const ended = new Promise<number | null>((resolve) => driver.once("exit", resolve))
    const own = (): string | undefined => folderNames().find((name) => !folders.includes(name))
    await until(() => {
      const folder = own()
      return folder !== undefined && processesOf(folder).length >= 4
    })
    const folder = own() ?? ""
    driver.kill(signal)
    const code = await ended
    // A killed one has no code.
    expect(code).toBe(signal === "SIGINT" ? 130 : null)
    await until(() => processesOf(folder).length === 0 && !mounts().includes(folder))
  },
)

function folderNames(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith("drover-nemesis-"))
}

/** Worker processes know their folder from their environment. */
function processesOf(folder: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1").includes(join(tmpdir(), folder))
    } catch {
      return false
    }
  })
}

function mounts(): string {
  return readFileSync("/proc/mounts", "utf8")
}

async function until(holds: () => boolean): Promise<void> {
  const endMono = systemClock.monotonic() + DEADLINE_MS
  while (!holds()) {
    if (systemClock.monotonic() > endMono) throw new Error("it did not come about in time")
    await systemClock.sleep(50)
  }
}
