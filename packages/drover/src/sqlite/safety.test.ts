import { spawnSync } from "node:child_process"
import {
  linkSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
  mkdirSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { isDroverError } from "../errors/index.ts"
import { sqlite } from "./index.ts"
import { checkIdentity, checkSqliteVersion, prepareFile, refusedFileSystem } from "./safety.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "drover-safety-"))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (isDroverError(error)) return error.code
    throw error
  }
  return "fine"
}

function database(name: string): string {
  const path = join(folder, name)
  const connection = new DatabaseSync(path)
  connection.exec("pragma journal_mode = wal; create table t (a)")
  connection.close()
  return path
}

describe("the version of SQLite", () => {
  test.each([
    ["3.51.3", "fine"],
    ["3.51.10", "fine"],
    ["3.52.0", "fine"],
    ["4.0.0", "fine"],
    ["3.51.2", "DROVER_STORE_UNSAFE"],
    ["3.50.9", "DROVER_STORE_UNSAFE"],
    ["2.99.99", "DROVER_STORE_UNSAFE"],
    ["unknown", "DROVER_STORE_UNSAFE"],
  ])("%s: %s", (version, expected) => {
    expect(codeOf(() => checkSqliteVersion(version))).toBe(expected)
  })
})

describe("a file that is prepared", () => {
  test("is created for its owner only, together with its folder", () => {
    const path = join(folder, "new", "app.db")
    const identity = prepareFile(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, "new")).mode & 0o777).toBe(0o700)
    expect(identity.inode).toBe(statSync(path, { bigint: true }).ino)
  })

  test("keeps the mode of a folder and of a file that were there", () => {
    chmodSync(folder, 0o755)
    const path = database("app.db")
    chmodSync(path, 0o640)
    prepareFile(path)
    expect(statSync(folder).mode & 0o777).toBe(0o755)
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })

  test("may be reached through a symbolic link, and is known by its real path", () => {
    const path = database("app.db")
    const link = join(folder, "link.db")
    symlinkSync(path, link)
    expect(prepareFile(link)).toMatchObject({ path: link, realPath: path })
  })

  test("is refused when it has two names", () => {
    const path = database("app.db")
    linkSync(path, join(folder, "other.db"))
    expect(codeOf(() => prepareFile(path))).toBe("DROVER_STORE_UNSAFE")
  })

  test("is refused when it is a folder", () => {
    mkdirSync(join(folder, "app.db"))
    expect(codeOf(() => prepareFile(join(folder, "app.db")))).toBe("DROVER_STORE_UNSAFE")
  })

  test.each(["missing", "empty"])("is refused when it is %s but its log is there", (how) => {
    const path = join(folder, "app.db")
    writeFileSync(`${path}-wal`, "frames")
    if (how === "empty") writeFileSync(path, "")
    expect(codeOf(() => prepareFile(path))).toBe("DROVER_STORE_REPLACED")
    expect(statSync(`${path}-wal`).size).toBe(6)
  })

  test("that is empty and without a log is a new database", () => {
    const path = join(folder, "app.db")
    writeFileSync(path, "")
    expect(prepareFile(path).path).toBe(path)
  })

  test.each(["folder", "file"])("is refused when its %s cannot be written", (what) => {
    const path = database("app.db")
    chmodSync(path, what === "file" ? 0o444 : 0o666)
    chmodSync(folder, what === "folder" ? 0o555 : 0o777)
    // Root may write everywhere, so another user asks: once the code is loaded, which may lie where only root reads.
    const script = `
      import { prepareFile } from ${JSON.stringify(new URL("./safety.ts", import.meta.url).href)}
      if (process.getuid?.() === 0) {
        process.setgid(65_534)
        process.setuid(65_534)
      }
      try { prepareFile(${JSON.stringify(path)}) } catch (error) { console.log(error.code) }`
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", script])
    expect(child.stdout.toString().trim()).toBe("DROVER_STORE_READONLY")
    chmodSync(folder, 0o700)
  })
})

describe("the identity of an open file", () => {
  test("holds while the file stays where it is", () => {
    const identity = prepareFile(database("app.db"))
    expect(codeOf(() => checkIdentity(identity))).toBe("fine")
  })

  test("is lost when another file takes the place", () => {
    const identity = prepareFile(database("app.db"))
    renameSync(database("copy.db"), identity.path)
    expect(codeOf(() => checkIdentity(identity))).toBe("DROVER_STORE_REPLACED")
  })

  test("is lost when the file is removed", () => {
    const identity = prepareFile(database("app.db"))
    rmSync(identity.path)
    expect(codeOf(() => checkIdentity(identity))).toBe("DROVER_STORE_REPLACED")
  })

  test("is lost when a symbolic link turns to another file", () => {
    const link = join(folder, "link.db")
    symlinkSync(database("app.db"), link)
    const identity = prepareFile(link)
    rmSync(link)
    symlinkSync(database("copy.db"), link)
    expect(codeOf(() => checkIdentity(identity))).toBe("DROVER_STORE_REPLACED")
  })
})

test.each([
  [0x6969, "nfs"],
  [0xff534d42, "cifs"],
  [0xff534d42 | 0, "cifs"],
  [0x01021997, "9p"],
  [0x65735546, "fuse"],
  [0xef53, undefined],
  [0x01021994, undefined],
  [0x794c7630, undefined],
])("the file system of type %s is refused as %s", (type, name) => {
  expect(refusedFileSystem(type)).toBe(name)
})

test.each(["postgres://ann:secret@host/app", "sqlite:app.db", "file:app.db"])(
  "%s is an address and no path, and makes no file",
  (address) => {
    const attempt = (): unknown => sqlite(address)
    expect(attempt).toThrow(/takes the path of a file, such as "app\.db", not an address/)
    expect(attempt).not.toThrow(/secret/)
  },
)

test.each(["app.db", "./a:b.db", "C:/data/app.db"])("%s is a path", (path) => {
  expect(sqlite(path).label).toBe(path)
})
