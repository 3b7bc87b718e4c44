import { spawn } from "node:child_process"
import { once } from "node:events"
import { describe, expect, test } from "vitest"
import { isProvedDead, ownProof } from "./processProof.ts"

const module = JSON.stringify(new URL("./processProof.ts", import.meta.url).href)
// Says its proof, then lives until it is killed.
const script = `
  import { ownProof } from ${module}
  process.stdout.write(ownProof())
  process.stdin.resume()`

describe.skipIf(process.platform !== "linux")("a process on Linux", () => {
  test("is proved dead once it was killed, and not before", async () => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script])
    const [proof] = (await once(child.stdout, "data")).map(String)
    const worker = { pid: child.pid ?? 0, proof: proof ?? "" }
    expect(worker.proof).toMatch(/^linux \S+ pid:\[\d+\] \d+$/)
    expect(isProvedDead(worker)).toBe(false)
    child.kill("SIGSTOP")
    expect(isProvedDead(worker)).toBe(false)
    child.kill("SIGKILL")
    await once(child, "exit")
    expect(isProvedDead(worker)).toBe(true)
  })

  test("is proved dead when its pid was given to a process with another start", () => {
    const proof = ownProof().replace(/\d+$/, "1")
    expect(isProvedDead({ pid: process.pid, proof })).toBe(true)
  })

  test("that lives is not proved dead", () => {
    expect(isProvedDead({ pid: process.pid, proof: ownProof() })).toBe(false)
    expect(isProvedDead({ pid: process.ppid, proof: "" })).toBe(false)
  })

  test("of another boot, another pid namespace or without a proof is never proved dead", () => {
    const pid = 4_194_304 // beyond the largest pid
    const proof = ownProof()
    expect(isProvedDead({ pid, proof })).toBe(true)
    expect(isProvedDead({ pid, proof: proof.replace(/^linux \S+/, "linux 0000") })).toBe(false)
    expect(isProvedDead({ pid, proof: proof.replace(/\[\d+\]/, "[1]") })).toBe(false)
    expect(isProvedDead({ pid, proof: "" })).toBe(false)
  })
})
