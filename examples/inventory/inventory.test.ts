import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { hash } from "node:crypto"
import { once } from "node:events"
import { watch } from "node:fs"
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { afterEach, beforeEach, expect, test } from "vitest"

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url))
const FILES = 400
const KILLS = 8

let home: string
let folder: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "drover-inventory-"))
  folder = join(home, "folder")
  await mkdir(folder)
})

afterEach(async () => {
  await rm(home, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(...words: string[]): ChildProcess {
  return spawn(process.execPath, ["--conditions=@drover/source", MAIN, ...words], {
    cwd: home,
    env: { ...process.env, INIT_CWD: home },
    stdio: ["ignore", "pipe", "pipe"],
  })
}

async function finish(child: ChildProcess): Promise<Ended> {
  let out = ""
  let err = ""
  child.stdout!.on("data", (chunk) => (out += String(chunk)))
  child.stderr!.on("data", (chunk) => (err += String(chunk)))
  const [code] = (await once(child, "close")) as [number | null]
  return { code, out, err }
}

async function fill(): Promise<void> {
  for (let n = 0; n < FILES; n++) {
    const inner = join(folder, String(n % 20))
    await mkdir(inner, { recursive: true })
    await writeFile(join(inner, `${n}.txt`), `line ${n}\n`.repeat(n % 50))
  }
}

function records(csv: string): string[] {
  return csv.trimEnd().split("\n").slice(1)
}

test("the CSV has each file once, sorted by path, with what its content says", async () => {
  await writeFile(join(folder, "b.txt"), "one\ntwo\nthree")
  await writeFile(join(folder, "a,b.txt"), "")
  await mkdir(join(folder, "Z"))
  await writeFile(
    join(folder, "Z", "image.dat"),
    Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"),
  )
  const { code, out } = await finish(start("folder"))
  expect(code).toBe(0)
  const content = "one\ntwo\nthree"
  const csv = await readFile(join(home, "inventory.csv"), "utf8")
  const [first, second, third] = csv.split("\n").slice(0, 3)
  expect(first).toBe("path,bytes,sha256,lines,gzip_bytes")
  expect(second).toContain("Z/image.dat,16,")
  expect(third).toBe(`"a,b.txt",0,${hash("sha256", "")},0,${gzipSync("").length}`)
  expect(records(csv)[2]).toBe(`b.txt,13,${hash("sha256", content)},2,${gzipSync(content).length}`)
  expect(out).toContain("3 files, 29 bytes")
  expect(out).toContain("image/png 1")
})

test("killed with SIGKILL again and again and started with the same --db, it ends with the same CSV", async () => {
  await fill()
  expect((await finish(start("folder", "--out", "clean.csv", "--db", "clean.db"))).code).toBe(0)
  for (let kill = 0; kill < KILLS; kill++) {
    const child = start("folder", "--out", "killed.csv", "--db", "killed.db")
    const ended = finish(child)
    // Each time after a little more was written, wherever that is.
    await Promise.race([writes("killed.db-wal", 5 + kill * 7), ended])
    child.kill("SIGKILL")
    await ended
  }
  const last = await finish(start("folder", "--out", "killed.csv", "--db", "killed.db"))
  expect(last.code).toBe(0)
  const clean = await readFile(join(home, "clean.csv"), "utf8")
  expect(records(clean)).toHaveLength(FILES)
  expect(await readFile(join(home, "killed.csv"), "utf8")).toBe(clean)
})

/** Resolves after a file in the test's home was written to this often. */
async function writes(name: string, count: number): Promise<void> {
  const watcher = watch(home)
  let left = count
  await new Promise<void>((resolve) => {
    watcher.on("change", (_event, changed) => {
      if (changed === name && --left <= 0) resolve()
    })
  })
  watcher.close()
}

test("stopped with SIGTERM it says how to go on, and going on measures only what is left", async () => {
  await fill()
  const child = start("folder", "--db", "stopped.db")
  const ended = finish(child)
  await writes("stopped.db-wal", 20)
  child.kill("SIGTERM")
  const stopped = await ended
  // It may have been faster than the signal.
  if (stopped.code !== 0) {
    expect(stopped.code).toBe(130)
    expect(stopped.err).toContain("same --db")
    const again = await finish(start("folder", "--db", "stopped.db"))
    expect(again.err).toContain("Going on with")
    expect(again.code).toBe(0)
  }
  expect(records(await readFile(join(home, "inventory.csv"), "utf8"))).toHaveLength(FILES)
})

test("odd names, loops, pipes and closed folders are reported and never fatal", async () => {
  await writeFile(join(folder, 'new\nline and "quote".txt'), "x")
  await writeFile(
    Buffer.concat([Buffer.from(`${folder}/bad-`), Buffer.from([0xff, 0xfe]), Buffer.from(".bin")]),
    "y",
  )
  await writeFile(join(folder, "\u001b[31mred"), "z")
  await symlink("loop", join(folder, "loop"))
  await symlink("..", join(folder, "up"))
  await symlink("nowhere", join(folder, "dangling"))
  const pipe = spawn("mkfifo", [join(folder, "pipe")])
  await once(pipe, "close")
  await mkdir(join(folder, "closed"))
  await chmod(join(folder, "closed"), 0)
  const { code, out, err } = await finish(start("folder"))
  await chmod(join(folder, "closed"), 0o700)
  expect(code).toBe(0)
  const csv = await readFile(join(home, "inventory.csv"), "utf8")
  expect(csv).toContain('"new\nline and ""quote"".txt",1,')
  expect(csv).toContain(String.raw`bad-\xFF\xFE.bin,1,`)
  for (const name of ["loop", "up", "dangling"])
    expect(out).toContain(`${name}: symlink, not followed`)
  expect(out).toContain("pipe: named pipe")
  // Root may enter any folder; everybody else is told.
  if (process.getuid?.() !== 0) expect(out).toContain("closed: folder not readable: EACCES")
  expect(out + err).not.toContain("\u001b[31m")
})

test("its own database and CSV are no part of the inventory of the folder they lie in", async () => {
  await writeFile(join(folder, "a.txt"), "x")
  const words = ["folder", "--db", "folder/own.db", "--out", "folder/own.csv"]
  expect((await finish(start(...words))).code).toBe(0)
  expect((await finish(start(...words))).code).toBe(0)
  expect(records(await readFile(join(folder, "own.csv"), "utf8"))).toEqual([
    expect.stringContaining("a.txt,1,"),
  ])
})

test("a folder that is not there is refused with what to write instead", async () => {
  const { code, err } = await finish(start("missing"))
  expect(code).toBe(2)
  expect(err).toContain("is not a folder")
  expect(err).toContain("npm start -- [FOLDER]")
})
