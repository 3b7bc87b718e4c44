import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { loadConfig } from "./config.ts"

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drover-config-"))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

function load(named: { readonly config?: string; readonly db?: string } = {}): Promise<unknown> {
  return loadConfig({ cwd: folder, enter: () => undefined }, named)
}

test("--db takes a file, sqlite:FILE and the address of a Postgres, and needs no configuration", async () => {
  await writeFile(join(folder, "app.db"), "")
  for (const db of ["app.db", "sqlite:app.db"]) {
    await expect(load({ db })).resolves.toMatchObject({ store: { label: join(folder, "app.db") } })
  }
  const label = "postgres://db.internal/app"
  await expect(load({ db: "postgres://ann:secret@db.internal/app" })).resolves.toMatchObject({
    store: { label },
  })
})

test.each(["missing.db", "sqlite:missing.db"])("--db %s makes no file", async (db) => {
  await expect(load({ db })).rejects.toThrow(/--db: there is no file .*missing\.db/)
})

test("--db with another scheme is refused without its password", async () => {
  await expect(load({ db: "mysql://ann:secret@host/x" })).rejects.toThrow(
    '--db: "mysql://…@host/x" is no place; write FILE, sqlite:FILE or postgres://HOST/NAME',
  )
})
